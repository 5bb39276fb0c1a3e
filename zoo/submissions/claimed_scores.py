"""Scores of edges or nodes, and circuits: the kind `scores`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.cases.case import Case
from zoo.cases.scores import FORMAT, Scores
from zoo.scoring.cells import SCORES
from zoo.scoring.formats import read_scores
from zoo.submissions.claim_kind import ClaimKind, Stored
from zoo.submissions.record import SubmittedRun


@dataclass(frozen=True)
class SubmittedScores(SubmittedRun):
    """The scores of one run.

    Attributes:
        n_layers: of the model.
        n_heads: of the model.
        is_circuit: whether the scores are a circuit: 1 inside, 0 outside.
        scores: by item; empty without any.
    """

    n_layers: int = 0
    n_heads: int = 0
    is_circuit: bool = False
    scores: Mapping[str, float] = field(default_factory=dict)


def _store(case: Case, answer: Any) -> Stored:
    scores = read_scores(case.names, answer)
    names = scores.level.names
    return {
        "n_layers": names.n_layers,
        "n_heads": names.n_heads,
        "is_circuit": scores.is_circuit,
        "scores": scores.to_dict(),
    }


def _restore(case: Case, entry: SubmittedScores) -> Scores:
    return read_scores(
        case.names,
        {
            "format": FORMAT,
            "n_layers": entry.n_layers,
            "n_heads": entry.n_heads,
            "is_circuit": entry.is_circuit,
            "scores": entry.scores,
        },
    )


def _methods() -> Mapping[str, Callable[..., Any]]:
    from zoo.methods import known_methods

    return {name: method.run for name, method in known_methods().items()}


KIND = ClaimKind(
    name=SCORES.name,
    ask=SCORES.ask,
    measure=SCORES.measure,
    about="a case -> a number for every edge or node, or a circuit",
    record=SubmittedScores,
    store=_store,
    restore=_restore,
    methods=_methods,
)
