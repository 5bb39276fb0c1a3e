"""Scores of edges at positions, or at the roles of tokens, against the truth.

An edge at a place is true if the certificate counts the edge as used, and patching it
at this place alone changes an output of some pair at hand. It does not count if no pair
shows it: the edge is undetectable, or its source writes the same there in all runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

import programs
from compiler.errors import FormatError, InputError, count, unknown_name
from compiler.machine.names import ARROW, Names
from compiler.model import Model
from zoo.cases.bootstrap import interval_over_items
from zoo.cases.case import Case, open_case
from zoo.cases.positions import (
    EdgePlaces,
    Roles,
    item_name,
    patch_places,
    places_of,
    split_item,
)
from zoo.cases.truth import KnownEdge
from zoo.methods.eap import eap
from zoo.methods.exact_position import exact_by_position
from zoo.methods.peap import peap_by_position
from zoo.ranking import (
    auroc,
    average_precision,
    expected_hits,
    ranks_of,
    surely_top,
)
from zoo.scoring.formats import Missing, read_scores
from zoo.scoring.report import Missed, Record, Report, Spurious

OWN = "own"
POSITION = "position"
"""The granularity at which edges are scored at positions."""


@dataclass(frozen=True, eq=False)
class PositionTruth:
    """At which places edges are used.

    Attributes:
        names: the names of the transformer's parts.
        places: the positions or roles.
        effect: [reader, source, place] share of the pairs in which some output changes
            when the edge is patched at this place alone; 0 for edges that are not used.
        counted: [reader, source, place] whether it is in a ranking.
    """

    names: Names
    places: EdgePlaces
    effect: Float[np.ndarray, "reader source place"]
    counted: Bool[np.ndarray, "reader source place"]

    @property
    def used(self) -> Bool[np.ndarray, "reader source place"]:
        """Where patching the edge changes an output."""
        return self.effect > 0

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Return the effects that are not 0, by edge and by place."""
        found: dict[str, dict[str, float]] = {}
        for r, s, p in np.argwhere(self.used).tolist():
            edge = f"{self.names.sources[s]}{ARROW}{self.names.readers[r]}"
            effect = round(float(self.effect[r, s, p]), 6)
            found.setdefault(edge, {})[self.places.names[p]] = effect
        return found


def truth_by_position(
    source: str | Path | Model | Case, *, roles: Roles | None = None
) -> PositionTruth:
    """Return at which positions each edge of a model is used.

    Args:
        source: a release's name, a folder, a model or a program's name, whose test
            pairs are patched; or a case, with its own pairs.
        roles: a function of the tokens that gives each a role, or a variable whose
            value is the role, or `own` for the roles that the program says: positions
            with one role are patched together. Each position by itself if None.

    Raises:
        NameLookupError: nothing has that name, or there is no such variable.
        InputError: the program gives tokens no roles.
    """
    case = open_case(source, split="test")
    places = places_of(case, find_roles(case, roles))
    used, hidden = case.truth.mask("used"), case.truth.mask("undetectable")
    found = patch_places(case, places, used)
    visible = (case.names.visible & ~hidden)[..., None] & found.seen[None]
    return PositionTruth(case.names, places, found.changed.mean(axis=-1), visible)


def find_roles(case: Case, roles: Roles | None) -> Roles | None:
    """Return what gives tokens their roles; `own` is the program's own function.

    Raises:
        InputError: the program says nothing of roles.
    """
    if roles != OWN:
        return roles
    found = programs.program_of(case.model.name, case.model.facts.get("family"))
    if found is None or found.roles is None:
        raise InputError(
            f"{case.name}: its program gives tokens no roles. Give a variable whose "
            "value is the role of a token, or in Python a function of the tokens"
        )
    return found.roles


def baselines_by_position(
    case: Case, train: Case, roles: Roles | None = None, seed: int = 0
) -> dict[str, Float[np.ndarray, "reader source place"]]:
    """Return what scores at positions are compared with.

    Args:
        case: that scores are compared on: its places are those of the scores.
        train: the same with the pairs that methods look at.
        roles: what tokens with one role are; positions if None.
        seed: of the random scores.
    """
    roles = find_roles(case, roles)
    places, seen = places_of(case, roles), places_of(train, roles)
    shape = (*case.names.visible.shape, len(places.names))
    wide = np.repeat(np.abs(eap(train, seed))[..., None], shape[2], axis=2)
    return {
        "random": np.random.default_rng(seed).random(shape),
        "|eap| everywhere": wide,
        "|peap|": _aligned(np.abs(peap_by_position(train, seen)), seen, places),
        "exact-position": _aligned(exact_by_position(train, seen), seen, places),
    }


def _aligned(values: np.ndarray, own: EdgePlaces, wanted: EdgePlaces) -> np.ndarray:
    """Return scores at other places of the same names; 0 where there was none."""
    found = np.zeros((*values.shape[:2], len(wanted.names)))
    for index, name in enumerate(wanted.names):
        if name in own.names:
            found[..., index] = values[..., own.names.index(name)]
    return found


def score_positions(
    case: Case,
    scores: Any,
    *,
    roles: Roles | None = None,
    missing: Missing = None,
    absolute: bool = False,
    k: int | None = None,
    seed: int = 0,
) -> Report:
    """Return what scores of edges at positions are worth.

    Args:
        case: the model, its truth and its pairs.
        scores: [reader, source, place]; a mapping with keys `(edge, place)` or
            `EDGE@PLACE`; a JSON or NPY file with either; or scores of edges in any
            format, which then count for all places.
        roles: what tokens with one role are, see `places_of`; positions if None; `own`
            for the roles of the program itself.
        missing: the score of what a mapping has none for: a number, `lowest`, or None
            to refuse.
        absolute: whether items are ranked by absolute value.
        k: how many items count as found; as many as are true if None.
        seed: of intervals.

    Raises:
        NameLookupError: an edge or a place is unknown.
        InputError: scores are NaN, missing, or of another shape; or no edge is used.
    """
    truth = truth_by_position(case, roles=roles)
    values, filled, source = read_places(case, truth.places, scores, missing)
    ranked = np.abs(values) if absolute else values
    counted = truth.counted
    true, kept = truth.used[counted], ranked[counted]
    if not true.any():
        raise InputError(
            f"{case.name}: no edge changes an output of these pairs at any single "
            f"{'position' if roles is None else 'role'}. Take more pairs"
        )
    items = _items(case, truth)
    wanted = min(int(true.sum()) if k is None else k, len(kept))
    right = expected_hits(kept, true, wanted) if wanted else 0.0
    found = surely_top(kept, wanted)
    negative = int((values[counted] < 0).sum())
    said = ()
    if negative and not absolute:
        said = (f"{count(negative, 'negative score')}, ranked last; see --absolute",)
    rank = ranks_of(kept)
    order = np.argsort(rank, kind="stable")
    return Report(
        model=case.name,
        auroc=auroc(kept, true),
        auroc_interval=interval_over_items(auroc, kept, true, seed),
        average_precision=average_precision(kept, true),
        average_precision_interval=interval_over_items(
            average_precision, kept, true, seed
        ),
        k=wanted,
        precision=right / wanted if wanted else 0.0,
        recall=right / int(true.sum()),
        f1=2 * right / (wanted + int(true.sum())),
        hamming=wanted + int(true.sum()) - 2 * right,
        true=int(true.sum()),
        counted=len(kept),
        undetectable=int(case.truth.mask("undetectable").sum()),
        constant=int((case.names.visible[..., None] & ~counted).sum()),
        unused=int(case.truth.mask("unused").sum()),
        missed=tuple(
            Missed(items[i], float(kept[i]), int(rank[i]), (_known(case, items[i]),))
            for i in order
            if true[i] and not found[i]
        ),
        spurious=tuple(
            Spurious(items[i], float(kept[i]), int(rank[i]))
            for i in order
            if found[i] and not true[i]
        ),
        faithfulness_curve=None,
        magnitude_curve=None,
        subsets=None,
        record=_record(case, source, filled, absolute, roles is None),
        warnings=said,
        items=items,
        scores=kept,
        labels=true,
    )


def _known(case: Case, item: str) -> KnownEdge:
    """Return what is known of an item's edge; its witness is of all positions."""
    edge, _ = split_item(item) or ("", "")
    return replace(case.truth.known[case.names.parse_edge(edge)], witness=None)


def _items(case: Case, truth: PositionTruth) -> tuple[str, ...]:
    names = case.names
    return tuple(
        item_name(f"{names.sources[s]}{ARROW}{names.readers[r]}", truth.places.names[p])
        for r, s, p in np.argwhere(truth.counted).tolist()
    )


def _record(
    case: Case, source: str, filled: int, absolute: bool, positions: bool
) -> Record:
    shifted = float((case.pairs.shifts > 0).mean())
    return Record(
        granularity=POSITION if positions else "role",
        sign="magnitude" if absolute else "as given",
        ablation=case.ablation,
        direction=case.direction,
        positions=f"{case.positions}; {shifted:.0%} of the corrupt runs shifted",
        loss=case.loss,
        convention="exact",
        pairs=len(case.pairs),
        filled=filled,
        source=source,
    )


def read_places(
    case: Case, places: EdgePlaces, scores: Any, missing: Missing = None
) -> tuple[Float[np.ndarray, "reader source place"], int, str]:
    """Return (scores of edges at places, how many were filled in, their format)."""
    scores = _from_file(scores)
    shape = (*case.names.visible.shape, len(places.names))
    if isinstance(scores, Mapping) and _has_places(scores):
        return *_from_mapping(case, places, scores, missing), "edges at places"
    if isinstance(scores, np.ndarray) and scores.ndim == 3:
        if scores.shape != shape:
            raise InputError(
                f"scores: an array of shape {scores.shape}, expected [reader, source, "
                f"place] = {shape}; the places are {', '.join(places.names)}"
            )
        values = scores.astype(np.float64)
        if np.isnan(values[case.names.visible]).any():
            raise InputError("scores: found NaN. Give each edge at each place a number")
        return values, 0, "array"
    read = read_scores(case.names, scores, None, missing)
    if read.level.kind != "qkv" or read.level.merged:
        raise InputError(
            f"the scores are of '{read.level}'; at positions, edges of q, k and v are "
            "scored. Give scores of these"
        )
    edges = np.zeros(case.names.visible.shape)
    edges[case.names.visible] = read.values
    return (
        np.repeat(edges[..., None], shape[2], axis=2),
        read.filled,
        "edges, the same at every place",
    )


def _from_file(scores: Any) -> Any:
    """Return the contents of a file that may have scores at places."""
    if not isinstance(scores, str | Path):
        return scores
    path = Path(scores)
    try:
        if path.suffix == ".npy":
            found = np.load(path, allow_pickle=False)
            return found if found.ndim == 3 else scores
        if path.suffix == ".json":
            found = json.loads(path.read_text(encoding="utf-8"))
            return found if _has_places(found) else scores
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{path}: cannot be read: {error}") from None
    return scores


def _has_places(scores: Any) -> bool:
    if not isinstance(scores, Mapping) or not scores:
        return False
    return all(
        isinstance(key, tuple) or (isinstance(key, str) and split_item(key))
        for key in scores
    )


def _from_mapping(
    case: Case, places: EdgePlaces, scores: Mapping[Any, Any], missing: Missing
) -> tuple[Float[np.ndarray, "reader source place"], int]:
    values = np.full((*case.names.visible.shape, len(places.names)), np.nan)
    index = {name: i for i, name in enumerate(places.names)}
    for key, value in scores.items():
        edge, place = key if isinstance(key, tuple) else split_item(key) or ("", "")
        reader, source = case.names.edge_index(case.names.parse_edge(str(edge)))
        if str(place) not in index:
            raise unknown_name("place", str(place), index)
        if not isinstance(value, int | float | np.number) or np.isnan(value):
            raise InputError(f"{key}: found {value!r}, expected a number")
        values[reader, source, index[str(place)]] = float(value)
    empty = np.isnan(values) & case.names.visible[..., None]
    filled = int(empty.sum())
    if filled and missing is None:
        raise InputError(
            f"{filled} edges at places have no score. Give them one, or say which: "
            "missing=0.0, or missing='lowest' to rank them last"
        )
    lowest = float(np.nanmin(values)) - 1.0 if missing == "lowest" else missing
    values[empty] = 0.0 if lowest is None else float(lowest)
    return np.nan_to_num(values), filled
