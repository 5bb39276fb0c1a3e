"""A table as the hidden units of an MLP, as few as can be found.

Three kinds of solution are tried, and the smallest one that holds in float32 is
taken: a table that depends on a linear form of its arguments (a sum, a difference, a
comparison, or mixed-radix digits) becomes hinges along that form; a table over free
codes becomes conjunctions, one unit for each disjoint rectangle of equal entries.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from compiler.passes.codes import Code, Floats, affine
from compiler.passes.hinges import fit_hinges
from compiler.passes.rectangles import cover

# Above this many arguments only one linear form and one order is tried.
_MANY = 5
# Products that are simulated to measure the rounding error of one candidate.
_SIMULATED, _FEW, _AT_ONCE = 50_000_000, 500, 4_000_000
# Numbers in the largest array that one candidate may make: larger ones are left out.
_MOST_NUMBERS = 8_000_000
# What float32 leaves of a sum, relative to its terms. A matrix product adds in an order
# that depends on the processor. With half a rounding, as measured, a number that is a
# mean of means was off by 2.3e-5 on one processor and by less than 1e-5 on another; the
# entries of a one-hot value may be off by far more.
_ROUNDING, _ROUNDING_OF_ONE_HOT = 2.0**-24, 2.0**-25


@dataclass(frozen=True, eq=False)
class Units:
    """hidden = relu(sum_a row_a @ read[a] + bias); row = hidden @ write + base.

    Attributes:
        read: for each argument [rank, units].
        bias: [units].
        write: [units, rank of the result].
        base: [rank of the result].
        error: greatest error of a result in float32, noise of the arguments included;
            relative to values above 1 where that was asked for.
    """

    read: tuple[Floats, ...]
    bias: Floats
    write: Floats
    base: Floats
    error: float = 0.0

    @property
    def count(self) -> int:
        """How many hidden units there are."""
        return len(self.bias)

    def apply(self, rows: list[Floats]) -> Floats:
        """Return the result's row for one row an argument, in float64."""
        inner = self.bias + sum(r @ w for r, w in zip(rows, self.read, strict=True))
        return np.maximum(inner, 0) @ self.write + self.base


def solve_table(
    table: NDArray[np.int32],
    args: list[Code],
    scalars: list[Floats],
    out: Code,
    tolerances: tuple[float, ...],
    relative: bool = False,
    most: int | None = None,
) -> Units | None:
    """Return the fewest units found that are exact enough.

    Args:
        table: [d1, .., dk] row of `out`, -1 where it does not matter.
        args: codes of the arguments.
        scalars: for each argument a number a value, its natural order.
        out: code of the result.
        tolerances: greatest absolute error of the result, the strictest first; a later
            one counts only where nothing meets the earlier ones.
        relative: errors are relative to values above 1.
        most: units above which no conjunctions are made; any number if None.

    Raises:
        TooManyUnits: the table would take more conjunctions, and nothing better meets
            the strictest tolerance.
    """
    problem = _Problem(table, args, scalars, out, relative, most)
    best: dict[float, Units] = {}
    for make in problem.candidates():
        strictest = best.get(tolerances[0])
        units = make(strictest.count if strictest else None)
        if units is None:
            continue
        units = problem.measured(units, tolerances[-1])
        for tolerance in tolerances:
            known = best.get(tolerance)
            if units.error <= tolerance and (
                known is None or units.count < known.count
            ):
                best[tolerance] = units
    return next((best[t] for t in tolerances if t in best), None)


class TooManyUnits(Exception):
    """A table would take more hidden units than a model may have; callers say more."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} hidden units")
        self.count = count


Candidate = Callable[[int | None], Units | None]
"""From the fewest units found so far to units for a table, or None."""


class _Problem:
    """One table to solve; holds what all candidates share."""

    def __init__(
        self,
        table: NDArray,
        args: list[Code],
        scalars: list[Floats],
        out: Code,
        relative: bool,
        most: int | None,
    ) -> None:
        self.relative, self.most = relative, most
        self.table, self.args, self.scalars, self.out = table, args, scalars, out
        self.live = table >= 0
        self.cells = np.argwhere(self.live)
        self.results = table[self.live]

    def candidates(self) -> Iterator[Candidate]:
        """Yield ways to make the table of units, the simplest first."""
        if self.out.rank == 1:
            for sign in (1.0, -1.0):
                yield lambda bound, s=sign: self.additive(s)
        for form in self.forms():
            groups = self.groups(form)
            if groups is None:
                continue
            for plateau, sign in itertools.product((False, True), (1.0, -1.0)):
                yield partial(self.along, form, groups, sign, plateau)
        if all(a.free for a in self.args):
            yield self.rectangles
            if any(a.noise.any() for a in self.args):
                yield lambda bound: self.rectangles(bound, steep=True)
            if self.relative:
                # A small number is no exact difference of two large ones.
                low = int(np.abs(self.out.rows[:, 0]).argmin())
                yield lambda bound: self.rectangles(bound, True, low)

    # Linear forms -------------------------------------------------------------

    def forms(self) -> Iterator[list[Floats]]:
        """Yield linear forms: for each argument a weight a value."""
        count = len(self.args)
        signs = itertools.product((1.0, -1.0), repeat=count - 1)
        naturals = [self.natural(a) for a in range(count)]
        for tail in signs if count <= _MANY else [(1.0,) * (count - 1)]:
            yield [s * n for s, n in zip((1.0, *tail), naturals, strict=True)]
        orders = itertools.permutations(range(count)) if count <= 3 else [range(count)]
        if count > 1:
            for order in orders:
                yield self.mixed_radix(list(order))

    def natural(self, axis: int) -> Floats:
        code = self.args[axis]
        if code.free:
            return self.scalars[axis]
        return code.rows[:, 0]

    def mixed_radix(self, order: list[int]) -> list[Floats]:
        """Return weights that make every class of arguments a different number."""
        weights: list[Floats] = [np.zeros(0)] * len(order)
        span = 0.0
        for axis in order:
            digits = self.digits(axis)
            gap = np.diff(sorted(set(digits.tolist())))
            stride = (
                1.0 if span == 0 else 2 * span / float(gap.min() if len(gap) else 1)
            )
            weights[axis] = digits * stride
            span += float(np.ptp(weights[axis]))
        return weights

    def digits(self, axis: int) -> Floats:
        code = self.args[axis]
        if not code.free:
            return code.rows[:, 0] - code.rows[:, 0].min()
        slices = np.moveaxis(self.table, axis, 0).reshape(len(code.rows), -1)
        # Classes in the order in which their values first come.
        first: dict[bytes, int] = {}
        classes = [first.setdefault(row.tobytes(), len(first)) for row in slices]
        return np.array(classes, dtype=np.float64)

    def groups(self, form: list[Floats]) -> tuple[Floats, NDArray[np.int32]] | None:
        """Return (values of a linear form, the result at each), None if they differ."""
        sums = sum(w[self.cells[:, a]] for a, w in enumerate(form))
        assert isinstance(sums, np.ndarray)
        order = np.argsort(sums, kind="stable")
        ordered, results = sums[order], self.results[order]
        scale = max(1.0, float(np.abs(ordered).max()))
        starts = np.concatenate([[True], np.diff(ordered) > 1e-9 * scale])
        group = np.cumsum(starts) - 1
        heads = results[starts]
        if (heads[group] != results).any():
            return None
        return ordered[starts], heads

    def along(
        self,
        form: list[Floats],
        groups: tuple[Floats, NDArray[np.int32]],
        sign: float,
        plateau: bool,
        bound: int | None,
    ) -> Units | None:
        """Return hinges along a linear form, None if they are no better."""
        points, heads = groups
        changes = int(np.count_nonzero(np.diff(heads)))
        # Rows of a one-hot code never lie on one line: every change takes a unit.
        if bound is not None and self.out.free and changes >= bound:
            return None
        if len(heads) * self.out.rank > _MOST_NUMBERS:
            return None
        hinges = fit_hinges(points, self.out.rows[heads], sign=sign, plateau=plateau)
        if bound is not None and len(hinges.place) >= bound:
            return None
        reads, offset = self.read_form(form)
        return Units(
            read=tuple(sign * np.repeat(r, len(hinges.place), axis=1) for r in reads),
            bias=sign * (offset - hinges.place),
            write=hinges.slope,
            base=hinges.base,
        )

    def read_form(self, form: list[Floats]) -> tuple[list[Floats], float]:
        reads, offset = [], 0.0
        for code, weights in zip(self.args, form, strict=True):
            found = affine(code.rows, weights[:, None])
            assert found is not None
            reads.append(found.matrix)
            offset += float(found.bias[0])
        return reads, offset

    def additive(self, sign: float) -> Units | None:
        """Return units if the result is a sum of functions of one argument each.

        A free code gives any function for nothing; a number needs a hinge wherever
        the slope of its function changes.
        """
        parts = self.sum_parts()
        if parts is None:
            return None
        linear = [
            part if code.free else self.tangent(code, part)
            for code, part in zip(self.args, parts, strict=True)
        ]
        units = self.line(linear)
        for axis, (code, part) in enumerate(zip(self.args, parts, strict=True)):
            if not code.free:
                units = self.bent(units, axis, part - linear[axis], sign)
        return units

    def sum_parts(self) -> list[Floats] | None:
        """Return a function of each argument; their sum is the result. None if none."""
        sizes = [len(c.rows) for c in self.args]
        goal = self.out.rows[self.results, 0]
        chosen = np.arange(len(self.cells))
        large = len(chosen) * sum(sizes) > _MOST_NUMBERS
        if large:
            # Some cells with each value of each argument decide; all are checked.
            firsts = [np.unique(c, return_index=True)[1] for c in self.cells.T]
            spread = np.linspace(0, len(goal) - 1, 4 * sum(sizes)).astype(int)
            chosen = np.unique(np.concatenate([*firsts, spread]))
            if len(chosen) * sum(sizes) > _MOST_NUMBERS:
                return None
        design = np.concatenate(
            [np.eye(n)[self.cells[chosen, a]] for a, n in enumerate(sizes)], axis=1
        )
        solution = _sums(design, goal[chosen])
        if solution is None:
            return None
        parts = np.split(solution, np.cumsum(sizes)[:-1])
        if large:
            found = sum(p[self.cells[:, a]] for a, p in enumerate(parts))
            if np.abs(found - goal).max() > 1e-9 * max(1.0, np.abs(goal).max()):
                return None
        return parts

    def tangent(self, code: Code, part: Floats) -> Floats:
        """Return the line through the two ends of a function of a number."""
        row = code.rows[:, 0]
        low, high = int(row.argmin()), int(row.argmax())
        slope = (part[high] - part[low]) / (row[high] - row[low])
        return part[low] + (row - row[low]) * slope

    def line(self, form: list[Floats]) -> Units:
        """Return the one unit whose value is the form, kept positive by its bias."""
        reads, offset = self.read_form(form)
        low = sum(float(f.min()) for f in form)
        count = 0 if all(np.ptp(f) == 0 for f in form) else 1
        return Units(
            tuple(r[:, :count] for r in reads),
            np.array([offset - low])[:count],
            np.ones((1, 1))[:count],
            np.array([low]),
        )

    def bent(self, units: Units, axis: int, rest: Floats, sign: float) -> Units:
        """Return the units with what one argument's function adds to its line."""
        row = self.args[axis].rows[:, 0]
        order = np.argsort(row)
        hinges = fit_hinges(row[order], rest[order, None], sign=sign, plateau=False)
        count = len(hinges.place)
        reads = [np.zeros((len(r), count)) for r in units.read]
        reads[axis][0] = sign
        return Units(
            tuple(
                np.concatenate([old, new], axis=1)
                for old, new in zip(units.read, reads, strict=True)
            ),
            np.concatenate([units.bias, -sign * hinges.place]),
            np.concatenate([units.write, hinges.slope]),
            units.base + hinges.base,
        )

    # Conjunctions -------------------------------------------------------------

    def rectangles(
        self, bound: int | None, steep: bool = False, background: int | None = None
    ) -> Units | None:
        """Return one unit for each disjoint rectangle of the table.

        `steep`: two units, whose difference jumps from 0 to 1 halfway, so that small
        errors of the arguments do not come through.
        """
        covered = cover(self.table, background)
        count, default = covered.count, covered.background
        if bound is not None and count >= bound:
            return None
        if self.most is not None and count > self.most:
            raise TooManyUnits(count)
        reads = [np.zeros((c.rank, count)) for c in self.args]
        bias = np.zeros(count)
        write = np.zeros((count, self.out.rank))
        for unit, (sides, result) in enumerate(covered.rectangles()):
            used = 0
            for axis, side in enumerate(sides):
                if side.all():
                    continue
                used += 1
                found = affine(self.args[axis].rows, side[:, None].astype(np.float64))
                assert found is not None
                reads[axis][:, unit] = found.matrix[:, 0]
                bias[unit] += found.bias[0]
            bias[unit] -= used - 1
            write[unit] = self.out.rows[result] - self.out.rows[default]
        if steep:
            reads = [np.concatenate([2 * r, 2 * r], axis=1) for r in reads]
            bias = np.concatenate([2 * bias - 0.5, 2 * bias - 1.5])
            write = np.concatenate([write, -write])
        return Units(tuple(reads), bias, write, self.out.rows[default])

    # Errors -------------------------------------------------------------------

    def measured(self, units: Units, limit: float) -> Units:
        """Return the units with their greatest error in float32, on noisy arguments.

        On a part of the table first: where the error is above the limit there, the
        rest does not matter.
        """
        room = max(_SIMULATED // max(1, units.count * self.out.rank), _FEW)
        step = max(_FEW, _AT_ONCE // max(1, units.count))  # bounds the memory
        worst = 0.0
        for count in sorted({min(n, len(self.cells)) for n in (_FEW, room)}):
            pick, worst = np.linspace(0, len(self.cells) - 1, count).astype(int), 0.0
            for part in (pick[i : i + step] for i in range(0, len(pick), step)):
                target = self.out.rows[self.results[part]]
                found = self.error(units, self.cells[part], target, limit)
                worst = max(worst, found)
                if worst > limit:
                    return replace(units, error=worst)
        return replace(units, error=worst)

    def error(
        self, units: Units, cells: NDArray, target: Floats, limit: float
    ) -> float:
        # What is too steep for float32 is infinite, and so is its error.
        with np.errstate(over="ignore", invalid="ignore"):
            found = self.float32_error(units, cells, target, limit)
        return found if np.isfinite(found) else np.inf

    def float32_error(
        self, units: Units, cells: NDArray, target: Floats, limit: float
    ) -> float:
        """Return the greatest error; or the first one found that is above the limit."""
        worst = 0.0
        rounding = _ROUNDING_OF_ONE_HOT if self.out.free else _ROUNDING
        write, base = units.write.astype(np.float32), units.base.astype(np.float32)
        inner = units.bias.astype(np.float32)
        for axis, (code, read) in enumerate(zip(self.args, units.read, strict=True)):
            rows = code.rows[cells[:, axis]].astype(np.float32)
            inner = inner + rows @ read.astype(np.float32)
        moved = {  # by argument, how far its errors move each unit
            axis: np.outer(code.noise[cells[:, axis]], _reach(units.read[axis])).astype(
                np.float32
            )
            for axis, code in enumerate(self.args)
            if code.noise.any()
        }
        for directions in self.shakes():
            shaken = inner
            for axis, direction in enumerate(directions):
                if direction:
                    step = np.add if direction > 0 else np.subtract
                    shaken = step(shaken, moved[axis])
            found, size = add_up(np.maximum(shaken, 0), write)
            error = np.abs(found + base - target) + rounding * size
            if error.size:
                scale = np.maximum(1.0, np.abs(target)) if self.relative else 1.0
                worst = float(np.maximum(worst, (error / scale).max()))
            if not worst <= limit:
                break
        return worst

    def shakes(self) -> list[tuple[int, ...]]:
        """Return the directions in which the arguments' errors may go together."""
        noisy = [axis for axis, code in enumerate(self.args) if code.noise.any()]
        if len(noisy) > 2:
            ways = [(1,) * len(noisy), tuple((-1) ** i for i in range(len(noisy)))]
            ways += [tuple(-s for s in way) for way in ways]
        else:
            ways = list(itertools.product((-1, 1), repeat=len(noisy)))
        place = {axis: number for number, axis in enumerate(noisy)}
        axes = range(len(self.args))
        return [tuple(w[place[a]] if a in place else 0 for a in axes) for w in ways]


def add_up(
    hidden: NDArray[np.float32], write: NDArray[np.float32]
) -> tuple[Floats, Floats]:
    """Return (hidden @ write, hidden @ |write|), added in float64, one unit at a time.

    A product of matrices adds in an order that depends on the machine. Whether a table
    is exact enough must not: the same program is to have the same weights everywhere.
    """
    found = np.zeros((write.shape[1], len(hidden)))
    size = np.zeros_like(found)
    units = hidden.T.astype(np.float64, order="C")
    for column, weights in enumerate(write.T):
        used = np.flatnonzero(weights)  # two or three units write a one-hot value
        terms = units[used]
        terms *= weights[used, None]
        # Along the first axis NumPy adds one row after the other.
        found[column] = terms.sum(axis=0)
        size[column] = np.abs(terms, out=terms).sum(axis=0)
    return found.T, size.T


def _reach(read: Floats) -> Floats:
    """Return [units] how far errors of 1 in a row move each unit.

    The errors of a one-hot row have no common sign: what is too much in one place is
    often missing in another, so what two places weigh may come in as a difference.
    """
    if len(read) < 2:
        return read.sum(axis=0)
    return np.maximum(np.abs(read.sum(axis=0)), np.ptp(read, axis=0))


def _sums(design: Floats, goal: Floats) -> Floats | None:
    """Return the solution of design @ x = goal, None if there is none."""
    # On a part first: most tables are no sums, and a part is enough to see it.
    few = np.linspace(0, len(goal) - 1, min(len(goal), 200)).astype(int)
    scale = max(1.0, float(np.abs(goal).max()))
    for rows in (few, np.arange(len(goal))):
        solution = np.linalg.lstsq(design[rows], goal[rows], rcond=None)[0]
        if np.abs(design[rows] @ solution - goal[rows]).max() > 1e-9 * scale:
            return None
    return np.asarray(np.round(solution, 12), np.float64)
