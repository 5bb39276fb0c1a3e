"""A table as the hidden units of an MLP, as few as can be found.

Three kinds of solution are tried, and the smallest one that holds in float32 is
taken: a table that depends on a linear form of its arguments (a sum, a difference, a
comparison, or mixed-radix digits) becomes hinges along that form; a table over free
codes becomes conjunctions, one unit for each disjoint rectangle of equal entries.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.passes.codes import Code, Floats, affine
from compiler.passes.hinges import fit_hinges
from compiler.passes.rectangles import cover

# Above this many arguments only one linear form and one order is tried.
_MANY = 5
# Products that are simulated to measure the rounding error of one candidate.
_SIMULATED = 50_000_000


@dataclass(frozen=True, eq=False)
class Units:
    """hidden = relu(sum over args of row_a @ read[a] + bias); row = hidden @ write + base.

    Attributes:
        read: for each argument [rank, units].
        bias: [units].
        write: [units, rank of the result].
        base: [rank of the result].
        error: greatest error of a result in float32, noise of the arguments included.
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
) -> Units | None:
    """Return the fewest units found that are exact enough.

    Args:
        table: [d1, .., dk] row of `out`, -1 where it does not matter.
        args: codes of the arguments.
        scalars: for each argument a number a value, its natural order.
        out: code of the result.
        tolerances: greatest absolute error of the result, the strictest first; a later
            one counts only where nothing meets the earlier ones.
    """
    problem = _Problem(table, args, scalars, out)
    best: dict[float, Units] = {}
    for make in problem.candidates():
        strictest = best.get(tolerances[0])
        units = make(strictest.count if strictest else None)
        if units is None:
            continue
        units = problem.measured(units)
        for tolerance in tolerances:
            known = best.get(tolerance)
            if units.error <= tolerance and (
                known is None or units.count < known.count
            ):
                best[tolerance] = units
    return next((best[t] for t in tolerances if t in best), None)


class _Problem:
    """One table to solve; holds what all candidates share."""

    def __init__(
        self, table: NDArray, args: list[Code], scalars: list[Floats], out: Code
    ) -> None:
        self.table, self.args, self.scalars, self.out = table, args, scalars, out
        self.live = table >= 0
        self.cells = np.argwhere(self.live)
        self.target = out.rows[table[self.live]]  # [cells, rank]
        self.results = table[self.live]

    def candidates(self) -> Iterator:
        """Yield functions of the best count so far to Units or None."""
        if self.out.rank == 1:
            yield lambda bound: self.additive()
        for form in self.forms():
            for plateau in (False, True):
                for sign in (1.0, -1.0):
                    yield lambda bound, f=form, s=sign, p=plateau: self.along(
                        f, s, p, bound
                    )
        if all(a.free for a in self.args):
            yield self.rectangles

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
            gap = np.diff(np.unique(digits))
            stride = 1.0 if span == 0 else 2 * span / float(gap.min() if len(gap) else 1)
            weights[axis] = digits * stride
            span += float(np.ptp(weights[axis]))
        return weights

    def digits(self, axis: int) -> Floats:
        code = self.args[axis]
        if not code.free:
            return code.rows[:, 0] - code.rows[:, 0].min()
        slices = np.moveaxis(self.table, axis, 0).reshape(len(code.rows), -1)
        _, classes = np.unique(slices, axis=0, return_inverse=True)
        classes = classes.reshape(-1)
        # Classes in the order in which their values first come.
        first = {c: i for i, c in enumerate(dict.fromkeys(classes.tolist()))}
        return np.array([first[c] for c in classes.tolist()], dtype=np.float64)

    def along(
        self, form: list[Floats], sign: float, plateau: bool, bound: int | None
    ) -> Units | None:
        """Return hinges along a linear form, None if the table is not one of it."""
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
        points, values = ordered[starts], self.out.rows[heads]
        hinges = fit_hinges(points, values, sign=sign, plateau=plateau)
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
            reads.append(found[0])
            offset += float(found[1][0])
        return reads, offset

    def additive(self) -> Units | None:
        """Return one unit if the result is a sum of functions of each argument."""
        blocks = []
        for axis, code in enumerate(self.args):
            rows = np.eye(len(code.rows)) if code.free else code.rows
            blocks.append(rows[self.cells[:, axis]])
        design = np.concatenate([*blocks, np.ones((len(self.cells), 1))], axis=1)
        goal = self.target[:, 0]
        solution = np.linalg.lstsq(design, goal, rcond=None)[0]
        scale = max(1.0, float(np.abs(goal).max()))
        if np.abs(design @ solution - goal).max() > 1e-9 * scale:
            return None
        form, start = [], 0
        for code, block in zip(self.args, blocks, strict=True):
            part = solution[start : start + block.shape[1]]
            start += block.shape[1]
            form.append(part if code.free else code.rows @ part)
        form[0] = form[0] + solution[-1]
        reads, offset = self.read_form([np.round(f, 12) for f in form])
        low = float(goal.min())
        return Units(tuple(reads), np.array([offset - low]), np.ones((1, 1)), np.array([low]))

    # Conjunctions -------------------------------------------------------------

    def rectangles(self, bound: int | None) -> Units | None:
        """Return one unit for each disjoint rectangle of the table."""
        cells, default = cover(self.table)
        if bound is not None and len(cells) >= bound:
            return None
        count = len(cells)
        reads = [np.zeros((c.rank, count)) for c in self.args]
        bias = np.zeros(count)
        write = np.zeros((count, self.out.rank))
        for unit, (sides, result) in enumerate(cells):
            used = 0
            for axis, side in enumerate(sides):
                if side.all():
                    continue
                used += 1
                found = affine(self.args[axis].rows, side[:, None].astype(np.float64))
                assert found is not None
                reads[axis][:, unit] = found[0][:, 0]
                bias[unit] += found[1][0]
            bias[unit] -= used - 1
            write[unit] = self.out.rows[result] - self.out.rows[default]
        return Units(tuple(reads), bias, write, self.out.rows[default])

    # Errors -------------------------------------------------------------------

    def measured(self, units: Units) -> Units:
        """Return the units with their greatest error in float32, on noisy arguments."""
        pick: slice | NDArray = slice(None)
        room = _SIMULATED // max(1, units.count * self.out.rank)
        if len(self.cells) > max(room, 500):
            pick = np.linspace(0, len(self.cells) - 1, max(room, 500)).astype(int)
        cells, target = self.cells[pick], self.target[pick]
        worst = 0.0
        for direction in (-1.0, 1.0) if any(a.noise.any() for a in self.args) else (0.0,):
            inner = np.broadcast_to(
                units.bias.astype(np.float32), (len(cells), units.count)
            ).copy()
            for axis, (code, read) in enumerate(zip(self.args, units.read, strict=True)):
                values = cells[:, axis]
                # Errors of two arguments may add up: they go opposite ways here.
                shake = direction * (-1) ** axis * code.noise[values][:, None]
                rows = (code.rows[values] + shake).astype(np.float32)
                inner += rows @ read.astype(np.float32)
            hidden = np.maximum(inner, 0)
            result = hidden @ units.write.astype(np.float32) + units.base.astype(np.float32)
            if len(result):
                worst = max(worst, float(np.abs(result - target).max()))
        return Units(units.read, units.bias, units.write, units.base, worst)
