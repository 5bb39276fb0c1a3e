"""A code for every step, and the weights that give it: chosen front to back.

Values stand as one number where every reader can use a number. A head writes widths and
means as numbers; where a reader needs them one-hot, a copy `x.onehot` is inserted, and
`x.clean` where it needs them with less error. Models are published with these names, so
they must not change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from compiler.ir import typed as t
from compiler.passes.codes import Code, Floats, natural_numbers, number, one_hot
from compiler.passes.evidence import sum_evidence
from compiler.passes.exact import (
    EXACTNESS,
    Errors,
    exact_tolerances,
    head_noise,
    tolerances,
    weight_error,
)
from compiler.passes.heads import build_head, head_code, readable
from compiler.passes.needs import Needs
from compiler.passes.scores import Head
from compiler.passes.size import LeastSize, refuse_large
from compiler.passes.steps import CodedStep, Step
from compiler.passes.units import TooManyUnits, Units, solve_table
from compiler.passes.wording import author_text

Solved = dict[object, Units | None]
"""Tables that were solved, by the table and what is asked of its solution."""


class Unclear(Exception):
    """Values that float32 cannot tell apart, as the steps before them stand.

    Attributes:
        problem: what the author is told if nothing helps.
        place: the coded steps whose errors are too large.
        index: the step that reads them; None for a copy or the output.
    """

    def __init__(
        self, problem: str, place: Iterable[int], index: int | None = None
    ) -> None:
        super().__init__(problem)
        self.problem, self.place, self.index = problem, list(place), index


class Coder:
    """The steps that are coded so far.

    Attributes:
        steps: what is coded, in order.
        careful: those that read what is copied with less error.
        coded: the steps with their codes, copies among them.
        place: of each step so far, its index in `coded`.
        size: what the model has at least, with the tables so far.
        most: the parameters that it may have; any number if None.
    """

    def __init__(
        self,
        typed: t.Typed,
        steps: Sequence[Step],
        needs: Needs,
        careful: frozenset[int],
        solved: Solved,
        size: LeastSize,
        most: int | None,
    ) -> None:
        self.typed, self.steps, self.needs = typed, steps, needs
        self.careful, self.solved = careful, solved
        self.size, self.most = size, most
        self.coded: list[CodedStep] = []
        self.place: list[int] = []
        self.copies: dict[tuple[int, str], int] = {}

    def visit(self, index: int) -> None:
        """Code the next step.

        Raises:
            Unclear: the errors of what it reads are too large.
            ProgramError: the model would have too many parameters.
        """
        step = self.steps[index]
        if step.is_head:
            coded = self._head(index)
        elif isinstance(step.operation, t.Table):
            coded = self._table(index, step.operation)
        else:
            code = self._wanted_code(index)
            coded = _with_code(step, code, None, np.zeros(code.rank))
        self.place.append(self._add(coded))

    def _add(self, step: CodedStep) -> int:
        self.coded.append(step)
        return len(self.coded) - 1

    def _wanted_code(self, index: int) -> Code:
        domain = self.steps[index].domain
        if index in self.needs.free:
            return one_hot(domain.size)
        return number(natural_numbers(domain))

    def said(self, step: Step) -> str:
        """Return how a message names a step: as the author wrote its variable."""
        index = self.typed.index(step.name.partition(".")[0])
        return repr(step.name) if index < 0 else author_text(self.typed, index)

    # Tables -----------------------------------------------------------------------

    def _table(self, index: int, operation: t.Table) -> CodedStep:
        step, needs, code = self.steps[index], self.needs, self._wanted_code(index)
        weighed, exact = index in needs.weighed, index in needs.exact
        relative = exact and not code.free
        wanted = tolerances(code, weighed)
        if operation.weights is not None:
            return self._evidence(step, operation, code)
        if exact:
            last = index == needs.output
            wanted = exact_tolerances(step.domain, code, weighed, last)
        args = [self.place[a] for a in operation.args]
        for recode in self.recodings(index, args):
            choice = [recode(a) for a in args]
            units = self._solve(step, operation.table, choice, code, wanted, relative)
            if units is not None:
                break
        else:
            raise Unclear(
                f"{self.said(step)}: its values cannot be told apart in float32. "
                "Lower max_len, or compute it in smaller steps.",
                args,
                index,
            )
        if not weighed and index in needs.weighed_beside:
            wanted = tolerances(code, weighed=True)
            better = self._solve(step, operation.table, choice, code, wanted, relative)
            units = better or units
        size = np.maximum(1.0, np.abs(code.rows).max(axis=1)) if relative else 1.0
        return self._written(step, operation.table, choice, code, units, size)

    def _evidence(self, step: Step, operation: t.Table, code: Code) -> CodedStep:
        """Return a sum of evidence, which reads every argument one-hot."""
        args = [self.one_hot(self.place[a]) for a in operation.args]
        read = [self.coded[a] for a in args]
        units = sum_evidence(
            operation,
            [r.domain.values for r in read],
            [r.code for r in read],
            step.domain.values,
            code,
        )
        return self._written(step, operation.table, args, code, units)

    def recodings(self, index: int, args: list[int]) -> list[Callable[[int], int]]:
        """Return how arguments may be read: as they are, one-hot, with less error."""
        found: list[Callable[[int], int]] = [lambda place: place]
        if any(not self.coded[a].code.free for a in args):
            found.append(self.one_hot)
        if index in self.needs.exact or index in self.careful:
            found.append(self.clean)
        return found

    def _solve(
        self,
        step: Step,
        table: NDArray[np.int32],
        args: list[int],
        code: Code,
        wanted: Errors,
        relative: bool = False,
    ) -> Units | None:
        """Return the units for the table of a step, None if float32 cannot hold it."""
        steps = [self.coded[a] for a in args]
        codes = [s.code for s in steps]
        key = (
            table.shape,
            table.tobytes(),
            *((c.rows.tobytes(), c.noise.tobytes()) for c in (*codes, code)),
            wanted,
            relative,
        )
        if key not in self.solved:
            numbers = [natural_numbers(s.domain) for s in steps]
            cap = None if self.most is None else self.size.units_within(self.most)
            try:
                self.solved[key] = solve_table(
                    table, codes, numbers, code, wanted, relative, cap
                )
            except TooManyUnits as too_many:
                self._count_units(step, too_many.count)
                raise
        return self.solved[key]

    def _written(
        self,
        step: Step,
        table: NDArray[np.int32],
        args: list[int],
        code: Code,
        units: Units,
        size: Floats | float = 1.0,
    ) -> CodedStep:
        """Return a step as units write it; their error is relative to `size`."""
        self._count_units(step, units.count)
        rows = [self.coded[a].bos for a in args]
        known = [row for row in rows if row is not None]
        weights = t.weights_of(step.operation)
        noise = units.error * np.ones(len(code.rows)) * size
        return _with_code(
            replace(step, operation=t.Table(tuple(args), table, weights=weights)),
            Code(code.rows, noise),
            units,
            units.apply(known) if len(known) == len(rows) else None,
        )

    def _count_units(self, step: Step, number: int) -> None:
        self.size = self.size.with_units(step.name, number)
        refuse_large(self.typed, self.size, self.most)

    # Copies -----------------------------------------------------------------------

    def one_hot(self, place: int) -> int:
        """Return the coded step that holds the same values one-hot.

        Raises:
            Unclear: the errors of the values are too large.
        """
        step = self.coded[place]
        if step.code.free:
            return place
        found = self._copied(place, "onehot", (*EXACTNESS.weighed, *EXACTNESS.other))
        if found is None:
            raise Unclear(
                f"{self.said(step)}: its {step.domain.size} values cannot be told "
                "apart in float32. Lower max_len.",
                [place],
            )
        return found

    def clean(self, place: int) -> int:
        """Return the coded step that holds the same values one-hot, with less error.

        That is the one-hot step itself where no copy has less error.
        """
        place = self.one_hot(place)
        noise = self.coded[place].code.noise
        if len(noise) == 1:
            return place
        found = self._copied(place, "clean", EXACTNESS.clean, float(noise.max()))
        return place if found is None else found

    def as_number(self, place: int) -> int | None:
        """Return the coded step that holds the numbers of a one-hot step as one number.

        None where that has no smaller error. Units that read one-hot values can be
        steep, so that the errors of the values do not add up.
        """
        code = number(natural_numbers(self.coded[place].domain))
        return self._copied(place, "number", EXACTNESS.output, code=code)

    def _copied(
        self,
        place: int,
        suffix: str,
        wanted: Errors,
        below: float = np.inf,
        code: Code | None = None,
    ) -> int | None:
        """Return a copy of a step, one-hot if None; None if its error is too large."""
        if (place, suffix) not in self.copies:
            source = self.coded[place]
            table = np.arange(source.domain.size, dtype=np.int32)
            code = one_hot(len(table)) if code is None else code
            size = 1.0 if code.free else np.maximum(1.0, np.abs(code.rows[:, 0]))
            step = Step(f"{source.name}.{suffix}", source.domain, t.Fixed())
            units = self._solve(step, table, [place], code, wanted, not code.free)
            if units is None or units.error >= below:
                return None
            coded = self._written(step, table, [place], code, units, size)
            self.copies[place, suffix] = self._add(coded)
        return self.copies[place, suffix]

    def is_noisy(self, place: int) -> bool:
        """Return whether a coded step has an error that a clean copy may lower."""
        worst = float(self.coded[place].code.noise.max(initial=0))
        return worst > EXACTNESS.needs_clean

    # Heads ------------------------------------------------------------------------

    def _head(self, index: int) -> CodedStep:
        step, needs, causal = self.steps[index], self.needs, self.typed.causal
        empty, out = index in needs.empty, head_code(step, index in needs.free)
        places = {s: self.place[s] for s in step.reads}
        for source in step.reads:
            code = self.coded[places[source]].code
            if not code.free and not readable(
                step, source, code, self.steps, empty, out
            ):
                places[source] = self.one_hot(places[source])
        if index in self.careful:
            self._clean_all(step.reads, places)
        # A mean that is the output must weigh the selected keys alike.
        mean = index in needs.exact and isinstance(step.operation, t.Mean)
        if mean and weight_error(step.at(places), self.coded) > EXACTNESS.weight:
            weighed = {i for m in step.matches for i in (m.key, m.query)}
            self._clean_all(weighed, places)
        moved = step.at(places)
        clean = index in needs.at_bos and not causal
        head, bos = build_head(
            moved, self.coded, out, empty=empty, clean=clean, causal=causal
        )
        code = Code(out.rows, head_noise(moved, self.coded, out))
        return _with_code(moved, code, head, bos)

    def _clean_all(self, sources: Iterable[int], places: dict[int, int]) -> None:
        """Let a head read some steps from clean copies, where they have errors."""
        for source in sources:
            if self.is_noisy(places[source]):
                places[source] = self.clean(places[source])


def _with_code(
    step: Step, code: Code, weights: Units | Head | None, bos: Floats | None
) -> CodedStep:
    return CodedStep(**vars(step), code=code, weights=weights, bos=bos)
