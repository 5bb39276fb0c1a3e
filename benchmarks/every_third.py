"""The releases that the scores of explanations are measured on, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

STRIDE, QUICK = 3, 2
LEFT_OUT = ("sort-llama", "indirect-object-identification-siit")
"""Tasks by hand whose inputs cannot be enumerated."""


def measure_each(
    measure_one: Callable[[str], dict[str, Any]], quick: bool
) -> dict[str, Any]:
    """Return what is measured of every third release; of the first two if quick."""
    names = names_of_every_third()
    return {
        "models": [measure_one(name) for name in (names[:QUICK] if quick else names)]
    }


def names_of_every_third() -> list[str]:
    """Return the names of every third release."""
    import zoo

    return [e["name"] for e in zoo.releases() if e["name"] not in LEFT_OUT][::STRIDE]
