"""Types of signals, and what a head can compute of the layer before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from compiler.rasp.expr import SOp

SignalKind = Literal["token", "number", "bool"]
KINDS: tuple[SignalKind, ...] = ("token", "number", "bool")
Compared = Literal["any", "positions", "tokens"]
OTHER: dict[SignalKind, Compared] = {
    "token": "positions",
    "number": "tokens",
    "bool": "any",
}
"""What selects in the first layer, by the type of what is read there."""
OF_OUTPUT: dict[str, SignalKind] = {
    "categorical": "token",
    "numerical": "number",
    "boolean": "bool",
}


@dataclass(frozen=True, eq=False)
class Signal:
    """A sequence of the program.

    Attributes:
        sop: how it is computed.
        kind: the type of its values.
        layer: the attention layer that computes it; 0 for tokens and positions.
    """

    sop: SOp
    kind: SignalKind
    layer: int


@dataclass(frozen=True)
class HeadForm:
    """What a head computes of the signal of the layer before.

    Attributes:
        family: of the goal's families.
        reads: the type of that signal.
        place: whether the signal is in the selector, or is the value that is read.
        gives: the type of the result; `mean` for a fraction.
    """

    family: str
    reads: SignalKind
    place: Literal["selector", "value"]
    gives: Literal["token", "number", "bool", "mean"]


FORMS: tuple[HeadForm, ...] = (
    *(HeadForm("counts", kind, "selector", "number") for kind in KINDS),
    HeadForm("lookups", "number", "selector", "token"),
    *(HeadForm("rules", kind, "selector", g) for kind in KINDS for g in KINDS[:2]),
    *(HeadForm("rules", kind, "value", kind) for kind in KINDS),
    *(HeadForm("means", kind, "value", "mean") for kind in ("number", "bool")),
)
