"""Sets of circuits, as models with redundant parts need: the kind `circuits`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from compiler.errors import InputError, unknown_name
from zoo.cases.case import Case
from zoo.methods.method import Method
from zoo.scoring.cells import FigureTable, ask_on_cases
from zoo.scoring.circuit_sets import score_circuits
from zoo.scoring.pruned_circuits import prune_circuits
from zoo.scoring.sufficient import Circuits, find_circuits
from zoo.submissions.claim_kind import ClaimKind, Stored
from zoo.submissions.record import SubmittedRun

NAME = "circuits"
MOST = 256
"""Circuits above which a set is refused: each is run on all pairs, edge by edge."""


@dataclass(frozen=True)
class SubmittedCircuits(SubmittedRun):
    """The circuits of one run.

    Attributes:
        circuits: the names of the edges of each.
    """

    circuits: tuple[tuple[str, ...], ...] = ()


def _store(case: Case, answer: Any) -> Stored:
    if isinstance(answer, str | Mapping) or not isinstance(answer, Iterable):
        raise InputError(
            f"circuits: found {type(answer).__name__}, expected a list of circuits, "
            "each a list of the names of its edges"
        )
    return {"circuits": [list(edges) for edges in _checked(case, list(answer))]}


def _restore(case: Case, entry: SubmittedCircuits) -> tuple[tuple[str, ...], ...]:
    return _checked(case, entry.circuits)


def _checked(case: Case, given: Iterable[Any]) -> tuple[tuple[str, ...], ...]:
    """Return circuits in order, each once, with known edges in the graph's order.

    Raises:
        InputError: there is none, or there are too many.
        NameLookupError: an edge is unknown; the nearest are offered.
    """
    place = {edge: at for at, edge in enumerate(case.edges)}
    found = set()
    for circuit in given:
        if isinstance(circuit, str) or not isinstance(circuit, Iterable):
            raise InputError(
                f"circuits: found {str(circuit)[:40]!r} as a circuit, expected a list "
                "of the names of its edges"
            )
        edges = {str(edge) for edge in circuit}
        for edge in sorted(edges - place.keys()):
            raise unknown_name("edge", edge, place)
        found.add(tuple(sorted(edges, key=place.__getitem__)))
    if not 1 <= len(found) <= MOST:
        raise InputError(
            f"circuits: found {len(found)}, expected 1 to {MOST}. Give the likeliest"
        )
    return tuple(sorted(found, key=lambda edges: (len(edges), edges)))


_last: list[tuple[Case, Circuits]] = []
"""The minimal circuits of the case that was asked about last; seeds share them."""


def _truth(case: Case) -> Circuits:
    if not _last or _last[0][0] is not case:
        _last[:] = [(case, find_circuits(case))]
    return _last[0][1]


def _measure(
    method: Method, circuits: tuple[tuple[str, ...], ...], case: Case
) -> tuple[FigureTable, tuple[str, ...]]:
    """Return figures: see docs/submitting.md, and `zoo.score_circuits`."""
    report = score_circuits(case, circuits, truth=_truth(case))
    number = len(report.reported)
    figures = {
        "mean_f1": report.mean_f1,
        "coverage": report.coverage,
        "precision_union": report.precision_union,
        "recall_union": report.recall_union,
        "minimal": sum(one.minimal for one in report.reported) / number,
        "suffices": sum(one.suffices for one in report.reported) / number,
    }
    edges = {edge for circuit in circuits for edge in circuit}
    return {NAME: figures}, tuple(sorted(edges))


def _pruned(case: Case, seed: int) -> Any:
    return prune_circuits(case)


def _methods() -> Mapping[str, Callable[..., Any]]:
    return {"pruned-circuits": _pruned}


KIND = ClaimKind(
    name=NAME,
    ask=ask_on_cases,
    measure=_measure,
    about="a case -> a list of circuits, each the names of its edges",
    record=SubmittedCircuits,
    store=_store,
    restore=_restore,
    methods=_methods,
)
