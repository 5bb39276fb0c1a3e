"""Claims about where each variable is, as a subspace of a site: the kind `alignments`.

A non-linear map is no such claim: `zoo.score_map` fits it again to random weights, for
which it needs the finder and not the map (docs/scoring.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.errors import InputError, unknown_name
from compiler.torch_values import plain
from zoo.alignment.interchanges import draw_interchanges
from zoo.alignment.places import find_place
from zoo.alignment.score import score_alignment
from zoo.alignment.subspaces import check_basis
from zoo.cases.case import Case
from zoo.methods.method import Method
from zoo.scoring.cells import FigureTable
from zoo.submissions.claim_kind import ClaimKind, Stored, mean_figures, named_claims
from zoo.submissions.claim_task import ClaimTask, ask_about_variables
from zoo.submissions.record import SubmittedRun

NAME = "alignments"
FIGURES = ("cause", "iia", "read_part", "right_site", "random")
DRAWS = 2
Subspace = tuple[str, Float[np.ndarray, "d_model k"]]


@dataclass(frozen=True)
class SubmittedSubspace:
    """Where a variable is said to be.

    Attributes:
        site: a source (`m0`), or the stream before a layer (`stream.1`).
        basis: [d_model][k], a direction a column.
    """

    site: str
    basis: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class SubmittedAlignments(SubmittedRun):
    """The alignments of one run.

    Attributes:
        alignments: by variable.
    """

    alignments: Mapping[str, SubmittedSubspace] = field(default_factory=dict)


def _ask(train: Case, test: Case, seed: int) -> tuple[ClaimTask, ClaimTask]:
    tasks = ask_about_variables(train, test, seed)
    if not _shown(tasks[1]):
        raise InputError(f"{test.name}: no interchange of a variable changes an output")
    return tasks


def _shown(task: ClaimTask) -> list[str]:
    """Return the variables whose interchange changes an output of some drawn pair."""
    found = []
    for variable in task.variables:
        drawn = draw_interchanges(task.case, variable)
        if ((drawn.after >= 0) & (drawn.after != drawn.before)).any():
            found.append(variable)
    return found


def _store(task: ClaimTask, answer: Any) -> Stored:
    expected = "a variable -> (site, directions [d_model, k])"
    stored = {}
    for variable, claim in named_claims(answer, expected).items():
        if not isinstance(claim, tuple | list) or len(claim) != 2:
            raise InputError(
                f"alignments: {variable!r} has {type(claim).__name__}, expected "
                f"{expected}"
            )
        site, basis = _checked(task, variable, str(claim[0]), plain(claim[1]))
        stored[variable] = {"site": site, "basis": basis.tolist()}
    return {"alignments": stored}


def _restore(task: ClaimTask, entry: SubmittedAlignments) -> Mapping[str, Subspace]:
    return {
        variable: _checked(task, variable, claim.site, claim.basis)
        for variable, claim in entry.alignments.items()
    }


def _checked(task: ClaimTask, variable: str, site: str, basis: Any) -> Subspace:
    """Return a claim with an orthonormal basis.

    Raises:
        NameLookupError: the variable or the site is unknown.
        InputError: the basis is none of this model's stream.
    """
    if variable not in task.variables:
        raise unknown_name("variable", variable, task.variables)
    find_place(task.case.config, site)
    return site, check_basis(basis, task.case.config.d_model)


def _measure(
    method: Method, claims: Mapping[str, Subspace], task: ClaimTask
) -> tuple[FigureTable, tuple[str, ...]]:
    """Return means over the variables that an interchange can show."""
    shown, found = _shown(task), []
    for variable in (name for name in shown if name in claims):
        report = score_alignment(task.case, variable, *claims[variable], draws=DRAWS)
        rows = {
            "cause": report.claimed.cause,
            "iia": report.claimed.iia,
            "read_part": report.read_part.cause,
            "random": report.random_subspace.cause,
        }
        shares = {name: None if r is None else r.share for name, r in rows.items()}
        found.append({**shares, "right_site": float(report.right_site)})
    return {NAME: mean_figures(found, FIGURES, len(shown))}, ()


def _comparable(stored: Stored) -> Any:
    """Return sites, and projections in the place of bases: only their span counts."""
    found = {}
    for variable, claim in stored["alignments"].items():
        basis = np.linalg.qr(np.asarray(claim.basis, np.float64))[0]
        found[variable] = {"site": claim.site, "projection": basis @ basis.T}
    return found


def _at_its_node(find: Callable[..., Any]) -> Callable[[ClaimTask, int], Any]:
    """Return a built-in finder as a method, which is told the node of each variable."""

    def run(task: ClaimTask, seed: int) -> Mapping[str, Any]:
        found = {}
        for variable in task.variables:
            node = task.model.sites[variable].node
            try:
                found[variable] = node, find(task.case, variable, node, seed=seed)
            except InputError:  # the variable has one value in these inputs
                continue
        return found

    return run


def _methods() -> Mapping[str, Callable[..., Any]]:
    from zoo.finders import das, difference_of_means, pca, probe

    finders = {
        "das": das,
        "mean-directions": difference_of_means,
        "pca": pca,
        "linear-probe": probe,
    }
    return {name: _at_its_node(find) for name, find in finders.items()}


KIND = ClaimKind(
    name=NAME,
    ask=_ask,
    measure=_measure,
    about="a ClaimTask -> {variable: (site, directions [d_model, k])}",
    record=SubmittedAlignments,
    store=_store,
    restore=_restore,
    methods=_methods,
    comparable=_comparable,
)
