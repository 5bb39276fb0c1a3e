"""Which dimension of the stream stands for what, and what tokens are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compiler.superposed.sets import NeuronSets

FACT = "superposed"
"""The fact that holds the sizes of such a model; no other model has it."""
ASKED, HAS, JOINED = "&", "has_", "_and_"


@dataclass(frozen=True)
class StreamLayout:
    """The dimensions of the stream, block after block.

    Attributes:
        n_inputs: how many inputs; each has a dimension that says whether it is on.
        d_mlp: how many neurons. Tokens are written in as many dimensions, and each
            neuron writes one of as many further ones.
    """

    n_inputs: int
    d_mlp: int

    @property
    def has(self) -> slice:
        """Whether each input is on; the first head writes it."""
        return slice(0, self.n_inputs)

    @property
    def token(self) -> slice:
        """What a token is: an axis of a literal, several ones of a question."""
        return slice(self.n_inputs, self.n_inputs + self.d_mlp)

    @property
    def hidden(self) -> slice:
        """What the neurons write."""
        return slice(self.token.stop, self.token.stop + self.d_mlp)

    @property
    def literal(self) -> int:
        """Whether a token is a literal."""
        return self.hidden.stop

    @property
    def question(self) -> int:
        """Whether a token is a question."""
        return self.hidden.stop + 1

    @property
    def answer(self) -> int:
        """The answer; the second head writes it."""
        return self.hidden.stop + 2

    @property
    def d_model(self) -> int:
        """Return the width of the stream."""
        return self.hidden.stop + 3


def literals(n_inputs: int) -> list[str]:
    """Return the tokens that say that an input is on: `x0`, `x1`, .."""
    return [f"x{i}" for i in range(n_inputs)]


def questions(sets: NeuronSets) -> list[str]:
    """Return the tokens that ask for an AND: `x0&x7`, .."""
    return [f"x{a}{ASKED}x{b}" for a, b in sets.pairs.tolist()]


def has_names(n_inputs: int) -> list[str]:
    """Return the variables that say whether an input is on."""
    return [f"{HAS}{name}" for name in literals(n_inputs)]


def and_names(sets: NeuronSets) -> list[str]:
    """Return the variables that are ANDs: `x0_and_x7`, .."""
    return [f"x{a}{JOINED}x{b}" for a, b in sets.pairs.tolist()]


def layout_of(facts: Mapping[str, Any]) -> StreamLayout | None:
    """Return the layout of a model with these facts; None if it is another model."""
    found = facts.get(FACT)
    if found is None:
        return None
    return StreamLayout(int(found["n_inputs"]), int(found["d_mlp"]))
