"""Random well-typed RASP programs, with inputs, as a hypothesis strategy.

A program is drawn as a list of steps: each applies one operation to sequences that
are there already, so parts are shared, and is itself there for later steps. What a
sequence can hold is tracked roughly (its kind, whether it may be None, how many
values it may have), so that few programs are refused. The tracking is independent of
the compiler's: where it is wrong, the program is refused or a bug is found.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from compiler.rasp import (
    EQ,
    FALSE,
    GEQ,
    GT,
    LEQ,
    LT,
    NEQ,
    TRUE,
    Aggregate,
    Constant,
    Elementwise,
    LinearSequenceMap,
    Map,
    Select,
    Selector,
    SelectorWidth,
    SequenceMap,
    SOp,
    any_of,
    indices,
    is_none,
    length,
    maximum,
    mean,
    minimum,
    prefix,
    prefix_sum,
    shift,
    tokens,
    total,
    where,
)
from compiler.rasp.values import UNDEFINED
from tests import oracle
from tests.steady import steady

DEPTH, STEPS, INPUTS, PROBES = 6, 12, 20, 3
# Values a sequence may have, and combinations that one function may meet.
VALUES, CELLS = 150, 4000

NUMBER_TOKENS = tuple(range(-4, 7))
RATIONAL_TOKENS = (Fraction(1, 2), Fraction(-3, 2), 0, 1, Fraction(7, 3), 2)
WORD_TOKENS = ("a", "b", "c", "d", "e", "aa", "B")
NAMES = ("x", "y", "z", "rank")


@dataclass(frozen=True, eq=False)
class Case:
    """One program, where it is compiled, and inputs to run it on."""

    expression: SOp
    vocab: tuple[Any, ...]
    max_len: int
    causal: bool
    inputs: tuple[tuple[Any, ...], ...]
    text: str

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Be shown by hypothesis as text, not field by field."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        return (
            f"Case of vocab={self.vocab}, max_len={self.max_len}, "
            f"causal={self.causal}:\n{self.text}"
        )


@dataclass(frozen=True, eq=False)
class Item:
    """A sequence that has been drawn, and roughly what it can hold.

    Attributes:
        sop: the expression.
        kind: `bool`, `int`, `number` (fractions too) or `word`.
        nullable: whether it may be None.
        values: a guess at how many values it has.
        size: a guess at its greatest absolute value.
        depth: operations on the longest way to a primitive.
        text: the expression in terms of earlier steps.
    """

    sop: SOp
    kind: str
    nullable: bool
    values: int
    size: float
    depth: int
    text: str

    @property
    def numeric(self) -> bool:
        return self.kind != "word"


class HashMap:
    """A function of any values: each combination gets one of some results.

    Which one depends on the values alone, 1 and True being one value.
    """

    def __init__(self, salt: int, results: Sequence[Any]) -> None:
        self.salt, self.results = salt, tuple(results)

    def __call__(self, *values: Any) -> Any:
        plain = [int(v) if isinstance(v, bool) else v for v in values]
        code = zlib.crc32(repr((self.salt, plain)).encode())
        return self.results[code % len(self.results)]

    def __repr__(self) -> str:
        return f"HashMap({self.salt}, {self.results})"


COMPARE = {"==": EQ, "!=": NEQ, "<": LT, "<=": LEQ, ">": GT, ">=": GEQ}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda x, y: x == y,
    "!=": lambda x, y: x != y,
    "<": lambda x, y: x < y,
    "<=": lambda x, y: x <= y,
    ">": lambda x, y: x > y,
    ">=": lambda x, y: x >= y,
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "//": lambda x, y: x // y,
    "%": lambda x, y: x % y,
    "**": lambda x, y: x**y,
    "&": lambda x, y: x & y,
    "|": lambda x, y: x | y,
    "^": lambda x, y: x ^ y,
}


class Drawer:
    """Draws one program; `items` are the sequences that are there already."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.draw = draw
        self.causal = draw(st.booleans())
        self.max_len = self.one_of((3, 4, 1, 2, 5, 6, 7, 8))
        self.vocab = self.draw_vocabulary()
        self.probes = draw_inputs(self.vocab, self.max_len, 0, PROBES)
        kind = "word" if isinstance(self.vocab[0], str) else "int"
        if any(isinstance(v, Fraction) for v in self.vocab):
            kind = "number"
        n = self.max_len
        self.items = [
            Item(tokens, kind, False, len(self.vocab), 6, 0, "tokens"),
            Item(indices, "int", False, n, n - 1, 0, "indices"),
        ]
        if not self.causal:
            self.items.append(Item(length, "int", False, n, n, 0, "length"))
        self.primitives = tuple(self.items)
        self.lines: list[str] = []

    # Small draws ------------------------------------------------------------------

    def chance(self, percent: int) -> bool:
        """Return True in about `percent` of 100 cases; shrinks to False."""
        return self.draw(st.integers(0, 99)) >= 100 - percent

    def one_of(self, options: Sequence[Any]) -> Any:
        return options[self.draw(st.integers(0, len(options) - 1))]

    def draw_vocabulary(self) -> tuple[Any, ...]:
        source = self.one_of((WORD_TOKENS, NUMBER_TOKENS, NUMBER_TOKENS))
        if self.chance(5):
            source = RATIONAL_TOKENS
        count = self.one_of((2, 3, 1, 4, 5))
        chosen = self.draw(st.permutations(source))[:count]
        return tuple(chosen)

    def pick(self, test: Callable[[Item], bool] = lambda item: True) -> Item | None:
        """Return one of the items that pass the test, mostly a late one."""
        fit = [i for i in self.items if test(i) and i.depth < DEPTH]
        if not fit:
            return None
        late = fit[-3:] if self.chance(65) else fit
        return self.one_of(late)

    def constant(self, kind: str) -> Any:
        match kind:
            case "bool":
                return self.one_of((False, True))
            case "int":
                return self.one_of((0, 1, 2, 3, -1, -2))
            case "number":
                return self.one_of((0, 1, Fraction(1, 2), Fraction(-1, 3), 2))
        return self.one_of(("a", "b", "none"))

    def operand(self, kind: str) -> Item:
        """Return an item of a kind (integers for numbers), or a constant of it."""
        wanted = {"number": ("int", "number", "bool"), "int": ("int", "bool")}
        kinds = wanted.get(kind, (kind,))
        found = self.pick(lambda item: item.kind in kinds)
        if found is None or self.chance(12):
            value = self.constant(kind)
            size = abs(value) if kind in ("int", "number") else 1
            return Item(Constant(value), kind, False, 1, size, 0, repr(value))
        return found

    def add(
        self,
        sop: SOp,
        text: str,
        kind: str,
        *sources: Item,
        nullable: bool = False,
        values: float = 2,
        size: float = 1,
    ) -> bool:
        """Add a step if its values are few enough; return whether it was added."""
        if values > VALUES or not self.worthwhile(sop):
            return False
        if self.chance(25):
            name = self.one_of(NAMES)
            sop, text = sop.named(name), f"{text}  # {name}"
        if kind != "word" and self.chance(8):
            sop, text = sop.numerical(), f"({text}).numerical()"
        elif self.chance(5):
            sop, text = sop.categorical(), f"({text}).categorical()"
        depth = 1 + max((s.depth for s in sources), default=0)
        label = f"v{len(self.lines)}"
        self.lines.append(f"{label} = {text}")
        item = Item(sop, kind, nullable, max(1, int(values)), size, depth, label)
        self.items.append(item)
        return True

    def worthwhile(self, sop: SOp) -> bool:
        """Return whether a step is defined and not constant on a few inputs.

        A few steps in a hundred are kept in spite of that.
        """
        if self.chance(4):
            return True
        seen = set()
        for probe in self.probes:
            try:
                found = oracle.evaluate(sop, probe, self.causal)
            except (ArithmeticError, TypeError):
                return False
            seen |= {(type(v).__name__, v) for v in found}
        return len(seen) > 1 and all(value is not UNDEFINED for _, value in seen)

    # Steps ------------------------------------------------------------------------

    def step(self) -> bool:
        """Try to add one step; return whether one was added."""
        return self.one_of(
            (
                self.map,
                self.map,
                self.function,
                self.linear,
                self.arithmetic,
                self.arithmetic,
                self.division,
                self.compare,
                self.logic,
                self.choice,
                self.extreme,
                self.unary,
                self.width,
                self.width,
                self.mean,
                self.mean,
                self.mean,
                self.pick_value,
                self.pick_value,
                self.pick_value,
                self.unique,
                self.unique,
                self.shift,
                self.idiom,
            )
        )()

    def results(self) -> tuple[str, list[Any]]:
        kind = self.one_of(("int", "bool", "word", "number"))
        size = self.draw(st.integers(1, 4))
        return kind, [self.constant(kind) for _ in range(size)]

    def map(self) -> bool:
        source = self.pick()
        assert source is not None
        kind, results = self.results()
        if nullable := self.chance(15):
            results.append(None)
        function = HashMap(self.draw(st.integers(0, 7)), results)
        return self.add(
            Map(function, source.sop),
            f"Map({function}, {source.text})",
            kind,
            source,
            nullable=nullable,
            values=min(len(results), source.values),
            size=3,
        )

    def function(self) -> bool:
        count = self.one_of((2, 2, 3))
        sources = [self.pick() for _ in range(count)]
        found = [s for s in sources if s is not None]
        cells = 1
        for source in found:
            cells *= source.values
        if cells > CELLS or len(found) < count:
            return False
        kind, results = self.results()
        function = HashMap(self.draw(st.integers(0, 7)), results)
        sops = [s.sop for s in found]
        sop = SequenceMap(function, *sops) if count == 2 else None
        return self.add(
            sop if sop is not None else Elementwise(function, tuple(sops)),
            f"Elementwise({function}, {', '.join(s.text for s in found)})",
            kind,
            *found,
            values=len(results),
            size=3,
        )

    def two(self, kind: str) -> tuple[Item, Item] | None:
        left, right = self.operand(kind), self.operand(kind)
        return None if left.values * right.values > CELLS else (left, right)

    def linear(self) -> bool:
        pair = self.two("number")
        if pair is None:
            return False
        x, y = pair
        a, b = self.one_of((1, 2, -1, 0)), self.one_of((1, -1, 3, Fraction(1, 2)))
        return self.add(
            LinearSequenceMap(x.sop, y.sop, a, b),
            f"LinearSequenceMap({x.text}, {y.text}, {a}, {b})",
            "number",
            x,
            y,
            nullable=x.nullable or y.nullable,
            values=self.sums(x, y),
            size=abs(a) * x.size + abs(b) * y.size,
        )

    def sums(self, x: Item, y: Item) -> float:
        if "number" in (x.kind, y.kind):
            return x.values * y.values
        return min(x.values * y.values, 2 * (x.size + y.size) + 2)

    def arithmetic(self) -> bool:
        pair = self.two("number")
        if pair is None:
            return False
        x, y = pair
        sign = self.one_of(("+", "-", "*"))
        product = sign == "*"
        kind = "number" if "number" in (x.kind, y.kind) else "int"
        return self.add(
            OPERATORS[sign](x.sop, y.sop),
            f"{x.text} {sign} {y.text}",
            kind,
            x,
            y,
            nullable=x.nullable or y.nullable,
            values=x.values * y.values if product else self.sums(x, y),
            size=x.size * y.size if product else x.size + y.size,
        )

    def division(self) -> bool:
        x = self.operand("number")
        sign = self.one_of(("//", "%", "/", "**"))
        if sign == "**":
            y: Item | int = (power := self.one_of((0, 1, 2, 3)))
            values, size = x.values, x.size**power
        elif self.chance(60):
            y = (divisor := self.one_of((2, 3, -2, 5)))
            values, size = x.values, x.size + abs(divisor)
        else:
            y = self.operand("int")
            y = Item(
                maximum(abs(y.sop), 1),
                "int",
                False,
                y.values,
                y.size,
                y.depth + 1,
                f"maximum(abs({y.text}), 1)",
            )
            values, size = x.values * y.values, x.size + y.size
            if values > CELLS:
                return False
        right, text = (y.sop, y.text) if isinstance(y, Item) else (y, repr(y))
        exact = sign in ("/", "**") or x.kind == "number"
        return self.add(
            OPERATORS[sign](x.sop, right),
            f"{x.text} {sign} {text}",
            "number" if exact and sign != "//" else "int",
            x,
            *([y] if isinstance(y, Item) else []),
            nullable=x.nullable,
            values=min(values, 2 * size + 2) if sign in ("//", "%") else values,
            size=size,
        )

    def compare(self) -> bool:
        pair = self.two(self.one_of(("number", "word")))
        if pair is None:
            return False
        x, y = pair
        sign = self.one_of(tuple(COMPARE))
        text = f"{x.text} {sign} {y.text}"
        return self.add(OPERATORS[sign](x.sop, y.sop), text, "bool", x, y)

    def logic(self) -> bool:
        pair = self.two("bool")
        if pair is None:
            return False
        x, y = pair
        sign = self.one_of(("&", "|", "^", "~"))
        if sign == "~":
            return self.add(
                ~x.sop, f"~{x.text}", "bool", x, nullable=x.nullable, values=x.values
            )
        text = f"{x.text} {sign} {y.text}"
        null = x.nullable or y.nullable
        sop = OPERATORS[sign](x.sop, y.sop)
        return self.add(sop, text, "bool", x, y, nullable=null, values=3)

    def choice(self) -> bool:
        test = self.operand("bool")
        pair = self.two(kind := self.one_of(("int", "number", "word", "bool")))
        if pair is None or test.values * pair[0].values * pair[1].values > CELLS:
            return False
        x, y = pair
        return self.add(
            where(test.sop, x.sop, y.sop),
            f"where({test.text}, {x.text}, {y.text})",
            x.kind if x.kind == y.kind else kind,
            test,
            x,
            y,
            nullable=x.nullable or y.nullable,
            values=x.values + y.values,
            size=max(x.size, y.size),
        )

    def extreme(self) -> bool:
        pair = self.two(kind := self.one_of(("number", "word")))
        if pair is None:
            return False
        x, y = pair
        make = self.one_of((minimum, maximum))
        return self.add(
            make(x.sop, y.sop),
            f"{make.__name__}({x.text}, {y.text})",
            x.kind if x.kind == y.kind else kind,
            x,
            y,
            nullable=x.nullable and y.nullable,
            values=x.values + y.values,
            size=max(x.size, y.size),
        )

    def unary(self) -> bool:
        choice = self.one_of(("-", "abs", "round", "is_none", "fill"))
        if choice == "is_none":
            x = self.pick()
            assert x is not None
            return self.add(is_none(x.sop), f"is_none({x.text})", "bool", x)
        if choice == "fill":
            x = self.pick(lambda item: item.nullable)
            if x is None:
                return False
            value = self.constant(x.kind)
            text = f"where(is_none({x.text}), {value!r}, {x.text})"
            sop = where(is_none(x.sop), value, x.sop)
            count = x.values + 1
            return self.add(sop, text, x.kind, x, values=count, size=x.size + 2)
        x = self.operand("number")
        make = {"-": lambda s: -s, "abs": abs, "round": round}[choice]
        kind = "int" if choice == "round" or x.kind != "number" else "number"
        return self.add(
            make(x.sop),
            f"{choice}({x.text})",
            kind,
            x,
            nullable=x.nullable,
            values=x.values,
            size=x.size + 1,
        )

    # Selectors --------------------------------------------------------------------

    def atom(self) -> tuple[Selector, str, list[Item]]:
        kind = self.one_of(("number", "number", "word", "any"))
        if kind == "any":
            key, query = self.pick(), self.pick()
            assert key is not None and query is not None
        else:
            key, query = self.operand(kind), self.operand(kind)
        if key.values * query.values > CELLS:
            return TRUE, "TRUE", []
        if kind == "any" or self.chance(12):
            test = HashMap(self.draw(st.integers(0, 7)), (False, True, False))
            text = f"Select({key.text}, {query.text}, {test})"
            return Select(key.sop, query.sop, test), text, [key, query]
        sign = self.one_of(tuple(COMPARE))
        text = f"Select({key.text}, {query.text}, '{sign}')"
        return Select(key.sop, query.sop, COMPARE[sign]), text, [key, query]

    def selector(self, nest: int = 2) -> tuple[Selector, str, list[Item]]:
        shape = self.draw(st.integers(0, 19))
        if shape == 19:
            value = self.chance(70)
            return (TRUE, "TRUE", []) if value else (FALSE, "FALSE", [])
        if shape == 18:
            strict = self.chance(30)
            return prefix(strict=strict), f"prefix(strict={strict})", []
        if shape < 12 or nest == 0:
            return self.atom()
        left, text, sources = self.selector(nest - 1)
        if shape == 12:
            return ~left, f"~({text})", sources
        right, other, more = self.selector(nest - 1)
        if shape < 16:
            return left & right, f"({text}) & ({other})", [*sources, *more]
        return left | right, f"({text}) | ({other})", [*sources, *more]

    def width(self) -> bool:
        selector, text, sources = self.selector()
        n = self.max_len
        if self.chance(15):
            return self.add(any_of(selector), f"any_of({text})", "bool", *sources)
        sop = SelectorWidth(selector)
        text = f"SelectorWidth({text})"
        return self.add(sop, text, "int", *sources, values=n + 1, size=n)

    def default(self, kind: str) -> Any:
        """Return None, a value of the kind, or a value of any other."""
        if self.chance(35):
            return None
        if self.chance(80):
            return self.constant(kind)
        return self.one_of((0, "none", "a", Fraction(1, 2), 7, False))

    def result_kind(self, kind: str, default: Any) -> tuple[str, bool] | None:
        """Return (kind, nullable) of a sequence with one further value."""
        if default is None:
            return kind, True
        if isinstance(default, str) != (kind == "word"):
            return None
        if kind == "bool" and not isinstance(default, bool):
            return "number", False
        return ("number" if isinstance(default, Fraction) else kind), False

    def aggregate(
        self,
        chosen: tuple[Selector, str, list[Item]],
        value: Item,
        rule: str,
        values: float,
    ) -> bool:
        selector, text, sources = chosen
        kind = "number" if rule == "mean" else value.kind
        default = self.default(kind)
        after = self.result_kind(kind, default)
        sop = Aggregate(selector, value.sop, default, rule)  # pyright: ignore
        text = f"Aggregate({text}, {value.text}, {default!r}, '{rule}')"
        if after is None:
            # Numbers and words in one sequence: only what takes anything may follow.
            test = is_none(sop) if self.chance(30) else sop == default
            return self.add(test, f"{text} == {default!r}", "bool", *sources, value)
        return self.add(
            sop,
            text,
            after[0],
            *sources,
            value,
            nullable=after[1] or (value.nullable and rule != "mean"),
            values=values + 1,
            size=value.size,
        )

    def mean(self) -> bool:
        strict = not self.chance(4)
        value = self.pick(lambda i: i.numeric and not (strict and i.nullable))
        if value is None:
            return False
        n = self.max_len
        means = n * (n + 1) / 2
        means *= value.size + 1 if value.kind != "number" else value.values
        return self.aggregate(self.selector(), value, "mean", means / 2)

    def pick_value(self) -> bool:
        rule = self.one_of(("first", "last", "min", "max", "mode"))
        value = self.pick(lambda i: rule != "mode" or i.values <= 5)
        if value is None:
            return False
        return self.aggregate(self.selector(), value, rule, value.values)

    def unique(self) -> bool:
        """Add an aggregate whose selected values are one by construction."""
        if self.chance(35):
            value = self.pick()
            other = self.operand("word" if value and value.kind == "word" else "number")
            assert value is not None
            selector = Select(value.sop, other.sop, EQ)
            text = f"Select({value.text}, {other.text}, '==')"
            chosen = selector, text, [value, other]
        else:
            value, query = self.pick(), self.operand("number")
            assert value is not None
            selector = Select(indices, query.sop, EQ)
            text = f"Select(indices, {query.text}, '==')"
            chosen = selector, text, [query]
        if self.chance(25):
            more, other_text, sources = self.selector(1)
            text = f"({chosen[1]}) & ({other_text})"
            chosen = chosen[0] & more, text, [*chosen[2], *sources]
        return self.aggregate(chosen, value, "unique", value.values)

    def shift(self) -> bool:
        value = self.pick()
        assert value is not None
        by, default = self.one_of((1, 2, -1, 0)), self.default(value.kind)
        after = self.result_kind(value.kind, default)
        if after is None:
            return False
        return self.add(
            shift(value.sop, by, default),
            f"shift({value.text}, {by}, {default!r})",
            after[0],
            value,
            nullable=after[1] or value.nullable,
            values=value.values + 1,
            size=value.size + 2,
        )

    def idiom(self) -> bool:
        value = self.pick(lambda i: i.numeric and not i.nullable)
        if value is None:
            return False
        n = self.max_len
        choice = self.one_of(("prefix_sum", "total", "mean"))
        chosen: tuple[Selector, str, list[Item]] = (prefix(), "prefix()", [])
        if choice == "prefix_sum":
            strict = self.chance(30)
            sop, text = prefix_sum(value.sop, strict=strict), "prefix_sum"
        elif choice == "total":
            chosen = self.selector(1)
            sop, text = total(chosen[0], value.sop), f"total({chosen[1]}"
        else:
            chosen = self.selector(1)
            sop, text = mean(chosen[0], value.sop, 0), f"mean({chosen[1]}"
        sums = n * (2 * value.size + 1)
        if value.kind == "number":
            sums *= value.values
        return self.add(
            sop,
            f"{text}, {value.text})",
            value.kind if value.kind == "number" or choice == "mean" else "int",
            *chosen[2],
            value,
            values=sums * (n / 2 if choice == "mean" else 1),
            size=n * value.size,
        )

    # The whole --------------------------------------------------------------------

    def program(self) -> Case:
        wanted, tries = self.draw(st.integers(1, STEPS)), 0
        while len(self.lines) < wanted and tries < 4 * STEPS:
            tries += 1
            self.step()
        last = self.items[-1]
        seed = self.draw(st.integers(0, 999))
        return Case(
            expression=last.sop,
            vocab=self.vocab,
            max_len=self.max_len,
            causal=self.causal,
            inputs=draw_inputs(self.vocab, self.max_len, seed, INPUTS),
            text="\n".join([*self.lines, last.text]),
        )


def draw_inputs(
    vocab: Sequence[Any], max_len: int, seed: int, count: int
) -> tuple[tuple[Any, ...], ...]:
    """Return inputs of all lengths, long ones more often than short ones."""
    chance = random.Random(seed)
    lengths = [max_len, *(1 + i % max_len for i in range(count - 1))]
    drawn = {tuple(chance.choices(vocab, k=n)) for n in lengths}
    return tuple(sorted(drawn, key=lambda row: (len(row), str(row))))


@st.composite
def cases(draw: Any) -> Case:
    """Draw a program with inputs."""
    with steady():
        return Drawer(draw).program()
