"""Several programs in one: the first token says which of them is computed.

    select_by_token([sort, reverse])     of  sort 3 1 2     is  None 1 2 3
                                         of  reverse 3 1 2  is  None 2 1 3

Each program is computed over the tokens behind the first one, as if these were the
whole input, and a last step takes the output of the one that is asked for. So every
program has variables and edges of its own, and all of them are active in every input;
the variable `task` decides which of them the output depends on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from compiler.errors import InputError
from compiler.rasp.expr import (
    GEQ,
    Aggregate,
    Comparison,
    Elementwise,
    Indices,
    Length,
    Select,
    SelectorAnd,
    SelectorNot,
    SelectorOr,
    SelectorWidth,
    SOp,
    Tokens,
    indices,
    length,
    parts_of,
    tokens,
)
from compiler.rasp.program import Program
from compiler.rasp.values import Value, canonical, show_many

TASK = "task"
"""The variable that holds the first token: which program is asked for."""
JOIN = "+"
"""What stands between the names of programs in the name of a model of several."""
FAMILY = "several programs"
AT_ONCE = 2
"""The most outputs that one table takes its own from; more are taken in groups first.

A table of n outputs has a row for each combination of their values.
"""


@dataclass(frozen=True)
class SeveralPrograms(Program):
    """Programs that are computed in one model; the first token says which.

    Attributes:
        programs: the programs, in the order of their tokens.
    """

    programs: tuple[Program, ...] = ()

    @property
    def source(self) -> str:
        """The texts of the programs, as written."""
        return "\n\n".join(program.source.rstrip() for program in self.programs) + "\n"


def select_by_token(programs: Sequence[Program]) -> SeveralPrograms:
    """Return the program that computes one of several, as the first token says.

    The token is the program's name. All of them take the same tokens: those of the
    first program whose tokens each of them can be computed over. The length is one
    more than the shortest of their lengths.

    Args:
        programs: two or more, all with attention in the same direction.

    Raises:
        InputError: there is only one, one is there twice, they attend in different
            directions, or no vocabulary is fit for all of them.
    """
    programs = tuple(programs)
    names = [program.name for program in programs]
    check_together(programs, names)
    vocab = shared_tokens(programs)
    shortest = min(program.max_len for program in programs)
    first = programs[0]
    shown = example_over(first, vocab)

    def build(vocab: Sequence[Value], max_len: int) -> SOp:
        plain = tuple(v for v in vocab if v not in names)
        parts = [p.build(plain, max_len - 1) for p in programs]
        return _chosen(names, parts, plain)

    return SeveralPrograms(
        name=JOIN.join(names),
        family=FAMILY,
        meaning=f"The output of {' or of '.join(names)}, as the first token says.",
        vocab=(*names, *vocab),
        max_len=shortest + 1,
        example=((names[0], *shown[0]), (None, *shown[1])),
        builder=build,
        causal=first.causal,
        accepts=_Asked(programs),
        classes=TASK,
        programs=programs,
    )


def check_together(programs: tuple[Program, ...], names: list[str]) -> None:
    """Raise InputError unless programs can be computed in one model."""
    if len(programs) < 2:
        raise InputError(
            f"found one program ({', '.join(names)}); a model of several programs "
            "needs two or more"
        )
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise InputError(f"{twice[0]} is there twice; name each program once")
    causal = [p.name for p in programs if p.causal]
    if causal and len(causal) < len(programs):
        other = next(p.name for p in programs if not p.causal)
        raise InputError(
            f"{causal[0]} attends to earlier positions only and {other} in both "
            "directions, so they cannot share a model. Choose programs that attend in "
            "the same way"
        )


def shared_tokens(programs: tuple[Program, ...]) -> tuple[Value, ...]:
    """Return the tokens of the first program whose tokens all of them can take."""
    problems = []
    for offer in dict.fromkeys(p.vocab for p in programs):
        failed = next((p for p in programs if not _takes(p, offer)), None)
        if failed is None:
            return offer
        problems.append(f"{failed.name} cannot be computed over {show_many(offer)}")
    raise InputError(
        f"no vocabulary of these programs is fit for all of them: {'; '.join(problems)}"
    )


def _takes(program: Program, vocab: tuple[Value, ...]) -> bool:
    """Return whether a program says something of these tokens, tried on some inputs.

    One that finds no bracket among letters gives every input the same output.
    """
    if program.vocab == vocab:
        return True
    if program.accepts is not None:  # what it is for is said in terms of its own tokens
        return False
    size, longest = len(vocab), min(program.max_len, 6)
    rows = [[vocab[(k * i + k // 2) % size] for i in range(longest)] for k in range(9)]
    try:
        expression = program.build(vocab, program.max_len)
        outputs = [tuple(expression(row)) for row in rows]
    except Exception:  # the author's own functions may raise anything
        return False
    return len(set(outputs)) > 1


def example_over(
    program: Program, vocab: tuple[Value, ...]
) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """Return an input of some tokens and its output: the program's own if it fits."""
    if all(v in vocab for v in program.example[0]):
        return program.example
    row = list(vocab[:3])
    values = program.build(vocab, program.max_len)(row)
    return tuple(row), tuple(canonical(v) for v in values)


class _Asked:
    """The inputs of several programs: a program's name, and an input of its own."""

    def __init__(self, programs: tuple[Program, ...]) -> None:
        self._accepts = {p.name: p.accepts for p in programs}
        self.words = "the first token is the name of a program, and no other one is"
        for program in programs:
            if program.inputs:
                self.words += f"; for {program.name}, {program.inputs}"

    def __call__(self, tokens: Sequence[Value], /) -> bool:
        """Return whether the first token, and no other, asks for a program."""
        first, rest = tokens[0], tokens[1:]
        if first not in self._accepts or not rest:
            return False
        if any(t in self._accepts for t in rest):
            return False
        own = self._accepts[first]
        return own is None or bool(own(rest))

    def count(self, vocab: Sequence[Value], max_len: int) -> int:
        """Return the greatest number of inputs that there can be."""
        plain = len(self._plain(vocab))
        return len(self._accepts) * sum(plain**n for n in range(1, max_len))

    def every(self, vocab: Sequence[Value], max_len: int) -> Iterator[list[Value]]:
        """Yield all inputs, the shorter ones first."""
        plain = self._plain(vocab)
        for size in range(1, max_len):
            for rest in product(plain, repeat=size):
                for name, own in self._accepts.items():
                    if own is None or own(rest):
                        yield [name, *rest]

    def _plain(self, vocab: Sequence[Value]) -> list[Value]:
        return [t for t in vocab if t not in self._accepts]


def _chosen(names: list[str], parts: list[SOp], plain: tuple[Value, ...]) -> SOp:
    """Return the output of the program whose name is the first token.

    Args:
        names: of the programs.
        parts: what each computes.
        plain: the tokens that are no names.
    """
    known = set(names)
    asked = Elementwise(lambda token: token if token in known else None, (tokens,))
    first = Select(indices, indices, lambda key, query: key == 0 and query > 0)
    task = Aggregate(first, asked, rule="unique").named(TASK)
    behind = _Behind(plain)
    outputs = [
        behind.moved(part, name) for name, part in zip(names, parts, strict=True)
    ]
    groups = [(name,) for name in names]
    while len(groups) > AT_ONCE:
        size = -(-len(groups) // -(-len(groups) // AT_ONCE))  # groups of about one size
        starts = range(0, len(groups), size)
        outputs = [
            _one_of(task, groups[i : i + size], outputs[i : i + size]) for i in starts
        ]
        groups = [sum(groups[i : i + size], ()) for i in starts]
        outputs = [
            output.named(f"{group[0]}_to_{group[-1]}") if len(group) > 1 else output
            for group, output in zip(groups, outputs, strict=True)
        ]
    return _one_of(task, groups, outputs)


def _one_of(task: SOp, groups: list[tuple[str, ...]], outputs: list[SOp]) -> SOp:
    """Return the output whose group holds the task; None where none does."""
    if len(groups) == 1:
        return outputs[0]
    place = {name: i for i, group in enumerate(groups) for name in group}

    def choose(chosen: Value, *values: Value) -> Value:
        return values[place[chosen]] if chosen in place else None

    return Elementwise(choose, (task, *outputs))


class ProgramRewriter:
    """Rewrites programs that go into one model: their variables get new names."""

    def __init__(self) -> None:
        self._moved: dict[int, Any] = {}
        self._kept: list[Any] = []  # so that no id is used twice

    def moved(self, expression: SOp, name: str) -> SOp:
        """Return an expression whose variables have the program's name in front.

        Args:
            expression: of the tokens alone.
            name: what its named variables are called by: `name.rank`.
        """
        stack: list[tuple[Any, bool]] = [(expression, False)]
        while stack:
            item, ready = stack.pop()
            if id(item) in self._moved:
                continue
            if ready:
                self._kept.append(item)
                self._moved[id(item)] = self._rebuilt(item, name)
            else:
                stack.append((item, True))
                stack.extend((part, False) for part in parts_of(item))
        found = self._moved[id(expression)]
        return found if found.name else found.named(name)

    def given(self, item: SOp) -> SOp:
        """Return what stands for the tokens, the indices or the length."""
        return item

    def seen(self, selector: Any) -> Any:
        """Return what stands for the selector of a head."""
        return selector

    def _rebuilt(self, item: Any, name: str) -> Any:
        done = self._moved
        match item:
            case Tokens() | Indices() | Length():
                return self.given(item)
            case Elementwise():
                new = replace(item, args=tuple(done[id(a)] for a in item.args))
            case Aggregate():
                seen = self.seen(done[id(item.selector)])
                new = replace(item, selector=seen, value=done[id(item.value)])
            case SelectorWidth():
                new = replace(item, selector=self.seen(done[id(item.selector)]))
            case Select(predicate=Comparison.TRUE | Comparison.FALSE):
                return item
            case Select():
                ends = done[id(item.keys)], done[id(item.queries)]
                return Select(*ends, item.predicate)
            case SelectorAnd() | SelectorOr():
                return type(item)(done[id(item.left)], done[id(item.right)])
            case SelectorNot():
                return SelectorNot(done[id(item.inner)])
            case _:
                return item
        return new if new.name is None else new.named(f"{name}.{new.name}")


class _Behind(ProgramRewriter):
    """Rewrites programs so that they see the tokens behind the first one only.

    The first position gets the index, and a token, of the one behind it. Nothing
    selects it, and its output is not used.

    Args:
        plain: the tokens of the programs.
    """

    def __init__(self, plain: tuple[Value, ...]) -> None:
        super().__init__()
        known = set(plain)
        self._inputs: dict[type[SOp], SOp] = {
            Tokens: Elementwise(lambda t: t if t in known else plain[0], (tokens,)),
            Indices: Elementwise(lambda i: max(i - 1, 0), (indices,)),
            Length: Elementwise(lambda n: max(n - 1, 1), (length,)),
        }
        self._seen = Select(indices, 1, GEQ)

    def given(self, item: SOp) -> SOp:
        """Return the tokens, the indices or the length behind the first token."""
        return self._inputs[type(item)]

    def seen(self, selector: Any) -> Any:
        """Return a selector that leaves out the first token."""
        return SelectorAnd(selector, self._seen)
