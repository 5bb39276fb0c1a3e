"""The choices of a compression, checked where they are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any

from compiler.errors import InputError

# Field -> least value; integers are told from numbers by their type.
_LEAST: dict[str, int | float] = {
    "d_model": 1,
    "seed": 0,
    "steps": 1,
    "batch": 1,
    "check_every": 1,
    "inputs": 2,
    "learning_rate": 1e-8,
    "layers": 0.0,
    "accuracy_at_least": 0.0,
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every choice of a compression.

    Attributes:
        d_model: width of the compressed stream.
        seed: of the projection, the inputs and the batches.
        steps: budget of optimizer steps.
        batch: inputs a step.
        learning_rate: of Adam at its peak; a cosine falls to a hundredth.
        layers: weight of reconstructing what heads and MLPs write, beside the output.
        check_every: steps between checks on held-out inputs.
        accuracy_at_least: on held-out inputs, a fraction of positions; reached, it
            ends the run.
        inputs: most inputs that are drawn from.
    """

    d_model: int
    seed: int = 0
    steps: int = 6000
    batch: int = 64
    learning_rate: float = 1e-2
    layers: float = 1.0
    check_every: int = 500
    accuracy_at_least: float = 0.999
    inputs: int = 20_000

    def __post_init__(self) -> None:
        _check(asdict(self))


def _check(values: Mapping[str, Any]) -> None:
    """Raise InputError, listing every value that a choice cannot have."""
    problems = [
        problem
        for name, value in values.items()
        if (problem := _problem(name, value, _LEAST[name]))
    ]
    if problems:
        raise InputError("compress: " + "; ".join(problems))


def _problem(name: str, value: Any, least: int | float) -> str:
    """Return what is wrong with a choice, nothing if it can be used."""
    kinds = (int,) if isinstance(least, int) else (int, float)
    noun = "an integer" if isinstance(least, int) else "a number"
    fits = isinstance(value, kinds) and not isinstance(value, bool)
    if fits and isfinite(value) and value >= least:
        return ""
    return f"{name} is {value!r}; give {noun} of at least {least}"


def make_settings(d_model: Any, changes: Mapping[str, Any]) -> Settings:
    """Return the settings with some of the defaults changed.

    Raises:
        InputError: one is unknown, or has a value that it cannot have.
    """
    known = [field.name for field in fields(Settings)]
    if unknown := sorted(set(changes) - set(known)):
        raise InputError(
            f"compress: unknown setting {unknown[0]!r}; there are {', '.join(known)}"
        )
    values = {"d_model": d_model, **changes}
    _check(values)
    # Whole numbers serve where a number with a decimal point is meant.
    real = {k: float(v) for k, v in values.items() if isinstance(_LEAST[k], float)}
    return Settings(**{**values, **real})


def check_width(d_model: int, compiled: int, name: str) -> None:
    """Raise InputError for a stream that is wider than the compiled one."""
    if d_model > compiled:
        raise InputError(
            f"compress: d_model is {d_model}, and {name} is compiled into {compiled} "
            f"dimensions. Give an integer in 1..{compiled}"
        )
