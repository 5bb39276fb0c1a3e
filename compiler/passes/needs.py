"""What the readers of each step need of it: found back to front, before any code.

A step can stand as one number where every reader can use a number. What the output
does not need decides nothing about what it needs, so that nothing that is computed
beside a program changes its circuit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.ir import typed as t
from compiler.passes.codes import natural_numbers, number
from compiler.passes.exact import distinct_as_number
from compiler.passes.heads import head_code, is_never_empty, readable
from compiler.passes.steps import Step


@dataclass(frozen=True, eq=False)
class Needs:
    """What is needed of each step; sets hold indices of steps.

    Attributes:
        free: those whose values stand one-hot.
        at_bos: those whose row at the BOS position must be known.
        empty: the heads that select nothing in some row of some input.
        weighed: those by which a head weighs keys, or which it averages.
        weighed_beside: the same, where only heads beside the program do so.
        exact: those that heads carry on to an output that is a number.
        output: the step of the result.
        number_output: whether the output can be read off one number.
    """

    free: frozenset[int]
    at_bos: frozenset[int]
    empty: frozenset[int]
    weighed: frozenset[int]
    weighed_beside: frozenset[int]
    exact: frozenset[int]
    output: int
    number_output: bool


def find_needs(
    typed: t.Typed, steps: Sequence[Step], output: int, extra: Sequence[int]
) -> Needs:
    """Return what is needed of each step.

    Args:
        typed: the program.
        steps: all steps.
        output: the step of the result.
        extra: the steps that are computed beside the program.
    """
    readers, beside = _readers(steps, output)
    heads = [i for i, step in enumerate(steps) if step.is_head]
    empty = {i for i in heads if not is_never_empty(steps[i], steps, typed.causal)}
    as_number = _number_output(typed, steps[output])
    one_hot_ends = {i for i in extra if not steps[i].domain.numeric}
    if not as_number:
        one_hot_ends.add(output)
    return Needs(
        free=frozenset(_free(steps, readers, empty, one_hot_ends)),
        at_bos=frozenset(_at_bos(steps, empty)),
        empty=frozenset(empty),
        weighed=_weighed(steps, readers),
        weighed_beside=_weighed(steps, beside),
        exact=frozenset(_exact(steps, output) if typed.numerical else ()),
        output=output,
        number_output=as_number,
    )


def _readers(
    steps: Sequence[Step], output: int
) -> tuple[list[list[int]], list[list[int]]]:
    """Return, of each step, (the readers that decide on its code, the others)."""
    main = t.needed(steps, [output])
    readers: list[list[int]] = [[] for _ in steps]
    beside: list[list[int]] = [[] for _ in steps]
    for index, step in enumerate(steps):
        for source in step.reads:
            guest = source in main and index not in main
            (beside if guest else readers)[source].append(index)
    return readers, beside


def _number_output(typed: t.Typed, output: Step) -> bool:
    values = output.domain.values
    if t.weights_of(output.operation) is not None:
        return False
    integers = all(isinstance(v, int) for v in values)
    return typed.numerical or (integers and distinct_as_number(values))


def _free(
    steps: Sequence[Step],
    readers: list[list[int]],
    empty: set[int],
    ends: set[int],
) -> set[int]:
    """Return the steps that some reader needs one-hot; `ends` are needed so anyway."""
    free: set[int] = set()
    for index in reversed(range(len(steps))):
        step = steps[index]
        small = step.domain.size <= 2 or step.operation == t.Input("tokens")
        if (
            small
            or index in ends
            or not all(
                _takes_number(index, reader, steps, reader in empty, reader in free)
                for reader in readers[index]
            )
        ):
            free.add(index)
    return free


def _takes_number(
    index: int, reader: int, steps: Sequence[Step], empty: bool, free: bool
) -> bool:
    """Return whether a reader can use a step's values as one number."""
    source, step = steps[index], steps[reader]
    if t.weights_of(step.operation) is not None:
        return False
    if not step.is_head:
        return source.domain.numeric
    code = number(natural_numbers(source.domain))
    return readable(step, index, code, steps, empty, head_code(step, free))


def _at_bos(steps: Sequence[Step], empty: set[int]) -> set[int]:
    """Return the steps whose row at BOS must be known."""
    found: set[int] = set()
    for index in reversed(range(len(steps))):
        step, wanted = steps[index], index in found
        if not step.is_head:
            found.update(step.reads if wanted else ())
            continue
        for match in step.matches:
            found.update((match.key, match.query) if wanted else (match.key,))
        if step.value is not None and (wanted or index in empty):
            found.add(step.value)
        if step.grade is not None:
            found.add(step.grade)
    return found


def _weighed(steps: Sequence[Step], readers: list[list[int]]) -> frozenset[int]:
    """Return the steps that a head that counts or averages reads."""
    return frozenset(
        index
        for index, mine in enumerate(readers)
        if any(isinstance(steps[r].operation, t.Width | t.Mean) for r in mine)
    )


def _exact(steps: Sequence[Step], output: int) -> set[int]:
    """Return the output, and what heads carry on to it."""
    found = {output}
    for index in reversed(range(len(steps))):
        step = steps[index]
        if index in found and step.is_head and step.value is not None:
            found.add(step.value)
    return found
