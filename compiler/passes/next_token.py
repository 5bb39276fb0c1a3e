"""Programs that generate: their output at the last token is the token that comes next.

The output's values become the vocabulary, then BOS and PAD, which are never right: so
each logit stands for the token of the same id, as in any language model.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.errors import ProgramError
from compiler.ir import typed as t
from compiler.ir.domain import Domain
from compiler.rasp.values import show_many

SPECIAL = ("BOS", "PAD")
"""What stands behind the vocabulary among the values of the output."""


def write_tokens(typed: t.Typed, halt: str) -> t.Typed:
    """Return a program whose output's values are the vocabulary, BOS and PAD.

    Args:
        typed: the program.
        halt: the token at which generation ends, for the message of an error.

    Raises:
        ProgramError: it looks at later positions, its output may be a value that is no
            token, or BOS or PAD is a token.
    """
    if problems := _problems(typed, halt):
        raise ProgramError(problems, typed.name)
    output = typed.variables[typed.output]
    places = np.array([typed.vocab.index(v) for v in output.domain.values], np.int32)
    mask = np.zeros((typed.max_len, len(typed.vocab) + len(SPECIAL)), bool)
    mask[:, places] = output.domain.mask
    domain = Domain((*typed.vocab, *SPECIAL), mask)
    read_again = any(typed.output in v.reads for v in typed.variables)
    moved = None if read_again else _moved(output.operation, places)
    if moved is not None:
        variables = list(typed.variables)
        variables[typed.output] = replace(output, operation=moved, domain=domain)
        return replace(typed, variables=tuple(variables), numerical=False)
    return _with_copy(typed, places, domain)


def _problems(typed: t.Typed, halt: str) -> list[str]:
    """Return why a program cannot write one token after the other."""
    problems = []
    if not typed.causal:
        problems.append(
            "it looks at later positions, and there are none where it writes: each "
            "token follows from those before. Give causal=True (--causal)"
        )
    if taken := [word for word in SPECIAL if word in typed.vocab]:
        problems.append(
            f"its vocabulary has {show_many(taken)}, which stands for the beginning or "
            "the padding of a sequence. Give that token another name"
        )
    values = typed.variables[typed.output].domain.values
    if strange := [value for value in values if value not in typed.vocab]:
        problems.append(
            f"its output may be {show_many(strange)}, which is no token, and what it "
            f"writes is read again. The tokens are {show_many(typed.vocab)}. Add what "
            f"is missing to the vocabulary, or let the program write {halt!r}, a token "
            "then, where it has nothing to write: generation ends there"
        )
    return problems


def _moved(operation: t.Operation, places: np.ndarray) -> t.Operation | None:
    """Return an operation with results at other indices; None for some kinds."""
    known = np.append(places, np.int32(-1))  # -1, which stays, finds the last one
    match operation:
        case t.Table():
            return replace(operation, table=known[operation.table])
        case t.Pick():
            recode, default = known[operation.recode], int(known[operation.default])
            return replace(operation, recode=recode, default=default)
    return None


def _with_copy(typed: t.Typed, places: np.ndarray, domain: Domain) -> t.Typed:
    """Return the program with one variable more, which says the output as tokens."""
    taken = {variable.name for variable in typed.variables}
    name = "next_token"
    while name in taken:
        name += "_"
    copy = t.Variable(
        name=name,
        operation=t.Table((typed.output,), places),
        domain=domain,
        named=True,
        note="the output, as the token that comes next",
        text=typed.variables[typed.output].name,
    )
    return replace(
        typed,
        variables=(*typed.variables, copy),
        output=len(typed.variables),
        numerical=False,
    )
