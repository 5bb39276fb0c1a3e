"""Steps -> Plan: a code for every step, and the exact weights in terms of codes.

Decides which values stand one-hot and which as one number: a number where every
reader can use one. A head writes widths and means as numbers; where a reader needs
them one-hot, a cast (`x.onehot`) is inserted. Nothing here knows of residual
dimensions or layers yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from compiler.errors import ProgramError
from compiler.ir.domain import Domain
from compiler.ir.typed import Typed
from compiler.passes.codes import (
    HEAD_NOISE,
    Code,
    Floats,
    affine,
    natural_numbers,
    number,
    one_hot,
)
from compiler.passes.heads import Head, build_head, head_code, is_never_empty, readable
from compiler.passes.steps import (
    Attended,
    Constant,
    Embedded,
    Step,
    Tabulated,
    Work,
    can_be_counted,
    needed_steps,
    read_steps,
    relocate,
    split_steps,
)
from compiler.passes.units import Units, solve_table
from compiler.passes.wording import author_text
from compiler.rasp.values import is_number

# Tolerated errors of one-hot values: where heads must weigh keys alike, and else.
_STRICT, _LOOSE = (8e-6, 2e-5, 2e-4, 1e-3), (5e-3, 2e-2, 4e-2)
# Tolerated errors of a number that is the output, relative to values above 1.
_NUMBER = (3e-6, 9e-6)
# What is promised of such a number in the end.
_PROMISE = 1e-5
# How large the logits of classes may be that are read off a number: float32 must tell
# the nearest class from the next one.
_LARGE = 2.0**18
# What a second look at a one-hot value leaves of its error; and the error of a weight
# above which a mean that is the output takes that look.
_CLEAN, _SCORES = (4e-7, 1e-6), 3e-6


@dataclass(frozen=True)
class Embedding:
    """Written by W_E (`tokens`) or W_pos (`indices`)."""

    kind: str


@dataclass(frozen=True)
class Known:
    """A constant, folded into its readers."""


@dataclass(frozen=True, eq=False)
class Mlp:
    """A table as hidden units.

    Attributes:
        args: the steps read, in the order of `units.read`.
        units: the weights, in terms of codes.
    """

    args: tuple[int, ...]
    units: Units


Part = Embedding | Known | Mlp | Head


@dataclass(frozen=True, eq=False)
class PlannedStep:
    """A step with its code.

    Attributes:
        name: the variable's, with a suffix where it is derived.
        domain: what it can hold.
        code: its rows in its own dimensions.
        part: the component that writes it.
        variable: index of the program's variable that it is; None where derived.
        bos: [rank] its row at the BOS position; None where that depends on the input.
        work: the same in terms of values, reading the same steps as `part`.
    """

    name: str
    domain: Domain
    code: Code
    part: Part
    variable: int | None
    bos: Floats | None
    work: Work


@dataclass(frozen=True, eq=False)
class Plan:
    """All steps in topological order.

    Attributes:
        typed: the program.
        steps: what the components compute.
        output: the step of the result.
        extra: the steps of `typed.extra`, which are computed and never read.
    """

    typed: Typed
    steps: tuple[PlannedStep, ...]
    output: int
    extra: tuple[int, ...] = ()

    @property
    def main(self) -> set[int]:
        """The steps that the result depends on."""
        return needed(self.steps, [self.output])


def reads(part: Part) -> tuple[int, ...]:
    """Return the steps that a component reads, without repeats, in order."""
    match part:
        case Mlp():
            return tuple(dict.fromkeys(part.args))
        case Head():
            found = [r.variable for c in part.channels for r in (c.key, c.query)]
            found.append(part.value.variable if part.value is not None else None)
            return tuple(dict.fromkeys(i for i in found if i is not None))
    return ()


def needed(steps: Sequence[PlannedStep], roots: Iterable[int]) -> set[int]:
    """Return the steps that `roots` depend on, themselves included."""
    found = set(roots)
    for index in reversed(range(len(steps))):
        if index in found:
            found |= set(reads(steps[index].part))
    return found


def choose_codes(typed: Typed) -> Plan:
    """Return the plan of a typed program.

    Raises:
        ProgramError: a table cannot be computed exactly in float32.
    """
    solved: dict[object, Units | None] = {}
    counted: frozenset[int] = frozenset()
    while True:
        steps, place = split_steps(typed, counted)
        extra = [place[i] for i in typed.extra]
        careful: frozenset[int] = frozenset()
        while True:
            planner = _Planner(
                typed, steps, place[typed.output], extra, careful, solved
            )
            try:
                return planner.plan()
            except _Unclear as unclear:
                more = planner.noisy(unclear.place, unclear.index)
                means = planner.means(unclear.place) - counted
                if not more and not means:
                    raise ProgramError([unclear.problem], typed.name) from None
            if not more:
                counted |= means
                break
            careful |= more


class _Unclear(Exception):
    """Values that float32 cannot tell apart, as the steps before them stand.

    Attributes:
        problem: what the author is told if nothing helps.
        place: the planned steps whose errors are too large.
        index: the step that reads them; None for a cast or the output.
    """

    def __init__(
        self, problem: str, place: Sequence[int], index: int | None = None
    ) -> None:
        super().__init__(problem)
        self.problem, self.place, self.index = problem, list(place), index


class _Planner:
    """Chooses codes front to back, after needs have been found back to front."""

    def __init__(
        self,
        typed: Typed,
        steps: list[Step],
        output: int,
        extra: list[int],
        careful: frozenset[int],
        solved: dict[object, Units | None],
    ) -> None:
        self.typed, self.steps, self.output, self.extra = typed, steps, output, extra
        # Steps that read what is recoded without errors; tables that were solved.
        self.careful, self.solved = careful, solved
        # Who decides on a step's code: of what the output needs, only readers that
        # the output needs too. So nothing beside the program changes its circuit.
        self.readers: list[list[int]] = [[] for _ in steps]
        self.guests: list[list[int]] = [[] for _ in steps]
        main = needed_steps(steps, output)
        for index, step in enumerate(steps):
            for source in read_steps(step.work):
                guest = source in main and index not in main
                (self.guests if guest else self.readers)[source].append(index)
        self.empties = [
            isinstance(s.work, Attended) and not is_never_empty(s.work, steps, typed)
            for s in steps
        ]
        self.exact = self.exact_steps()
        self.free = [False] * len(steps)
        self.at_bos = [False] * len(steps)
        for index in reversed(range(len(steps))):
            self.free[index] = self.needs_free(index)
            self.mark_bos(index)
        self.planned: list[PlannedStep] = []
        self.place: list[int] = []
        # The step that a planned step is; casts are none.
        self.origin: dict[int, int] = {}
        self.casts: dict[int, int] = {}
        self.cleaned: dict[int, int] = {}

    def said(self, name: str) -> str:
        """Return how a message names a step: as the author wrote its variable."""
        index = self.typed.index(name.partition(".")[0])
        return repr(name) if index < 0 else author_text(self.typed, index)

    def plan(self) -> Plan:
        """Return the plan.

        Raises:
            _Unclear: errors of some steps are too large for their readers.
        """
        for index in range(len(self.steps)):
            self.visit(index)
        return self.finish()

    def noisy(self, places: Sequence[int], index: int | None) -> frozenset[int]:
        """Return the nearest steps that would do better if they read without errors.

        These are heads whose keys, queries or values have errors, and the table that
        failed itself; none of those that read without errors already.
        """
        if index is not None and index not in self.careful:
            return frozenset({index})
        seen: set[int] = set()
        frontier = list(places)
        while frontier:
            heads = {self.origin[p] for p in frontier if p in self.origin}
            found = {i for i in heads - self.careful if self.reads_errors(i)}
            if found:
                return frozenset(found)
            seen |= set(frontier)
            further = {r for p in frontier for r in reads(self.planned[p].part)}
            frontier = sorted(further - seen)
        return frozenset()

    def means(self, places: Sequence[int]) -> frozenset[int]:
        """Return the variables among what is read that are means of a few numbers."""
        found = needed(self.planned, places)
        steps = [self.steps[self.origin[p]] for p in found if p in self.origin]
        variables = {s.variable for s in steps if s.variable is not None}
        return frozenset(v for v in variables if can_be_counted(self.typed, v))

    def reads_errors(self, index: int) -> bool:
        """Return whether a head reads something that has errors."""
        work = self.steps[index].work
        return isinstance(work, Attended) and any(
            self.planned[self.place[s]].code.noise.max(initial=0) > _CLEAN[0]
            for s in read_steps(work)
        )

    # What readers need ------------------------------------------------------------

    def needs_free(self, index: int) -> bool:
        """Return whether some reader needs the values one-hot."""
        step = self.steps[index]
        if step.domain.size <= 2:
            return True
        if step.work == Embedded("tokens"):
            return True
        if index == self.output and not self.number_output():
            return True
        if index in self.extra and not step.domain.numeric:
            return True
        code = number(natural_numbers(step.domain))
        for reader in self.readers[index]:
            work = self.steps[reader].work
            if isinstance(work, Tabulated) and not step.domain.numeric:
                return True
            if isinstance(work, Attended) and not readable(
                work, index, code, self.steps, self.empties[reader], self.free[reader]
            ):
                return True
        return False

    def exact_steps(self) -> set[int]:
        """Return the steps that heads carry on to an output that is a number."""
        if not self.typed.numerical:
            return set()
        found = {self.output}
        for index in reversed(range(len(self.steps))):
            work = self.steps[index].work
            if index in found and isinstance(work, Attended) and work.value is not None:
                found.add(work.value)
        return found

    def number_output(self) -> bool:
        if self.typed.numerical:
            return True
        values = self.steps[self.output].domain.values
        return all(isinstance(v, int) for v in values) and _telling(values)

    def mark_bos(self, index: int) -> None:
        """Mark the steps whose row at BOS must be known, given this one's needs."""
        work, needed = self.steps[index].work, self.at_bos[index]
        match work:
            case Tabulated() if needed:
                for source in work.args:
                    self.at_bos[source] = True
            case Attended():
                for match in work.matches:
                    self.at_bos[match.key] = True
                    if needed:
                        self.at_bos[match.query] = True
                if work.value is not None and (needed or self.empties[index]):
                    self.at_bos[work.value] = True
                if work.grade is not None:
                    self.at_bos[work.grade] = True

    # Front to back ----------------------------------------------------------------

    def add(self, step: PlannedStep) -> int:
        self.planned.append(step)
        return len(self.planned) - 1

    def visit(self, index: int) -> None:
        step = self.steps[index]
        match step.work:
            case Constant():
                code = one_hot(1)
                value = PlannedStep(
                    step.name,
                    step.domain,
                    code,
                    Known(),
                    step.variable,
                    np.zeros(0),
                    step.work,
                )
            case Embedded(kind=kind):
                code = self.code(index)
                bos = np.zeros(code.rank)
                value = PlannedStep(
                    step.name,
                    step.domain,
                    code,
                    Embedding(kind),
                    step.variable,
                    bos,
                    step.work,
                )
            case Tabulated():
                value = self.table(step, self.code(index), step.work, index)
            case Attended():
                value = self.head(index, step, step.work)
        self.place.append(self.add(value))
        self.origin[self.place[-1]] = index

    def code(self, index: int) -> Code:
        domain = self.steps[index].domain
        if self.free[index]:
            return one_hot(domain.size)
        return number(natural_numbers(domain))

    def table(self, step: Step, code: Code, work: Tabulated, index: int) -> PlannedStep:
        args = [self.place[a] for a in work.args]
        units = None
        strict = self.needs_exact(index)
        relative = index in self.exact and not code.free
        for recode in self.recodings(args, index):
            choice = [recode(a) for a in args]
            tolerances = self.tolerances(code, strict)
            if relative and index == self.output:
                tolerances = _NUMBER
            elif index in self.exact:
                size = 1.0 if relative else _spread(step.domain)
                tolerances = (*(n / size for n in _NUMBER), *tolerances)
            units = self.solve(work, choice, code, tolerances, relative)
            if units is not None:
                args = choice
                break
        if units is not None and not strict and self.needs_exact(index, self.guests):
            exact = self.solve(work, args, code, self.tolerances(code, True), relative)
            units = exact or units
        if units is None:
            raise _Unclear(
                f"{self.said(step.name)}: its values cannot be told apart in float32. "
                "Lower max_len, or compute it in smaller steps.",
                args,
                index,
            )
        size = np.maximum(1.0, np.abs(code.rows).max(axis=1)) if relative else 1.0
        code = Code(code.rows, units.error * np.ones(len(code.rows)) * size)
        return PlannedStep(
            step.name,
            step.domain,
            code,
            Mlp(tuple(args), units),
            step.variable,
            self.table_bos(args, units),
            Tabulated(tuple(args), work.table),
        )

    def recodings(self, args: list[int], index: int) -> list[Callable[[int], int]]:
        """Return how arguments may be read: as they are, one-hot, with less error."""
        found: list[Callable[[int], int]] = [lambda place: place]
        if self.has_numbers(args):
            found.append(self.cast)
        if index in self.exact or index in self.careful:
            found.append(self.clean)
        return found

    def table_bos(self, args: list[int], units: Units) -> Floats | None:
        rows = [self.planned[a].bos for a in args]
        if any(r is None for r in rows):
            return None
        return units.apply([r for r in rows if r is not None])

    def tolerances(self, code: Code, strict: bool) -> tuple[float, ...]:
        if code.free:
            return _STRICT if strict else _LOOSE
        size = float(np.abs(code.rows).max())
        close = min(1e-5 * size, 0.05 * code.gap)
        return (close, 0.1 * code.gap) if strict else (0.01 * code.gap, 0.1 * code.gap)

    def needs_exact(self, index: int, readers: list[list[int]] | None = None) -> bool:
        """Return whether a head weighs keys by this step, or averages it."""
        for reader in (readers or self.readers)[index]:
            work = self.steps[reader].work
            if isinstance(work, Attended) and work.kind in ("width", "mean"):
                return True
        return False

    def has_numbers(self, args: list[int]) -> bool:
        return any(not self.planned[a].code.free for a in args)

    def solve(
        self,
        work: Tabulated,
        args: list[int],
        code: Code,
        tolerances: tuple[float, ...],
        relative: bool = False,
    ) -> Units | None:
        steps = [self.planned[a] for a in args]
        codes = [s.code for s in steps]
        key = (
            work.table.shape,
            work.table.tobytes(),
            *((c.rows.tobytes(), c.noise.tobytes()) for c in (*codes, code)),
            tolerances,
            relative,
        )
        if key not in self.solved:
            self.solved[key] = solve_table(
                work.table,
                codes,
                [natural_numbers(s.domain) for s in steps],
                code,
                tolerances,
                relative,
            )
        return self.solved[key]

    def cast(self, place: int) -> int:
        """Return the step that holds the same values one-hot."""
        step = self.planned[place]
        if step.code.free:
            return place
        if place not in self.casts:
            size = step.domain.size
            identity = Tabulated((place,), np.arange(size, dtype=np.int32))
            tolerances = (*_STRICT, *_LOOSE)
            units = self.solve(identity, [place], one_hot(size), tolerances)
            if units is None:
                raise _Unclear(
                    f"{self.said(step.name)}: its {size} values cannot be told apart "
                    "in float32. Lower max_len.",
                    [place],
                )
            code = Code(np.eye(size), np.full(size, units.error))
            self.casts[place] = self.add(
                PlannedStep(
                    f"{step.name}.onehot",
                    step.domain,
                    code,
                    Mlp((place,), units),
                    None,
                    self.table_bos([place], units),
                    identity,
                )
            )
        return self.casts[place]

    def clean(self, place: int) -> int:
        """Return the step that holds the same values one-hot, with less error."""
        place = self.cast(place)
        step = self.planned[place]
        if place not in self.cleaned and len(step.code.rows) > 1:
            size = step.domain.size
            identity = Tabulated((place,), np.arange(size, dtype=np.int32))
            units = self.solve(identity, [place], one_hot(size), _CLEAN)
            if units is None or units.error >= step.code.noise.max():
                return place
            code = Code(one_hot(size).rows, np.full(size, units.error))
            self.cleaned[place] = self.add(
                PlannedStep(
                    f"{step.name}.clean",
                    step.domain,
                    code,
                    Mlp((place,), units),
                    None,
                    self.table_bos([place], units),
                    identity,
                )
            )
        return self.cleaned.get(place, place)

    def clean_scores(self, work: Attended, places: dict[int, int]) -> None:
        """Let a head that must weigh keys alike read them from clean steps."""
        codes = {s: self.planned[p].code for s, p in places.items()}
        if self.score_noise(work, codes) <= _SCORES:
            return
        for source in {s for m in work.matches for s in (m.key, m.query)}:
            if codes[source].noise.max(initial=0) > _CLEAN[0]:
                places[source] = self.clean(places[source])

    def head(self, index: int, step: Step, work: Attended) -> PlannedStep:
        places = {s: self.place[s] for s in read_steps(work)}
        out = head_code(work, step.domain, self.free[index])
        for source in list(places):
            planned = self.planned[places[source]]
            if not planned.code.free and not readable(
                work, source, planned.code, self.steps, self.empties[index], out.free
            ):
                places[source] = self.cast(places[source])
        if index in self.careful:
            for source in places:
                if self.planned[places[source]].code.noise.max(initial=0) > _CLEAN[0]:
                    places[source] = self.clean(places[source])
        if index in self.exact and work.kind == "mean":
            self.clean_scores(work, places)
        codes = {s: self.planned[p].code for s, p in places.items()}
        bos = {s: self.planned[p].bos for s, p in places.items()}
        clean = self.at_bos[index] and not self.typed.causal
        head, row = build_head(
            work,
            codes,
            bos,
            places,
            self.steps,
            out,
            empty=self.empties[index],
            clean=clean,
            causal=self.typed.causal,
        )
        # Weight that goes astray moves a mean by as much as values lie apart.
        apart = 1.0 if out.free else max(1.0, float(np.ptp(out.rows)))
        noise = out.noise + HEAD_NOISE + apart * self.score_noise(work, codes)
        if work.value is not None:
            noise = noise + _value_noise(
                work, codes[work.value], self.steps[work.value].domain, out
            )
        return PlannedStep(
            step.name,
            step.domain,
            Code(out.rows, noise),
            head,
            step.variable,
            row,
            relocate(work, places),
        )

    def score_noise(self, work: Attended, codes: dict[int, Code]) -> float:
        """Return how much errors of keys and queries change a weight."""
        if work.kind == "pick":
            return 0.0
        total = sum(
            float(
                codes[m.key].noise.max(initial=0) + codes[m.query].noise.max(initial=0)
            )
            for m in work.matches
        )
        return 25.0 * total * 0.25

    def finish(self) -> Plan:
        output = self.place[self.output]
        planned = self.planned[output]
        numbers = natural_numbers(planned.domain)[:, None]
        wanted = self.number_output()
        # A width stands as a share of the attention, which is no affine function of it.
        if wanted and self.typed.numerical:
            wanted = affine(planned.code.rows, numbers) is not None
        if not planned.code.free and not wanted:
            output = self.cast(output)
        if self.typed.numerical:
            output = self.checked(output)
        extra = [self.place[i] for i in self.extra]
        return _in_order(self.typed, self.planned, output, extra)

    def checked(self, output: int) -> int:
        """Return the step of an output that is a number, once it is exact enough.

        Raises:
            ProgramError: it is not.
        """
        if self.number_error(output) > _PROMISE and self.planned[output].code.free:
            output = self.clean(output)
        error = self.number_error(output)
        if error > _PROMISE:
            step = self.planned[output]
            raise _Unclear(
                f"{self.said(step.name)}: its {step.domain.size} values cannot be told "
                f"apart in float32: errors reach {error:.0e}, and {_PROMISE:.0e} "
                "is promised. Lower max_len, compute it in smaller steps, or make "
                "it categorical.",
                [output],
            )
        return output

    def number_error(self, place: int) -> float:
        """Return the greatest error of an output, relative to numbers above 1."""
        step = self.planned[place]
        numbers = natural_numbers(step.domain)
        size = np.maximum(1.0, np.abs(numbers))
        if step.code.rank == 1 and not step.code.free:
            return float((step.code.noise / size).max())
        return float((step.code.noise * _spread(step.domain) / size).max())


def _value_noise(work: Attended, code: Code, domain: Domain, out: Code) -> Floats:
    """Return the error that each result of a head has from the values it reads."""
    worst = float(code.noise.max(initial=0))
    if work.kind == "pick":
        assert work.recode is not None
        noise = np.zeros(len(out.rows))
        picked = work.recode >= 0
        np.maximum.at(noise, work.recode[picked], code.noise[picked])
        # A default is what BOS holds, whose value is computed like any other.
        if work.default >= 0:
            noise[work.default] = max(noise[work.default], worst)
        return noise
    if work.kind == "length":
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


def _spread(domain: Domain) -> float:
    """Return how much an error of a one-hot value counts in a number, at least 1."""
    return max(1.0, float(np.ptp(natural_numbers(domain))))


def _in_order(
    typed: Typed, steps: list[PlannedStep], output: int, extra: list[int]
) -> Plan:
    """Return the plan without steps that nothing needs."""
    keep = sorted(needed(steps, [output, *extra]))
    place = {old: new for new, old in enumerate(keep)}
    return Plan(
        typed,
        tuple(renumber(steps[i], place) for i in keep),
        place[output],
        tuple(place[i] for i in extra),
    )


def _telling(values: Sequence[int]) -> bool:
    """Return whether the nearest of some values can be told in float32."""
    numbers = np.sort(np.array(values, np.float64))
    if len(numbers) < 2:
        return True
    gap = np.diff(numbers).min()
    return bool(np.ptp(numbers) / 2 * np.abs(numbers).max() <= _LARGE * gap**2)


def renumber(step: PlannedStep, place: dict[int, int]) -> PlannedStep:
    """Return the step with the steps it reads renumbered."""
    match step.part:
        case Mlp():
            part: Part = Mlp(tuple(place[a] for a in step.part.args), step.part.units)
        case Head():
            part = step.part.renumber(place)
        case _:
            part = step.part
    return replace(step, part=part, work=relocate(step.work, place))
