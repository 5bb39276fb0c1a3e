"""Small programs with one difficulty of attribution each.

The tokens of an input are x0, x1, x2, and the output is the same at every position.

    conjunction  x0 = 1 and x1 = 1. Where both are 1, both are needed; where one is not,
                 that one is enough, and a gradient may see neither
    redundancy   x0 = 1 or x1 = 1. Where both are 1, each is enough and none is
                 necessary: changing one token alone changes nothing
    suppressor   x0 - x1, where x0 = y + x1 and y and x1 are drawn independently: x1
                 says nothing of the output by itself, and is needed to read x0 (Haufe
                 et al. 2014; Wilming et al. 2022)
    cancelled    (x0 + x1) - x1: x1 is read twice, and its effects cancel
    linear       x0 + x1: the case in which additive attributions are right by theory,
                 as far as the network is linear in its embeddings
    exception    x0, but 0 where x0 is 2: a function whose slope around one input says
                 nothing of another (Bilodeau et al. 2024)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from compiler.api import compile_model
from compiler.errors import unknown_name
from compiler.model import Model
from compiler.passes.check import Accepts
from compiler.rasp import EQ, Aggregate, Map, Select, SOp, indices, tokens
from zoo.attribution.task import INPUTS, AttributionTask, open_attribution

LENGTH = 3


@dataclass(frozen=True)
class NamedCase:
    """One difficulty.

    Attributes:
        name: of the case.
        expression: the program.
        vocab: its tokens.
        accepts: which inputs there are; all if None.
    """

    name: str
    expression: SOp
    vocab: tuple[int, ...]
    accepts: Accepts | None = None


def _token(place: int) -> SOp:
    return Aggregate(Select(indices, place, EQ), tokens).named(f"x{place}")


def _is_noisy_signal(row: Sequence[Any]) -> bool:
    """Return whether x0 is y + x1 for some y of 0 and 1, with x1 at most 2."""
    return len(row) > 1 and row[1] <= 2 and 0 <= row[0] - row[1] <= 1


def _cases() -> tuple[NamedCase, ...]:
    first, second = _token(0), _token(1)
    one = Map(lambda v: v == 1, first).named("first_is_1")
    other = Map(lambda v: v == 1, second).named("second_is_1")
    total = (first + second).named("total")
    exception = Map(lambda v: 0 if v == 2 else v, first)
    return (
        NamedCase("conjunction", one & other, (0, 1)),
        NamedCase("redundancy", one | other, (0, 1)),
        NamedCase("suppressor", first - second, (0, 1, 2, 3), _is_noisy_signal),
        NamedCase("cancelled", total - second, (0, 1, 2)),
        NamedCase("linear", total, (0, 1, 2)),
        NamedCase("exception", exception, (0, 1, 2, 3)),
    )


NAMES = (
    *("conjunction", "redundancy", "suppressor", "cancelled", "linear", "exception"),
)


@cache
def _compiled(name: str) -> tuple[Model, Accepts | None]:
    found = next(case for case in _cases() if case.name == name)
    model = compile_model(found.expression.named(name), found.vocab, LENGTH)
    return model, found.accepts


def open_named_case(
    name: str, *, inputs: int = INPUTS, seed: int = 0
) -> AttributionTask:
    """Return a named case, for `zoo.score_attribution`; inputs have three tokens.

    Raises:
        NameLookupError: there is no such case; the nearest are offered.
    """
    if name not in NAMES:
        raise unknown_name("case of attribution", name, NAMES)
    model, accepts = _compiled(name)
    return open_attribution(
        model, inputs=inputs, seed=seed, lengths=(LENGTH,), accepts=accepts
    )
