"""Typed -> Plan: the steps, a code for each, and the exact weights in terms of codes.

First each variable is split into steps (`passes/split.py`), then the needs of readers
are found back to front (`passes/needs.py`), then codes are chosen front to back
(`passes/coding.py`). Where values cannot be told apart in float32, it begins again with
less error. Nothing here knows of residual dimensions or layers yet.
"""

from __future__ import annotations

from collections.abc import Sequence

from compiler.errors import ProgramError
from compiler.ir import typed as t
from compiler.passes.cases import can_be_counted
from compiler.passes.codes import affine, natural_numbers
from compiler.passes.coding import Coder, Solved, Unclear
from compiler.passes.evidence import check_evidence
from compiler.passes.exact import EXACTNESS, distinct_as_number, number_error
from compiler.passes.needs import find_needs
from compiler.passes.size import least_size, refuse_large
from compiler.passes.split import split_steps
from compiler.passes.steps import CodedStep, Plan


def choose_codes(typed: t.Typed, most: int | None = None) -> Plan:
    """Return the plan of a typed program.

    Args:
        typed: the program.
        most: the parameters that its model may have; any number if None.

    Raises:
        ProgramError: a table cannot be computed exactly in float32, or the model would
            have too many parameters.
    """
    check_evidence(typed)
    solved: Solved = {}
    counted: frozenset[int] = frozenset()
    while True:
        steps, place = split_steps(typed, counted)
        extra = [place[i] for i in typed.extra]
        needs = find_needs(typed, steps, place[typed.output], extra)
        size = least_size(typed, steps, needs)
        refuse_large(typed, size, most)
        careful: frozenset[int] = frozenset()
        means: frozenset[int] = frozenset()
        while not means:
            coder = Coder(typed, steps, needs, careful, solved, size, most)
            try:
                for index in range(len(steps)):
                    coder.visit(index)
                output = _readable_output(coder)
                ends = [
                    _readable_task(coder, i) if rank < typed.read_extra else i
                    for rank, i in enumerate(coder.place[i] for i in extra)
                ]
                return _in_order(typed, coder.coded, output, ends)
            except Unclear as unclear:
                more = _noisy(coder, unclear)
                if not more:
                    means = _means(coder, unclear) - counted
                if not more and not means:
                    raise ProgramError([unclear.problem], typed.name) from None
            careful |= more
        counted |= means


def _readable_output(coder: Coder) -> int:
    """Return the coded step of the output, as the logits can read it.

    Raises:
        Unclear: it is a number, and not as exact as promised.
    """
    place = coder.place[coder.needs.output]
    step, numerical = coder.coded[place], coder.typed.numerical
    as_number = coder.needs.number_output
    # A width stands as a share of the attention, which is no affine function of it.
    if as_number and numerical:
        numbers = natural_numbers(step.domain)[:, None]
        as_number = affine(step.code.rows, numbers) is not None
    if not step.code.free and not as_number:
        place = coder.one_hot(place)
    return _exact_number(coder, place) if numerical else place


def _readable_task(coder: Coder, place: int) -> int:
    """Return the coded step of another task's output, as the logits can read it."""
    values = coder.coded[place].domain.values
    as_number = all(isinstance(v, int) for v in values) and distinct_as_number(values)
    readable = coder.coded[place].code.free or as_number
    return place if readable else coder.one_hot(place)


def _exact_number(coder: Coder, place: int) -> int:
    """Return the coded step of an output that is a number, a better copy if need be."""
    most = EXACTNESS.promised
    one_hot = place if coder.coded[place].code.free else None
    if one_hot is not None and number_error(coder.coded[place]) > most:
        place = coder.clean(one_hot)
    if one_hot is not None and number_error(coder.coded[place]) > most:
        place = coder.as_number(one_hot) or place
    step = coder.coded[place]
    error = number_error(step)
    if error > most:
        raise Unclear(
            f"{coder.said(step)}: its {step.domain.size} values cannot be told apart "
            f"in float32: errors reach {error:.0e}, and {most:.0e} is promised. Lower "
            "max_len, compute it in smaller steps, or make it categorical.",
            [place],
        )
    return place


def _noisy(coder: Coder, unclear: Unclear) -> frozenset[int]:
    """Return the nearest steps that would do better if they read without errors.

    These are heads whose keys, queries or values have errors, and the table that
    failed itself; none of those that read without errors already.
    """
    if unclear.index is not None and unclear.index not in coder.careful:
        return frozenset({unclear.index})
    step_at = {place: index for index, place in enumerate(coder.place)}
    seen: set[int] = set()
    frontier = set(unclear.place)
    while frontier:
        near = {step_at[p] for p in frontier if p in step_at} - coder.careful
        found = {i for i in near if _reads_errors(coder, i)}
        if found:
            return frozenset(found)
        seen |= frontier
        frontier = {r for p in frontier for r in coder.coded[p].reads} - seen
    return frozenset()


def _reads_errors(coder: Coder, index: int) -> bool:
    """Return whether a head reads something that has errors."""
    step = coder.steps[index]
    return step.is_head and any(coder.is_noisy(coder.place[s]) for s in step.reads)


def _means(coder: Coder, unclear: Unclear) -> frozenset[int]:
    """Return the variables among what is read that are means of a few numbers."""
    found = t.needed(coder.coded, unclear.place)
    variables = {coder.coded[p].variable for p in found} - {None}
    return frozenset(
        v for v in variables if v is not None and can_be_counted(coder.typed, v)
    )


def _in_order(
    typed: t.Typed, steps: Sequence[CodedStep], output: int, extra: Sequence[int]
) -> Plan:
    """Return the plan without steps that nothing needs."""
    keep = sorted(t.needed(steps, [output, *extra]))
    place = {old: new for new, old in enumerate(keep)}
    return Plan(
        typed,
        tuple(steps[i].at(place) for i in keep),
        place[output],
        tuple(place[i] for i in extra),
    )
