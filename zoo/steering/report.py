"""What a score of steering returns."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compiler.grid import align
from compiler.notation import value_to_json
from compiler.rasp.values import Value, show
from zoo.auditing.certificate import Rate
from zoo.steering.figures import SteeringFigures

VERSION = 1


@dataclass(frozen=True)
class SteeringCounterexample:
    """The first output that is wrong when the site is steered.

    Attributes:
        tokens: the input.
        steered: positions at which the variable was to be set, from 0.
        output: position of the output.
        before: the output without steering.
        expected: what the program gives with the variable set.
        got: what the transformer gives.
    """

    tokens: tuple[Value, ...]
    steered: tuple[int, ...]
    output: int
    before: Value
    expected: Value
    got: Value

    @property
    def text(self) -> str:
        """The counterexample as a sentence."""
        at = ", ".join(map(str, self.steered))
        return (
            f"First miss: input [{', '.join(map(show, self.tokens))}], steered at "
            f"{at}: output {self.output} was {show(self.before)}, should be "
            f"{show(self.expected)}, and is {show(self.got)}."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the counterexample as JSON values."""
        return {
            "tokens": [value_to_json(t) for t in self.tokens],
            "steered": list(self.steered),
            "output": self.output,
            **{n: value_to_json(getattr(self, n)) for n in _VALUES},
        }


_VALUES = ("before", "expected", "got")


@dataclass(frozen=True)
class SteeringReport:
    """What a steering vector is worth.

    Attributes:
        model: its name.
        variable: what is to be set.
        value: to what, as text.
        method: name of the method, or `vector`.
        site: where.
        right_site: whether the variable is at that site by the circuit.
        examples: how many were measured.
        positions: `one` or `all`.
        rows: figures of what was `claimed`; of the true `interchange`; of `random`
            directions as long; of the same method with `shuffled` labels and on an
            `untrained` model, where it was named; and of the built-in methods.
        constant: what one output everywhere would reach.
        counterexample: the first output that is wrong; None if none is.
        seed: of the draws.
    """

    model: str
    variable: str
    value: str
    method: str
    site: str
    right_site: bool
    examples: int
    positions: str
    rows: Mapping[str, SteeringFigures]
    constant: float
    counterexample: SteeringCounterexample | None
    seed: int

    def __repr__(self) -> str:
        return (
            f"<SteeringReport {self.model}, {self.variable} = {self.value} at "
            f"{self.site}: success {_share(self.claimed.success)}, damage "
            f"{self.claimed.damage:.3f}>"
        )

    def __str__(self) -> str:
        return self.text

    @property
    def claimed(self) -> SteeringFigures:
        """The figures of what was given."""
        return self.rows["claimed"]

    @property
    def text(self) -> str:
        """The report as a table of text."""
        site = "the right site" if self.right_site else "not a right site"
        lines = [
            f"{self.model}: {self.variable} = {self.value} at {self.site}, {site}; "
            f"{self.method}",
            f"{self.examples} examples, steered at {self.positions} of the positions; "
            f"seed {self.seed}",
            "",
            *align(
                [("", "right", "success", "95 %", "damage", "reached", "gained")]
                + [_row(name, found) for name, found in self.rows.items()]
            ),
            "",
            f"One output everywhere would reach {self.constant:.3f}.",
        ]
        if self.counterexample is not None:
            lines += textwrap.wrap(self.counterexample.text, 78)
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        plain = ("model", "variable", "value", "method", "site", "right_site")
        more = ("examples", "positions", "constant", "seed")
        wrong = self.counterexample
        return {
            "format": "circuitzoo.steering",
            "format_version": VERSION,
            **{name: getattr(self, name) for name in (*plain, *more)},
            "rows": {name: found.to_json() for name, found in self.rows.items()},
            "counterexample": None if wrong is None else wrong.to_json(),
        }


def _share(found: Rate | None) -> str:
    return "-" if found is None else f"{found.share:.3f}"


def _number(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:.3f}"


def _row(name: str, found: SteeringFigures) -> tuple[str, ...]:
    done = found.success
    interval = "-" if done is None else f"{done.low:.3f}..{done.high:.3f}"
    figures = (found.damage, found.reached, found.gained)
    return (
        name,
        f"{found.right.share:.3f}",
        _share(done),
        interval,
        *map(_number, figures),
    )
