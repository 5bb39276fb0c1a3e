"""Alignments by any map, beside the same fit to a model that was not trained.

    gained = (cause - cause of random weights) / (1 - cause of random weights)

A map that is free enough aligns every model with every program (Sutter et al. 2025):
its effect says nothing until the same fit to random weights has less. So what is scored
is a finder, which can be run again there, and not a map that was found before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from compiler.errors import InputError, unknown_name
from compiler.grid import align
from compiler.model import Model
from zoo.alignment.figures import Figures, measure_runs
from zoo.alignment.interchanges import PAIRS, draw_interchanges
from zoo.alignment.patching import Runs, perturb_site, run_both
from zoo.alignment.places import Place, find_place, holds
from zoo.alignment.subspaces import known_subspace
from zoo.cases.case import Case, open_case
from zoo.finders.flows import AlignmentMap, flow, start_of
from zoo.finders.search import das

TokenMap = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""What a site holds after an interchange, of [.., d_model] in base and donor runs."""
MapFinder = Callable[[Case, str, str], TokenMap]


def _linear(case: Case, variable: str, site: str) -> TokenMap:
    """Return the interchange of the subspace that DAS finds."""
    return _along(das(case, variable, site))


def _along(basis: np.ndarray) -> TokenMap:
    return lambda base, donor: base + (donor - base) @ basis @ basis.T


def _start(case: Case, variable: str, site: str) -> TokenMap:
    """Return a map that was not fitted: half of a random rotation's coordinates."""
    start = start_of(case, site, variable, 0, choose_positions=False)
    size = max(case.config.d_model // 2, 1)
    return AlignmentMap({**start, "k": np.asarray(float(size))}, size)


MAP_FINDERS: Mapping[str, MapFinder] = {
    "das": _linear,
    "flow": flow,
    "flow-positions": partial(flow, choose_positions=True),
    "random": _start,
}
"""Name -> finder: linear, non-linear, non-linear with a choice of positions, none."""


@dataclass(frozen=True)
class MapReport:
    """The figures of a finder's map.

    Attributes:
        model: name of the case.
        variable: the variable that is interchanged.
        site: where.
        finder: its name.
        right_site: whether an interchange at the site is right by the circuit.
        rows: figures by row: `claimed`, on other pairs than those it was fitted to;
            `fitted`, on these; `untrained` and `untrained, fitted`, of the same finder
            on random weights; `random`, of a map that was not fitted; and `truth`.
        pairs: how many pairs of a base and a donor input each row has.
    """

    model: str
    variable: str
    site: str
    finder: str
    right_site: bool
    rows: Mapping[str, Figures]
    pairs: int

    @property
    def gained(self) -> float | None:
        """What of the effect random weights do not have; None where they have all."""
        own, blank = self.rows["claimed"].cause, self.rows["untrained"].cause
        if own is None or blank is None or blank.share == 1:
            return None
        return (own.share - blank.share) / (1 - blank.share)

    def __str__(self) -> str:
        where = "the right site" if self.right_site else "not a right site"
        gained = "-" if self.gained is None else f"{self.gained:.3f}"
        head = ("", "IIA", "cause", "isolate")
        rows = [(name, *_shares(found)) for name, found in self.rows.items()]
        lines = [
            f"{self.model}: {self.variable} at {self.site}, {where}, by {self.finder}",
            "",
            *align([head, *rows]),
            "",
            f"gained over random weights: {gained}; {self.pairs} pairs",
        ]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "format": "circuitzoo.alignment_map",
            "format_version": 1,
            **{n: getattr(self, n) for n in ("model", "variable", "site", "finder")},
            "right_site": self.right_site,
            "gained": self.gained,
            "rows": {name: found.to_json() for name, found in self.rows.items()},
            "pairs": self.pairs,
        }


def _shares(found: Figures) -> tuple[str, ...]:
    rates = found.iia, found.cause, found.isolate
    return tuple("-" if r is None else f"{r.share:.3f}" for r in rates)


def score_map(
    source: str | Path | Model | Case,
    variable: str,
    site: str,
    finder: str | MapFinder = "flow",
    *,
    pairs: int = PAIRS,
    seed: int = 0,
) -> MapReport:
    """Return what an alignment by any map is worth, beside random weights.

    Args:
        source: a release's name, a folder, a model, a program's name, or a case.
        variable: of the program, computed by a head or an MLP.
        site: a source (`m0`, `a1.h2`), or the stream before a layer (`stream.1`).
        finder: `das`, `flow` (non-linear), `flow-positions` (it also chooses at which
            tokens it acts), or a function of a case, a variable and a site that returns
            a map: a function of what the site holds in base and in donor runs,
            [.., d_model] each, that returns what it is to hold.
        pairs: how many pairs of a base and a donor input are run for each row.
        seed: of pairs and random weights.

    Raises:
        NameLookupError: the variable, the site or the finder is unknown.
        InputError: the variable is an input, or a map returns what cannot be.
    """
    if isinstance(finder, str) and finder not in MAP_FINDERS:
        raise unknown_name("finder", finder, MAP_FINDERS)
    find = MAP_FINDERS[finder] if isinstance(finder, str) else finder
    name = finder if isinstance(finder, str) else getattr(finder, "__name__", "finder")
    train = open_case(source)
    test = train if isinstance(source, Case) else train.split("test")
    place = find_place(test.config, site)
    rows = {}
    for title, seen, other in (
        ("", train, test),
        ("untrained", train.untrained(seed), test.untrained(seed)),
    ):
        found = find(seen, variable, site)
        on = {title or "claimed": (other, seed + 1)}
        on |= {f"{title}, fitted" if title else "fitted": (seen, 0)}
        for row, (case, draw) in on.items():
            count = PAIRS if "fitted" in row else pairs  # what finders are fitted to
            rows[row] = measure_map(case, variable, place, found, count, draw)
    start = _start(test, variable, site)
    rows["random"] = measure_map(test, variable, place, start, pairs, seed + 1)
    rows["truth"] = _truth(test, variable, pairs, seed + 1)
    right = holds(test.model, variable, place)
    return MapReport(test.name, variable, site, name, right, rows, pairs)


def _truth(case: Case, variable: str, pairs: int, seed: int) -> Figures:
    """Return the figures of the true subspace, or of all that the node writes."""
    place = find_place(case.config, case.model.sites[variable].node)
    known = known_subspace(case.model, variable)
    whole = np.eye(case.config.d_model) if known is None else known.whole
    return measure_map(case, variable, place, _along(whole), pairs, seed)


def measure_map(
    case: Case, variable: str, place: Place, found: TokenMap, count: int, seed: int
) -> Figures:
    """Return the figures of a map at a site; see `zoo.alignment.figures`."""
    pairs = draw_interchanges(case, variable, count, seed)
    runs = run_both(case, pairs)
    run = partial(_logits_under, case, place, runs, found)
    return measure_runs(case, pairs, runs, place, [run])


def _logits_under(
    case: Case, place: Place, runs: Runs, found: TokenMap, where: np.ndarray
) -> Any:
    base, donor = place.held(runs.writes), place.held(runs.donors)
    there = np.asarray(found(base, donor))
    if there.shape != base.shape or not np.isfinite(there).all():
        raise InputError(
            f"the map returned the shape {there.shape}, expected finite numbers of the "
            f"shape {base.shape}: what the site is to hold, [pair, token, d_model]"
        )
    moved = np.where(where[..., None], there - base, 0.0).astype(np.float32)
    return perturb_site(case.transformer, runs.base, place.target, moved)
