"""One attention head in terms of codes: channels for the scores, a read for values.

The row at BOS is corrected on the key side to zero, and carries the default on the
value side; both corrections are rows that the BOS direction adds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from compiler.ir import typed as t
from compiler.ir.domain import Domain
from compiler.passes.codes import (
    HEAD_NOISE,
    Code,
    Floats,
    affine,
    natural_numbers,
    number,
    one_hot,
)
from compiler.passes.scores import (
    GAP,
    Channel,
    Read,
    channel,
    score_tables,
    width_shift,
)
from compiler.passes.select import bound, never_empty
from compiler.passes.steps import Attended, Step, as_formula
from compiler.rasp.values import is_number

# Ranks that a rule can tell apart: a score is GAP times as large, in float32.
MOST_LEVELS = 1000


@dataclass(frozen=True, eq=False)
class Head:
    """An attention head.

    Attributes:
        channels: parts of the scores, each in its own dimensions of the head.
        value: what is read at the keys; None reads the BOS direction only.
        rank: how many dimensions the result takes.
        key_bos: [query-key dims] added to the key at BOS, so that it is zero there.
        query_bos: [query-key dims] added to the query at BOS.
        value_bos: [rank] added to the value at BOS.
    """

    channels: tuple[Channel, ...]
    value: Read | None
    rank: int
    key_bos: Floats
    query_bos: Floats
    value_bos: Floats

    @property
    def dims(self) -> int:
        """The head dimension that it needs."""
        return max(sum(c.dims for c in self.channels), self.rank, 1)

    @property
    def uses_bos(self) -> bool:
        """Whether it reads the BOS direction."""
        return bool(self.key_bos.any() or self.query_bos.any() or self.value_bos.any())

    def renumber(self, place: dict[int, int]) -> Head:
        """Return the head with the steps it reads renumbered."""

        def move(read: Read) -> Read:
            if read.variable is None:
                return read
            return replace(read, variable=place[read.variable])

        channels = tuple(Channel(move(c.key), move(c.query)) for c in self.channels)
        value = move(self.value) if self.value is not None else None
        return replace(self, channels=channels, value=value)


def is_never_empty(work: Attended, steps: list[Step], typed: t.Typed) -> bool:
    """Return whether the head selects something in every row of every input."""
    if work.kind == "length":
        return True
    domains = [s.domain for s in steps]
    bounds = bound(as_formula(work.matches), domains, typed.causal)
    return bool(never_empty(bounds).all())


def head_code(work: Attended, domain: Domain, free: bool) -> Code:
    """Return the code that a head writes."""
    if work.kind == "length":
        return number(natural_numbers(domain), HEAD_NOISE)
    if work.kind == "width":
        widths = np.array([float(v) for v in domain.values])
        shift = width_shift(int(widths.max()))
        return number(shift / (widths + shift), HEAD_NOISE)
    if work.kind == "mean":
        return number(natural_numbers(domain), HEAD_NOISE)
    return one_hot(domain.size) if free else number(natural_numbers(domain), HEAD_NOISE)


def _value_target(work: Attended, steps: list[Step], out: Code) -> Floats | None:
    """Return [value's values, rank]: the row to read at a key; None for a width."""
    if work.value is None:
        return None
    domain = steps[work.value].domain
    if work.kind == "length":
        # The mean of 1, 3, .., 2n - 1 is n.
        return 2 * natural_numbers(domain)[:, None] + 1
    if work.kind == "mean":
        numbers = [float(v) if is_number(v) else 0.0 for v in domain.values]
        return np.array(numbers)[:, None]
    assert work.recode is not None
    return out.rows[np.clip(work.recode, 0, None)]


def _value_read(
    work: Attended, code: Code, target: Floats
) -> tuple[Floats, Floats] | None:
    """Return the affine read of the value; values never picked do not matter."""
    if work.recode is None or code.free:
        return affine(code.rows, target)
    live = work.recode >= 0
    return affine(code.rows[live], target[live])


def readable(
    work: Attended, source: int, code: Code, steps: list[Step], empty: bool, free: bool
) -> bool:
    """Return whether a head can read step `source` if it is held as `code`."""
    shift = width_shift(max(_widths(work, steps), default=1))
    tables = score_tables(work.matches, work.kind, not empty, shift)
    for match, table in zip(work.matches, tables, strict=True):
        if source not in (match.key, match.query):
            continue
        codes = {
            i: code if i == source else one_hot(steps[i].domain.size)
            for i in (match.key, match.query)
        }
        if channel(match, table, codes) is None:
            return False
    if work.grade == source and affine(code.rows, _ranks(work, code)) is None:
        return False
    if work.value == source:
        out = head_code(work, _result_domain(work, steps), free)
        target = _value_target(work, steps, out)
        assert target is not None
        return _value_read(work, code, target) is not None
    return True


def _result_domain(work: Attended, steps: list[Step]) -> Domain:
    return next(s.domain for s in steps if s.work is work)


def _widths(work: Attended, steps: list[Step]) -> list[int]:
    if work.kind != "width":
        return []
    return [int(v) for v in _result_domain(work, steps).values]


def build_head(
    work: Attended,
    codes: dict[int, Code],
    bos: dict[int, Floats | None],
    places: dict[int, int],
    steps: list[Step],
    out: Code,
    *,
    empty: bool,
    clean: bool,
    causal: bool,
) -> tuple[Head, Floats | None]:
    """Return (head, its row at BOS or None where that depends on the input).

    Args:
        work: what the head computes, in terms of steps.
        codes: of the steps that are read.
        bos: rows at BOS of the steps that are read.
        places: where the steps that are read are in the plan.
        steps: all steps.
        out: code of the result.
        empty: whether nothing may be selected.
        clean: whether the row at BOS must be known: BOS then attends to itself only.
        causal: whether BOS sees nothing else anyway.
    """
    grade = _grade(work, codes, places)
    levels = 1.0 if grade is None else 1.0 + grade[1]
    shift = width_shift(max(_widths(work, steps), default=1))
    tables = score_tables(work.matches, work.kind, not empty, shift)
    channels, states = [], []
    for match, table in zip(work.matches, tables, strict=True):
        made = channel(match, table, codes, levels)
        assert made is not None, "codes were chosen so that every head can read them"
        states.append((bos[match.key], bos[match.query]))
        channels.append(_relocate(made, places))
    if grade is not None:
        channels.append(grade[0])
        states.append((bos[grade[2]], np.zeros(0)))
    token = _token_channel(work, clean, shift, levels)
    if token is not None:
        channels.append(token)
        states.append((np.zeros(0), np.zeros(0)))
    key_bos = _key_correction(channels, states)
    query_bos, known = _query_correction(channels, states, clean, token)
    value, value_bos, row = _value(work, codes, bos, places, steps, out, empty)
    head = Head(tuple(channels), value, out.rank, key_bos, query_bos, value_bos)
    return head, row if (causal or (clean and known)) else None


def _relocate(made: Channel, places: dict[int, int]) -> Channel:
    def move(read: Read) -> Read:
        assert read.variable is not None
        return replace(read, variable=places[read.variable])

    return Channel(move(made.key), move(made.query))


def _ranks(work: Attended, code: Code) -> Floats:
    """Return [values, 1]: 0 for the value that the rule prefers, below for others."""
    order = np.arange(len(code.rows), dtype=np.float64)
    if work.rule in ("min", "max"):
        # The tokens stand in the order of the vocabulary, which may be any.
        assert work.recode is not None
        order = np.unique(work.recode, return_inverse=True)[1].astype(np.float64)
    if not code.free and (np.diff(code.rows[np.argsort(order), 0]) > 0).all():
        # A number orders by itself, as long as its values are not too far apart.
        steps = (code.rows[:, 0] - code.rows[:, 0].min()) / code.gap
        order = steps if steps.max() <= MOST_LEVELS else order
    ranks = -order if work.rule in ("first", "min") else order - order.max()
    return ranks[:, None]


def _grade(
    work: Attended, codes: dict[int, Code], places: dict[int, int]
) -> tuple[Channel, float, int] | None:
    """Return (channel, levels, step) that orders selected keys for a rule."""
    if work.grade is None:
        return None
    ranks = _ranks(work, codes[work.grade])
    found = affine(codes[work.grade].rows, ranks)
    assert found is not None, "codes were chosen so that every head can read them"
    query = Read(None, np.zeros((0, 1)), np.array([GAP]))
    key = Read(places[work.grade], *found)
    return Channel(key, query), float(np.ptp(ranks)), work.grade


def _token_channel(
    work: Attended, clean: bool, shift: float, levels: float
) -> Channel | None:
    """Return a channel whose key is 1 at tokens and 0 at BOS, where one is needed.

    Without matches every token is selected: the worst grade must beat BOS by GAP, a
    width must stand at its shift. Where BOS must attend to itself only, the query at
    BOS is negative here.
    """
    score = 0.0
    if not work.matches:
        score = float(-np.log(shift)) if work.kind == "width" else GAP * levels
    if score == 0.0 and not clean:
        return None
    constant = np.zeros((0, 1))
    return Channel(
        Read(None, constant, np.ones(1)), Read(None, constant, np.array([score]))
    )


def _key_correction(
    channels: list[Channel], states: list[tuple[Floats | None, Floats | None]]
) -> Floats:
    """Return what makes the key zero at BOS."""
    parts = []
    for made, (state, _) in zip(channels, states, strict=True):
        assert state is not None, "the row at BOS of a key is known"
        parts.append(-(state @ made.key.matrix + made.key.bias))
    return np.concatenate(parts) if parts else np.zeros(0)


def _query_correction(
    channels: list[Channel],
    states: list[tuple[Floats | None, Floats | None]],
    clean: bool,
    token: Channel | None,
) -> tuple[Floats, bool]:
    """Return what makes every token lose against BOS at the BOS row, and success."""
    size = sum(c.dims for c in channels)
    if not clean or token is None:
        return np.zeros(size), False
    parts = []
    for made, (_, state) in zip(channels, states, strict=True):
        if state is None:
            return np.zeros(size), False
        now = state @ made.query.matrix + made.query.bias
        wanted = np.full(1, -GAP) if made is token else np.zeros(made.dims)
        parts.append(wanted - now)
    return np.concatenate(parts), True


def _value(
    work: Attended,
    codes: dict[int, Code],
    bos: dict[int, Floats | None],
    places: dict[int, int],
    steps: list[Step],
    out: Code,
    empty: bool,
) -> tuple[Read | None, Floats, Floats | None]:
    """Return (read of the value, correction at BOS, the result's row at BOS)."""
    if work.kind == "width":
        return None, np.ones(1), np.ones(1)
    assert work.value is not None
    target = _value_target(work, steps, out)
    assert target is not None
    found = _value_read(work, codes[work.value], target)
    assert found is not None, "codes were chosen so that every head can read them"
    read = Read(places[work.value], *found)
    state = bos[work.value]
    if state is None:
        return read, np.zeros(out.rank), None
    now = state @ read.matrix + read.bias
    row = out.rows[work.default] if work.default >= 0 and empty else np.zeros(out.rank)
    correction = row - now
    return read, correction, row
