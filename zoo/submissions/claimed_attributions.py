"""Scores of input positions for each output: the kind `attributions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from zoo.attribution.methods import METHODS
from zoo.attribution.score import check_scores, score_attribution
from zoo.attribution.task import AttributionTask, open_attribution
from zoo.cases.case import Case
from zoo.methods.method import Method
from zoo.scoring.cells import FigureTable
from zoo.submissions.claim_kind import ClaimKind, Stored
from zoo.submissions.record import SubmittedRun

NAME = "attributions"
_CLAIMED = ("auroc", "precision", "iou", "pointing", "suppressed")
_CONTROLS = ("random", "prior")


@dataclass(frozen=True)
class SubmittedAttributions(SubmittedRun):
    """The attributions of one run.

    Attributes:
        attributions: [input][output][position] for the inputs of the task.
    """

    attributions: tuple[tuple[tuple[float, ...], ...], ...] = ()


def _ask(train: Case, test: Case, seed: int) -> tuple[AttributionTask, AttributionTask]:
    """Return the task twice; how its inputs are drawn depends on the seed alone."""
    task = open_attribution(test.model, seed=seed)
    return task, task


def _store(task: AttributionTask, answer: Any) -> Stored:
    return {"attributions": check_scores(task, answer, absolute=False).tolist()}


def _restore(
    task: AttributionTask, entry: SubmittedAttributions
) -> Float[np.ndarray, "input ctx ctx"]:
    return check_scores(task, entry.attributions, absolute=False)


def _measure(
    method: Method, scores: Any, task: AttributionTask
) -> tuple[FigureTable, tuple[str, ...]]:
    rows = score_attribution(task, scores, seed=task.seed).rows
    claimed = rows["claimed"].to_json()
    controls = {name: rows[name].to_json()["auroc"] for name in _CONTROLS}
    return {NAME: {name: claimed[name] for name in _CLAIMED} | controls}, ()


def _methods() -> Mapping[str, Callable[..., Any]]:
    return METHODS


KIND = ClaimKind(
    name=NAME,
    ask=_ask,
    measure=_measure,
    about="an AttributionTask -> numbers [input, output, position]",
    record=SubmittedAttributions,
    store=_store,
    restore=_restore,
    methods=_methods,
)
