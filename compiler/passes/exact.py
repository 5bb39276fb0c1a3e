"""How exact codes are, and how exact they must be for their readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compiler.ir import typed as t
from compiler.ir.domain import Domain
from compiler.passes.codes import HEAD_NOISE, Code, Floats, natural_numbers
from compiler.passes.scores import GAP
from compiler.passes.steps import CodedStep, Step
from compiler.rasp.values import Value, is_number

Errors = tuple[float, ...]
"""Tolerated errors, the strictest first: a later one counts where none was met."""


@dataclass(frozen=True)
class Exactness:
    """The errors that are tolerated.

    Attributes:
        weighed: of a one-hot value by which a head weighs keys, or which it averages.
        other: of any other one-hot value.
        output: of a number that is the output, relative to values above 1.
        clean: of a clean copy of a one-hot value.
        needs_clean: the error above which a clean copy is made.
        weight: of an attention weight of a mean that is the output; above it, the mean
            reads clean copies.
        promised: of an output that is a number, relative to values above 1.
        logits: how large the logits of classes may be that are read off a number:
            float32 must tell the nearest class from the next one.
    """

    weighed: Errors = (8e-6, 2e-5, 2e-4, 1e-3)
    other: Errors = (5e-3, 2e-2, 4e-2)
    output: Errors = (3e-6, 9e-6)
    clean: Errors = (4e-7, 1e-6)
    needs_clean: float = 4e-7
    weight: float = 3e-6
    promised: float = 1e-5
    logits: float = 2.0**18


EXACTNESS = Exactness()


def tolerances(code: Code, weighed: bool) -> Errors:
    """Return the tolerated errors of a table's results.

    Args:
        code: of the results.
        weighed: whether a head weighs keys by them, or averages them.
    """
    if code.free:
        return EXACTNESS.weighed if weighed else EXACTNESS.other
    size, gap = float(np.abs(code.rows).max()), code.gap
    close = min(1e-5 * size, 0.05 * gap) if weighed else 0.01 * gap
    return (close, 0.1 * gap)


def exact_tolerances(domain: Domain, code: Code, weighed: bool, last: bool) -> Errors:
    """Return the same where the results end up in an output that is a number.

    Args:
        domain: of the results.
        code: of the results.
        weighed: whether a head weighs keys by them, or averages them.
        last: whether they are the output themselves.
    """
    if last and not code.free:
        return EXACTNESS.output
    size = spread(domain) if code.free else 1.0
    return (*(e / size for e in EXACTNESS.output), *tolerances(code, weighed))


def spread(domain: Domain) -> float:
    """Return how much an error of a one-hot value counts in a number, at least 1."""
    return max(1.0, float(np.ptp(natural_numbers(domain))))


def number_error(step: CodedStep) -> float:
    """Return the greatest error of an output, relative to numbers above 1."""
    size = np.maximum(1.0, np.abs(natural_numbers(step.domain)))
    number = step.code.rank == 1 and not step.code.free
    scale = 1.0 if number else spread(step.domain)
    return float((step.code.noise * scale / size).max())


def distinct_as_number(values: Sequence[Value]) -> bool:
    """Return whether the nearest of some integers can be told in float32."""
    numbers = np.sort(np.array(values, np.float64))
    if len(numbers) < 2:
        return True
    largest = np.ptp(numbers) / 2 * np.abs(numbers).max()
    return bool(largest <= EXACTNESS.logits * np.diff(numbers).min() ** 2)


# Heads ----------------------------------------------------------------------------


def head_noise(step: Step, steps: Sequence[CodedStep], out: Code) -> Floats:
    """Return [values] the error of each result of a head.

    Args:
        step: what the head computes.
        steps: those that it reads, by index.
        out: code of the result.
    """
    # Weight that goes astray moves a mean by as much as values lie apart.
    apart = 1.0 if out.free else max(1.0, float(np.ptp(out.rows)))
    noise = out.noise + HEAD_NOISE + apart * weight_error(step, steps)
    if step.value is None:
        return noise
    source = steps[step.value]
    return noise + _value_noise(step.operation, source.code, source.domain, out)


def weight_error(step: Step, steps: Sequence[CodedStep]) -> float:
    """Return how much errors of keys and queries change an attention weight."""
    if isinstance(step.operation, t.Pick):
        return 0.0
    worst = [
        steps[m.key].code.noise.max(initial=0)
        + steps[m.query].code.noise.max(initial=0)
        for m in step.matches
    ]
    return GAP * float(sum(worst)) * 0.25


def _value_noise(
    operation: t.Operation, code: Code, domain: Domain, out: Code
) -> Floats:
    """Return the error that each result of a head has from the values it reads."""
    worst = float(code.noise.max(initial=0))
    if isinstance(operation, t.Pick):
        noise = np.zeros(len(out.rows))
        picked = operation.recode >= 0
        np.maximum.at(noise, operation.recode[picked], code.noise[picked])
        # A default is what BOS holds, whose value is computed like any other.
        if operation.default >= 0:
            noise[operation.default] = max(noise[operation.default], worst)
        return noise
    if isinstance(operation, t.Input):
        return np.full(len(out.rows), worst)
    numbers = np.array([float(v) if is_number(v) else 0.0 for v in domain.values])
    size = float(np.abs(numbers).max())
    if code.free or numbers.min() * numbers.max() < 0:
        # Large numbers may cancel and leave their errors.
        worst = worst * size if code.free else worst
        return np.full(len(out.rows), worst + HEAD_NOISE * size)
    # A mean of numbers of one sign has their relative error.
    null = numbers == 0
    share = float((code.noise[~null] / np.abs(numbers[~null])).max(initial=0))
    return np.abs(out.rows[:, 0]) * share + float(code.noise[null].max(initial=0))
