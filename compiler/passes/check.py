"""That every output is defined: on all inputs where they are few, else on a sample.

Static analysis proves most programs. What is left (an aggregate that could meet two
values, a function that raises on some argument) is run through the interpreter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from compiler.errors import ProgramError
from compiler.ir import typed as t
from compiler.ir.graph import place_in_program
from compiler.ir.interpret import Trace, interpret
from compiler.passes.wording import written
from compiler.rasp.program import Draws, Lists
from compiler.rasp.values import Value, show

# Cells [input, query, key] of one selector that a check may cost.
_CELLS = 3_000_000
Accepts = Callable[[Sequence[Value]], bool]


def check_defined(typed: t.Typed, accepts: Accepts | None, seed: int = 0) -> t.Typed:
    """Return the program, with a note where a sample stands for all inputs.

    Raises:
        ProgramError: an input gives an undefined output; it is shown, with the
            variable at fault and the remedy.
    """
    needed = t.needed(typed.variables, [typed.output])
    if not any(t.is_partial(typed.variables[i]) for i in needed):
        return typed
    tokens, lengths, complete = sample_inputs(typed, _budget(typed), seed, accepts)
    if len(tokens) == 0:
        return typed
    trace = interpret(typed, tokens, lengths)
    live = np.arange(typed.max_len)[None, :] < lengths[:, None]
    bad = np.argwhere((trace.output < 0) & live)
    if len(bad):
        raise ProgramError([explain(trace, int(bad[0, 0]))], typed.name)
    if complete:
        return typed
    note = (
        f"that its output is always defined was checked on {len(tokens)} sampled "
        "inputs, not proven"
    )
    return replace(typed, notes=(*typed.notes, note))


def some_inputs(
    typed: t.Typed, accepts: Accepts | None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs that checks run on: [n, max_len] tokens and [n] lengths."""
    tokens, lengths, _ = sample_inputs(typed, _budget(typed), seed, accepts)
    return tokens, lengths


def _budget(typed: t.Typed) -> int:
    return max(16, _CELLS // typed.max_len**2)


def count_inputs(vocabulary: int, max_len: int) -> int:
    """Return the number of inputs of 1 to max_len tokens."""
    return sum(vocabulary**n for n in range(1, max_len + 1))


def most_inputs(typed: t.Typed, accepts: Accepts | None) -> int:
    """Return the greatest number of inputs that a program can have."""
    if isinstance(accepts, Lists):
        return accepts.count(typed.vocab, typed.max_len)
    return count_inputs(len(typed.vocab), typed.max_len)


def sample_inputs(
    typed: t.Typed, budget: int, seed: int, accepts: Accepts | None = None
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return ([n, max_len] tokens, [n] lengths, whether these are all inputs).

    All inputs where they are at most `budget`, else `budget` drawn at random, the
    lengths as evenly as possible. Where `accepts` can draw or list inputs itself (see
    `compiler.rasp.program.Draws` and `Lists`), it does.
    """
    if isinstance(accepts, Lists) and most_inputs(typed, accepts) <= budget:
        rows = accepts.every(typed.vocab, typed.max_len)
        return *_as_arrays(typed, rows), True
    if isinstance(accepts, Draws):
        return _drawn_inputs(typed, budget, seed, accepts)
    complete = count_inputs(len(typed.vocab), typed.max_len) <= budget
    if complete:
        tokens, lengths = _all_inputs(len(typed.vocab), typed.max_len)
    else:
        rng = np.random.default_rng(seed)
        tokens = rng.integers(
            len(typed.vocab), size=(budget, typed.max_len), dtype=np.int32
        )
        lengths = rng.permutation(np.arange(budget) % typed.max_len + 1)
    if accepts is not None:
        keep = np.array([accepts(row) for row in _rows(typed, tokens, lengths)], bool)
        tokens, lengths = tokens[keep], lengths[keep]
    return tokens, lengths, complete


def _drawn_inputs(
    typed: t.Typed, budget: int, seed: int, grammar: Draws
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return `sample_inputs` of a grammar: a sample, whatever its size."""
    rows = grammar.draw(np.random.default_rng(seed), budget)
    return *_as_arrays(typed, rows), False


def _as_arrays(
    typed: t.Typed, rows: Iterable[Sequence[Value]]
) -> tuple[np.ndarray, np.ndarray]:
    """Return ([n, max_len] tokens, [n] lengths) of those that the program can take."""
    place = {token: index for index, token in enumerate(typed.vocab)}
    known = [
        [place[w] for w in row]
        for row in rows
        if len(row) <= typed.max_len and all(w in place for w in row)
    ]
    tokens = np.zeros((len(known), typed.max_len), np.int32)
    for line, row in zip(tokens, known, strict=True):
        line[: len(row)] = row
    return tokens, np.array([len(row) for row in known], np.int64)


def _all_inputs(vocabulary: int, max_len: int) -> tuple[np.ndarray, np.ndarray]:
    blocks, lengths = [], []
    for n in range(1, max_len + 1):
        grid = np.indices((vocabulary,) * n, dtype=np.int32).reshape(n, -1).T
        block = np.zeros((len(grid), max_len), np.int32)
        block[:, :n] = grid
        blocks.append(block)
        lengths.append(np.full(len(grid), n))
    return np.concatenate(blocks), np.concatenate(lengths)


def _rows(
    typed: t.Typed, tokens: np.ndarray, lengths: np.ndarray
) -> Iterator[list[Value]]:
    for row, n in zip(tokens, lengths, strict=True):
        yield [typed.vocab[c] for c in row[:n]]


def explain(trace: Trace, row: int) -> str:
    """Return of one input what is undefined first, on which input, and what to do."""
    typed = trace.typed
    for index in sorted(t.needed(typed.variables, [typed.output])):
        variable = typed.variables[index]
        cells = trace.values[index][row, : trace.lengths[row]]
        if (cells < 0).any():
            position = int(np.flatnonzero(cells < 0)[0])
            break
    else:
        raise AssertionError("an undefined output has an undefined variable")
    text = ", ".join(show(v) for v in trace.input(row))
    name = variable.name if variable.named else None
    place = place_in_program(name, written(typed)[index])
    place += f", on [{text}] at position {position}"
    match variable.operation:
        case t.Pick() as pick:
            held = sorted({show(v) for v in trace.decoded(pick.value, row)})
            return (
                f"{place}: the selected positions hold different values "
                f"(among {', '.join(held)}). Select one position, give "
                "rule='first', 'last', 'min', 'max' or 'mode', or average with mean()."
            )
        case t.Mean():
            return (
                f"{place}: a value that is no number is averaged. Replace None first, "
                "with where(is_none(x), 0, x)."
            )
    reads = variable.reads
    arguments = [trace.decoded(a, row)[position] for a in reads]
    return (
        f"{place}: the function raises on ({', '.join(show(a) for a in arguments)}). "
        "Give it a result there, or select other positions."
    )
