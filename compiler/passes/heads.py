"""One attention head in terms of codes: channels for the scores, a read for values.

The row at BOS is corrected on the key side to zero, and carries the default on the
value side; both corrections are rows that the BOS direction adds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from compiler.ir import typed as t
from compiler.ir.domain import Domain
from compiler.passes.codes import (
    HEAD_NOISE,
    Affine,
    Code,
    Floats,
    affine,
    natural_numbers,
    number,
    one_hot,
)
from compiler.passes.formulas import junction
from compiler.passes.scores import (
    GAP,
    Channel,
    Head,
    channel,
    score_tables,
    width_shift,
)
from compiler.passes.select import bound, never_empty
from compiler.passes.steps import CodedStep, Step
from compiler.rasp.values import is_number

# Ranks that a rule can tell apart: a score is GAP times as large, in float32.
MOST_LEVELS = 1000

# A channel with the rows that its key and its query have at BOS.
_AtBos = tuple[Channel, Floats | None, Floats | None]


def is_never_empty(step: Step, steps: Sequence[Step], causal: bool) -> bool:
    """Return whether a head selects something in every row of every input."""
    selector = junction("and", step.matches)
    bounds = bound(selector, [s.domain for s in steps], causal)
    return bool(never_empty(bounds).all())


def head_code(step: Step, free: bool) -> Code:
    """Return the code that a head writes; `free` where its values are one-hot."""
    if isinstance(step.operation, t.Width):
        widths, shift = step.domain.numbers(), _shift(step)
        return number(shift / (widths + shift), HEAD_NOISE)
    if isinstance(step.operation, t.Pick) and free:
        return one_hot(step.domain.size)
    return number(natural_numbers(step.domain), HEAD_NOISE)


def _shift(step: Step) -> float:
    """Return how many tokens BOS weighs in a head."""
    counting = isinstance(step.operation, t.Width)
    return width_shift(int(step.domain.numbers().max()) if counting else 1)


def _score_tables(step: Step, empty: bool) -> list[Floats]:
    counting = isinstance(step.operation, t.Width)
    return score_tables(step.matches, counting, not empty, _shift(step))


def _value_read(step: Step, code: Code, domain: Domain, out: Code) -> Affine | None:
    """Return what a head reads at the keys, None if the code does not carry it.

    Args:
        step: what the head computes, not a width.
        code: of the value.
        domain: of the value.
        out: code of the result.
    """
    match step.operation:
        case t.Pick(recode=recode):
            target = out.rows[np.clip(recode, 0, None)]
            # Values that are never picked do not matter.
            live = slice(None) if code.free else recode >= 0
            return affine(code.rows[live], target[live])
        case t.Mean():
            numbers = [float(v) if is_number(v) else 0.0 for v in domain.values]
            return affine(code.rows, np.array(numbers)[:, None])
    # The length: the mean of 1, 3, .., 2n - 1 is n.
    return affine(code.rows, 2 * natural_numbers(domain)[:, None] + 1)


def readable(
    step: Step, source: int, code: Code, steps: Sequence[Step], empty: bool, out: Code
) -> bool:
    """Return whether a head can read step `source` if it is held as `code`.

    Args:
        step: what the head computes.
        source: a step that it reads.
        code: of that step.
        steps: all steps.
        empty: whether the head may select nothing.
        out: code of the result.
    """
    for match, table in zip(step.matches, _score_tables(step, empty), strict=True):
        if source not in (match.key, match.query):
            continue
        codes = {
            i: code if i == source else one_hot(steps[i].domain.size)
            for i in (match.key, match.query)
        }
        if channel(match, table, codes) is None:
            return False
    if step.grade == source and affine(code.rows, _ranks(step, code)) is None:
        return False
    if step.value == source:
        return _value_read(step, code, steps[source].domain, out) is not None
    return True


def build_head(
    step: Step,
    steps: Sequence[CodedStep],
    out: Code,
    *,
    empty: bool,
    clean: bool,
    causal: bool,
) -> tuple[Head, Floats | None]:
    """Return (head, its row at BOS or None where that depends on the input).

    Args:
        step: what the head computes.
        steps: those that it reads, by index.
        out: code of the result.
        empty: whether nothing may be selected.
        clean: whether the row at BOS must be known: BOS then attends to itself only.
        causal: whether BOS sees nothing else anyway.
    """
    constant = np.zeros(0)
    grade, levels = _grade(step, steps)
    channels: list[_AtBos] = []
    for match, table in zip(step.matches, _score_tables(step, empty), strict=True):
        codes = {i: steps[i].code for i in (match.key, match.query)}
        made = channel(match, table, codes, levels)
        assert made is not None, "codes were chosen so that every head can read them"
        channels.append((made, steps[match.key].bos, steps[match.query].bos))
    if grade is not None and step.grade is not None:
        channels.append((grade, steps[step.grade].bos, constant))
    token = _token_channel(step, clean, levels)
    if token is not None:
        channels.append((token, constant, constant))
    query_bos, known = _query_correction(channels, clean, token)
    value, value_bos, row = _value(step, steps, out, empty)
    head = Head(
        channels=tuple(made for made, _, _ in channels),
        value=value,
        rank=out.rank,
        key_bos=_key_correction(channels),
        query_bos=query_bos,
        value_bos=value_bos,
    )
    return head, row if (causal or (clean and known)) else None


def _ranks(step: Step, code: Code) -> Floats:
    """Return [values, 1]: 0 for the value that the rule prefers, below for others."""
    assert isinstance(step.operation, t.Pick)
    rule, order = step.operation.rule, np.arange(len(code.rows), dtype=np.float64)
    if rule in ("min", "max"):
        # The tokens stand in the order of the vocabulary, which may be any.
        places = np.unique(step.operation.recode, return_inverse=True)[1]
        order = places.astype(np.float64)
    if not code.free and (np.diff(code.rows[np.argsort(order), 0]) > 0).all():
        # A number orders by itself, as long as its values are not too far apart.
        spread = (code.rows[:, 0] - code.rows[:, 0].min()) / code.gap
        order = spread if spread.max() <= MOST_LEVELS else order
    ranks = -order if rule in ("first", "min") else order - order.max()
    return ranks[:, None]


def _grade(step: Step, steps: Sequence[CodedStep]) -> tuple[Channel | None, float]:
    """Return (the channel that orders selected keys for a rule, how many levels)."""
    if step.grade is None:
        return None, 1.0
    code = steps[step.grade].code
    ranks = _ranks(step, code)
    key = affine(code.rows, ranks)
    assert key is not None, "codes were chosen so that every head can read them"
    query = Affine(np.zeros((0, 1)), np.array([GAP]))
    return Channel(key, query), 1.0 + float(np.ptp(ranks))


def _token_channel(step: Step, clean: bool, levels: float) -> Channel | None:
    """Return a channel whose key is 1 at tokens and 0 at BOS, where one is needed.

    Without matches every token is selected: the worst grade must beat BOS by GAP, a
    width must stand at its shift. Where BOS must attend to itself only, the query at
    BOS is negative here.
    """
    score = 0.0
    if not step.matches:
        counting = isinstance(step.operation, t.Width)
        score = float(-np.log(_shift(step))) if counting else GAP * levels
    if score == 0.0 and not clean:
        return None
    constant = np.zeros((0, 1))
    return Channel(Affine(constant, np.ones(1)), Affine(constant, np.array([score])))


def _key_correction(channels: list[_AtBos]) -> Floats:
    """Return what makes the key zero at BOS."""
    parts = [np.zeros(0)]
    for made, state, _ in channels:
        assert state is not None, "the row at BOS of a key is known"
        parts.append(-made.key(state))
    return np.concatenate(parts)


def _query_correction(
    channels: list[_AtBos], clean: bool, token: Channel | None
) -> tuple[Floats, bool]:
    """Return what makes every token lose against BOS at the BOS row, and success."""
    nothing = np.zeros(sum(made.dims for made, _, _ in channels))
    if not clean or token is None:
        return nothing, False
    parts = []
    for made, _, state in channels:
        if state is None:
            return nothing, False
        wanted = np.full(1, -GAP) if made is token else np.zeros(made.dims)
        parts.append(wanted - made.query(state))
    return np.concatenate(parts), True


def _value(
    step: Step, steps: Sequence[CodedStep], out: Code, empty: bool
) -> tuple[Affine | None, Floats, Floats | None]:
    """Return (read of the value, correction at BOS, the result's row at BOS)."""
    if step.value is None:
        return None, np.ones(1), np.ones(1)
    source = steps[step.value]
    read = _value_read(step, source.code, source.domain, out)
    assert read is not None, "codes were chosen so that every head can read them"
    if source.bos is None:
        return read, np.zeros(out.rank), None
    row, operation = np.zeros(out.rank), step.operation
    if empty and isinstance(operation, t.Mean | t.Pick) and operation.default >= 0:
        row = out.rows[operation.default]
    return read, row - read(source.bos), row
