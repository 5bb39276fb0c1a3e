"""What can be read from activations, and when?

On every third release: questions about variables, answered by a linear probe, which is
fitted on other inputs; by the commonest answer to the same text; and by probes of
permuted activations and of a model with random weights. Then the built-in lenses: the
layer from which on the output can be read, against the layer that computes it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.every_third import measure_each
from benchmarks.report import Table, Target

SECONDS, CHANCE = 60, 0.05
WHO = ("oracle", "probe", "text alone", "shuffled", "untrained")
SIDES = ("held", "not held", "all")
LENS_ROWS = (
    *("oracle", "logit-lens", "decoder-lens", "tuned-lens"),
    *("shuffled", "untrained"),
)


def measure(quick: bool) -> dict[str, Any]:
    """Return the figures of questions and of lenses, model by model."""
    return measure_each(_measure_one, quick)


def _measure_one(name: str) -> dict[str, Any]:
    import zoo

    start = time.process_time()
    model = zoo.load(name)
    asked = zoo.questions(model)
    answers = zoo.score_answers(asked).to_json()
    lens = zoo.score_lens(model, "tuned-lens").to_json()
    return {
        "model": name,
        "questions": len(asked),
        "answers": answers["rows"],
        "computed": lens["computed"],
        "lenses": lens["rows"],
        "seconds": round(time.process_time() - start, 1),
    }


Rows = Sequence[Mapping[str, Any]]


def _answered(models: Rows, who: str, side: str, figure: str = "gained") -> float:
    return float(np.mean([m["answers"][who][side][figure] for m in models]))


def _lens(models: Rows, row: str, figure: str) -> list[float]:
    return [m["lenses"][row][figure] for m in models]


def _lag(models: Rows, row: str) -> list[int]:
    found = [(m["lenses"][row]["readable"], m["computed"]) for m in models]
    return [first - computed for first, computed in found if first is not None]


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the means over models."""
    models = result["models"]
    asked = sum(m["questions"] for m in models)
    answered = [
        [who, *(f"{_answered(models, who, side):.3f}" for side in SIDES)] for who in WHO
    ]
    lenses = [
        [
            row,
            *(f"{np.mean(_lens(models, row, f)):.3f}" for f in ("score", "early")),
            f"{np.mean(_lens(models, row, 'late')):.3f}",
            *(str(sum(test(g) for g in _lag(models, row))) for test in _LAGS),
        ]
        for row in LENS_ROWS
    ]
    head = ["<lens", "score", "early", "late", "too early", "on time", "too late"]
    return [
        Table(
            f"Answers: mean gain over {len(models)} releases, {asked} questions",
            ["<who answers", *(f"variable {side}" for side in SIDES)],
            answered,
            ["Whether the site holds the variable by the circuit; 0 is chance."],
        ),
        Table(
            f"Lenses: means over {len(models)} releases",
            head,
            lenses,
            [
                "The last three count models by when the output can be read, against "
                "when it is computed; docs/scoring.md has the definitions."
            ],
        ),
    ]


_LAGS = (lambda lag: lag < 0, lambda lag: lag == 0, lambda lag: lag > 0)


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether the truth has 1, controls are at chance, and time is short."""
    models = result["models"]
    exact = min(m["answers"]["oracle"]["all"]["gained"] for m in models)
    chance = max(_answered(models, w, "all") for w in ("text alone", "shuffled"))
    score = min(_lens(models, "oracle", "score"))
    blind = max(float(np.mean(_lens(models, "shuffled", f))) for f in ("early",))
    seen = float(np.mean([1 - f for f in _lens(models, "shuffled", "late")]))
    slowest = max(m["seconds"] for m in models)
    enough = len(models) >= 20
    return [
        Target("Releases with questions", "at least 20", f"{len(models)}", enough),
        Target("True answers, least gain", "1", f"{exact:.3f}", exact == 1),
        Target(
            "Mean gain of the text alone and of shuffled activations, greatest",
            f"at most {CHANCE}",
            f"{chance:.3f}",
            chance <= CHANCE,
        ),
        Target("Score of the true lens, least", "1", f"{score:.3f}", score == 1),
        Target(
            "Mean gain of shuffled lenses, greatest",
            f"at most {CHANCE}",
            f"{max(blind, seen):.3f}",
            max(blind, seen) <= CHANCE,
        ),
        Target(
            "CPU s of questions and lenses on a release, slowest",
            f"at most {SECONDS}",
            f"{slowest:.0f}",
            slowest <= SECONDS,
        ),
    ]
