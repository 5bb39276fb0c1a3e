"""A claim as values: what it says that a variable holds at each token of each input.

A claim is one of

    a function      of the tokens of an input; it returns a value for each
    a table         a dictionary from a token to a value, or from an input (a tuple of
                    tokens) to a list of values, one for each token
    a program       a RASP expression or `Program`, a program's name, or RASP text
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError
from compiler.ir import typed as t
from compiler.ir.graph import build_graph
from compiler.ir.interpret import interpret
from compiler.passes.check import Accepts, check_defined, some_inputs
from compiler.passes.infer import Limits, infer_domains
from compiler.passes.rules import settle_and_infer
from compiler.passes.simplify import simplify
from compiler.pipeline import read_source
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from compiler.rasp.values import UNDEFINED, Value, canonical, show
from zoo.causal.population import Population
from zoo.claims.bounded import time_limit
from zoo.lookup import find_program

MOST_VARIABLES = 300
"""A claimed program with more variables than this is refused."""
_LIMITS = Limits(table=200_000, domain=5_000)


@dataclass(frozen=True, eq=False)
class ClaimedValues:
    """What a claim says.

    Attributes:
        kind: `function`, `table` or `program`.
        held: [input, ctx] index of the value at each token, -1 where there is none.
        values: the values that occur.
    """

    kind: str
    held: Int[np.ndarray, "input ctx"]
    values: tuple[Value, ...]


def claim_values(found: Population, claim: Any, seconds: float) -> ClaimedValues:
    """Return what a claim says on all inputs of a population.

    Args:
        found: the inputs.
        claim: a function, a table or a program; see the module.
        seconds: the time that it may take.

    Raises:
        InputError: it is none of these, fails, takes too long, or returns another
            number of values than there are tokens.
        ProgramError: it is a program that cannot be typed.
        NameLookupError: it is a name that no program has.
    """
    if isinstance(claim, str | Program | SOp):
        with time_limit(seconds, "the claimed program"):
            return _of_program(found, claim)
    if isinstance(claim, Mapping):
        return _of_rows(found, "table", _look_up(claim), seconds)
    if callable(claim):
        return _of_rows(found, "function", claim, seconds)
    raise InputError(
        f"claim: found {type(claim).__name__}, expected a function of the tokens, a "
        "dictionary from tokens to values, or a RASP program. Give one of these"
    )


def type_program(found: Population, claim: str | Program | SOp) -> t.Typed:
    """Return a claimed program over the vocabulary and the lengths of a model.

    Raises:
        InputError: it has too many variables.
        ProgramError: it cannot be typed.
    """
    causal = found.causal
    accepts = getattr(causal, "accepts", None)
    inputs = tuple(causal.vocab), causal.n_ctx - 1, causal.causal
    return type_over(find_program(claim), *inputs, accepts)


def type_over(
    program: Program | SOp,
    vocab: tuple[Value, ...],
    max_len: int,
    causal: bool,
    accepts: Accepts | None,
) -> t.Typed:
    """Return a claimed program over given inputs.

    A program that is causal itself stays so, whatever it is compared with; one that
    says nothing attends as the inputs say.

    Raises:
        InputError: it has too many variables.
        ProgramError: it cannot be typed.
    """
    causal = causal or (isinstance(program, Program) and program.causal)
    read = read_source(program, list(vocab), max_len, causal)
    graph = build_graph(read.expression, read.name, read.causal)
    if len(graph.nodes) > MOST_VARIABLES:
        raise InputError(
            f"{read.name}: it has {len(graph.nodes)} variables, and a claim may have "
            f"{MOST_VARIABLES}. Give a shorter program"
        )

    def infer(graph: Any) -> t.Typed:
        return infer_domains(graph, read.vocab, read.max_len, _LIMITS)

    _, typed = settle_and_infer(graph, infer, lambda p: some_inputs(p, accepts))
    return simplify(check_defined(typed, accepts))


def run_program(
    typed: t.Typed,
    found: Population,
    overrides: Mapping[int, Int[np.ndarray, "input ctx"]] | None = None,
) -> list[Int[np.ndarray, "input ctx"]]:
    """Return the values of every variable of a program; overrides as indices, or -2."""
    tokens = np.where(found.live, found.ids, 0)[:, 1:].astype(np.int32)
    given = {i: np.ascontiguousarray(v[:, 1:]) for i, v in (overrides or {}).items()}
    trace = interpret(typed, tokens, found.lengths.astype(np.int64), given)
    live = found.live[:, 1:]
    whole = [np.where(live, held, -1) for held in trace.values]
    pad = ((0, 0), (1, 0))
    return [np.pad(h, pad, constant_values=-1).astype(np.int32) for h in whole]


def _of_program(found: Population, claim: str | Program | SOp) -> ClaimedValues:
    typed = type_program(found, claim)
    held = run_program(typed, found)[typed.output]
    return ClaimedValues("program", held, typed.variables[typed.output].domain.values)


def _look_up(table: Mapping[Any, Any]) -> Callable[[list[Value]], list[Any]]:
    """Return a table as a function; what it has no entry for is undefined."""
    by_input = any(isinstance(key, tuple) for key in table)

    def look_up(tokens: list[Value]) -> list[Any]:
        if not by_input:
            return [table.get(token, UNDEFINED) for token in tokens]
        return list(table.get(tuple(tokens), [UNDEFINED] * len(tokens)))

    return look_up


def _of_rows(
    found: Population, kind: str, run: Callable[..., Any], seconds: float
) -> ClaimedValues:
    """Return what a function says, called on one input after the other."""
    place: dict[Any, int] = {}
    held = np.full(found.ids.shape, -1, np.int32)
    with time_limit(seconds, f"the claimed {kind}"):
        for row in range(len(found)):
            words = found.words(row)
            values = _checked(run, words, kind)
            for position, value in enumerate(values, start=1):
                if value is not UNDEFINED:
                    key = (type(value) is bool, value)
                    held[row, position] = place.setdefault(key, len(place))
    return ClaimedValues(kind, held, tuple(value for _, value in place))


def _checked(run: Callable[..., Any], words: list[Value], kind: str) -> list[Value]:
    """Return the values of one input in canonical form."""
    shown = f"the claimed {kind} on [{', '.join(map(show, words))}]"
    try:
        values = list(run(list(words)))
    except Exception as error:
        raise InputError(f"{shown}: {type(error).__name__}: {error}") from None
    if len(values) != len(words):
        raise InputError(
            f"{shown}: found {len(values)} values, expected {len(words)}, one for each "
            "token"
        )
    try:
        return [canonical(value) for value in values]
    except TypeError as error:
        raise InputError(f"{shown}: {error}") from None
