"""A subspace against the truth: `zoo.score_alignment` is here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.deprecation import accept_old_arguments
from compiler.errors import InputError
from compiler.model import Model
from compiler.torch_values import plain
from zoo.alignment.figures import Figures, measure
from zoo.alignment.interchanges import PAIRS, Interchanges, draw_interchanges
from zoo.alignment.patching import Runs, run_both
from zoo.alignment.places import Place, all_places, find_place, holds
from zoo.alignment.reading import (
    read_part,
    read_shares,
    read_subspace,
)
from zoo.alignment.report import AlignmentRecord, AlignmentReport, Geometry
from zoo.alignment.subspaces import (
    KnownSubspace,
    angles,
    check_basis,
    known_subspace,
    random_subspace,
    share_inside,
)
from zoo.auditing.certificate import Certificate
from zoo.cases.case import Case, open_case
from zoo.cases.pairs import SHIFTED

DRAWS = 5


@accept_old_arguments(turned="shifted")
def score_alignment(
    source: str | Path | Model | Case,
    variable: str,
    site: str,
    basis: Any,
    *,
    pairs: int = PAIRS,
    draws: int = DRAWS,
    seed: int = 0,
    certificate: Certificate | None = None,
    split: str = "test",
    shifted: float = SHIFTED,
    ablation: str = "resample",
    loss: str = "difference",
    positions: str = "all",
) -> AlignmentReport:
    """Return what the claim is worth that a variable lives in a subspace of a site.

    Args:
        source: a release's name, a folder, a model, a program's name, or a case.
        variable: of the program, computed by a head or an MLP.
        site: a source (`m0`, `a1.h2`), or the stream before a layer (`stream.1`).
        basis: [d_model, k], a direction a column; only their span counts.
        pairs: how many pairs of a base and a donor input are run.
        draws: how many random subspaces are taken as a control.
        seed: of pairs and controls.
        certificate: of a model that is no release; it is audited if None.
        split: of the data: `train` or `test`.
        shifted: share of the pairs whose corrupt run has shifted positions.
        ablation: what stands in the place of a patched write: `resample`, `mean`,
            `zero` or `optimal`; see `Case`.
        loss: what the effect of a patch is measured by; see `zoo/cases/losses.py`.
        positions: `all` positions at which answers differ, or the `one` of the data.

    Raises:
        NameLookupError: the variable or the site is unknown; the nearest are offered.
        InputError: the basis has another shape, NaN, or columns that are dependent; or
            the variable is an input.
    """
    if draws < 1:
        raise InputError(f"draws is {draws}; give at least 1 random subspace")
    basis = plain(basis)
    case = open_case(
        source,
        certificate=certificate,
        split=split,
        shifted=shifted,
        ablation=ablation,
        loss=loss,
        positions=positions,
    )
    drawn = draw_interchanges(case, variable, pairs, seed)
    place = find_place(case.config, site)
    claimed = check_basis(basis, case.config.d_model)
    runs = run_both(case, drawn)
    rng = np.random.default_rng(seed)
    known = known_subspace(case.model, variable, drawn.values)
    other = _wrong_site(case.model, variable, place, runs, rng)
    size = case.config.d_model, claimed.shape[1]
    random = [random_subspace(*size, rng) for _ in range(draws)]

    def figures(place: Place, *bases: Float[np.ndarray, "d_model k"]) -> Figures:
        return measure(case, drawn, runs, place, list(bases))

    node = case.model.sites[variable].node
    read = read_subspace(case.model, place)
    held = np.concatenate([place.held(runs.writes), place.held(runs.donors)])
    live = np.concatenate([drawn.base, drawn.donor]) != case.config.pad_id
    whole = np.eye(case.config.d_model) if known is None else known.whole
    right = holds(case.model, variable, place)
    return AlignmentReport(
        model=case.name,
        variable=variable,
        site=site,
        true_site=node,
        right_site=right,
        dimension=claimed.shape[1],
        claimed=figures(place, claimed),
        truth=figures(find_place(case.config, node), whole),
        random_subspace=figures(place, *random),
        random_site=figures(other, claimed),
        geometry=None if known is None else _geometry(claimed, known, random),
        record=AlignmentRecord(
            pairs, "all that both inputs have", draws, other.name, seed
        ),
        warnings=_warnings(case, drawn, runs, variable),
        read_part=figures(place, read_part(claimed, read)),
        shares=read_shares(claimed, read, held[live]),
    )


def _wrong_site(
    model: Model, variable: str, place: Place, runs: Runs, rng: np.random.Generator
) -> Place:
    """Return a site drawn from those that are not right and hold something.

    It is of the claimed one's kind, a node or the stream, where there is such a site.
    """
    places = [p for p in all_places(model.config) if p != place]
    wrong = [p for p in places if not holds(model, variable, p)]
    near = [p for p in wrong if p.in_stream == place.in_stream] or wrong
    busy = [p for p in near if (p.held(runs.writes) != p.held(runs.donors)).any()]
    choice = busy or near or places
    return choice[rng.integers(len(choice))]


def _geometry(
    claimed: Float[np.ndarray, "d_model k"],
    known: KnownSubspace,
    random: list[Float[np.ndarray, "d_model k"]],
) -> Geometry:
    whole, needed = known.whole, known.needed
    return Geometry(
        dimensions=whole.shape[1],
        needed=needed.shape[1],
        angles=angles(claimed, whole),
        inside=share_inside(claimed, whole),
        covered=share_inside(needed, claimed),
        random_inside=float(np.mean([share_inside(r, whole) for r in random])),
        random_covered=float(np.mean([share_inside(needed, r) for r in random])),
    )


def _warnings(
    case: Case, drawn: Interchanges, runs: Runs, variable: str
) -> tuple[str, ...]:
    found = []
    asked = drawn.after >= 0
    shown = int((asked & (drawn.after != drawn.before)).sum())
    if shown < asked.sum() / 20:
        found.append(
            f"the override changes {shown} of {int(asked.sum())} outputs: look at "
            "cause, and not at IIA"
        )
    sites = case.model.sites
    shared = [
        name
        for name, site in sites.items()
        if name != variable and site.node == sites[variable].node
    ]
    if shared and sites[variable].basis is None:
        found.append(
            f"{sites[variable].node} also writes {', '.join(shared)}, which the "
            "truth's row takes along"
        )
    return tuple(found)
