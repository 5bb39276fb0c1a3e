"""Are true claims right, and others not? Descriptions and programs on many releases.

On every third release, one variable of each is described by the Python expression that
`zoo components` emits for it, and by things that know nothing of it. Then the program
that the release was made from is scored as a claim, beside another program.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.emitted_code import emitted
from benchmarks.every_third import measure_each
from benchmarks.report import Table, Target

INPUTS, SECONDS = 4_000, 60
CHEATS: dict[str, Callable[[list[Any]], list[Any]]] = {
    "token": lambda row: list(row),
    "position": lambda row: list(range(len(row))),
    "memorised": lambda row: [f"{row}{i}" for i in range(len(row))],
}
OTHER = "reverse"


def measure(quick: bool) -> dict[str, Any]:
    """Return the figures of descriptions and of programs, model by model."""
    return measure_each(_measure_one, quick)


def _measure_one(name: str) -> dict[str, Any]:
    import zoo
    from zoo.auditing.subject import causal_of

    start = time.process_time()
    model = zoo.load(name)
    steps = causal_of(model).steps  # pyright: ignore
    variables = [v for v in model.circuit.sites if v not in ("tokens", "positions")]
    kept = [v for v in variables if v != "indices"]
    variable = kept[-1] if len(kept) == 1 else kept[-2]
    claims = {"emitted code": _function(steps, variable), **CHEATS}
    found = {
        label: _side(zoo.score_description(model, variable, claim, inputs=INPUTS))
        for label, claim in claims.items()
    }
    programs = {
        label: _program(zoo.score_program(model, claim, inputs=INPUTS))
        for label, claim in (("true", model.name), ("other", OTHER))
        if not (label == "other" and model.name == OTHER)
    }
    return {
        "model": name,
        "variable": variable,
        "descriptions": found,
        "programs": programs,
        "seconds": round(time.process_time() - start, 1),
    }


def _function(steps: Any, variable: str) -> Callable[[list[Any]], list[Any]]:
    """Return a variable as a function of the tokens, of the emitted code."""
    run = emitted(steps, variable)
    return lambda words: run(words)[variable]


def _side(report: Any) -> dict[str, float | None]:
    values, effects = report.values["claimed"], report.effects["claimed"]
    cause = effects.cause
    return {
        "gained": values.gained,
        "information": values.information,
        "program": effects.program.share,
        "cause": None if cause is None else cause.share,
        "model": effects.model.share,
        "shuffled": report.values["shuffled"].gained,
        "constant": report.values["constant"].gained,
    }


def _program(report: Any) -> dict[str, float]:
    return {
        "behaviour": report.behaviour.share,
        "constant": report.constant,
        "structure": report.structure,
    }


Rows = Sequence[Mapping[str, Any]]


def _mean(rows: Rows, part: str, label: str, figure: str) -> float:
    found = [r[part][label][figure] for r in rows if label in r[part]]
    return float(np.mean([f for f in found if f is not None] or [np.nan]))


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the means over models."""
    models = result["models"]
    sides = ("gained", "information", "program", "cause", "model")
    described = [
        [label, *(f"{_mean(models, 'descriptions', label, f):.3f}" for f in sides)]
        for label in ("emitted code", *CHEATS)
    ]
    figures = ("behaviour", "constant", "structure")
    programs = [
        [label, *(f"{_mean(models, 'programs', label, f):.3f}" for f in figures)]
        for label in ("true", "other")
    ]
    return [
        Table(
            f"Descriptions: means over {len(models)} releases",
            ["<claim", *sides],
            described,
            ["Input side: `gained` and `information`; output side: the other three."],
        ),
        Table(
            f"Programs as claims: means over {len(models)} releases",
            ["<program", *figures],
            programs,
        ),
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether true claims have 1, others little, and the time is short."""
    models = result["models"]
    true = [m["descriptions"]["emitted code"] for m in models]
    least = min(min(row["gained"], row["program"]) for row in true)
    chance = max(row[control] for row in true for control in ("shuffled", "constant"))
    behaviour = min(m["programs"]["true"]["behaviour"] for m in models)
    slowest = max(m["seconds"] for m in models)
    enough = len(models) >= 20
    return [
        Target("Releases with scored claims", "at least 20", f"{len(models)}", enough),
        Target("True descriptions, least figure", "1", f"{least:.3f}", least == 1),
        Target(
            "Shuffled and constant descriptions, greatest gain",
            "at most 0.1",
            f"{chance:.3f}",
            chance <= 0.1,
        ),
        Target(
            "Behaviour of true programs, least",
            "at least 0.998",
            f"{behaviour:.4f}",
            behaviour >= 0.998,
        ),
        Target(
            "CPU s of four descriptions and two programs on a release, slowest",
            f"at most {SECONDS}",
            f"{slowest:.0f}",
            slowest <= SECONDS,
        ),
    ]
