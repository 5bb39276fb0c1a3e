"""Pieces of RASP text: values, operators with their brackets, long lists in lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from compiler.ir.formula import Junction, Truth
from compiler.rasp import operators as op
from compiler.rasp.values import Value

WIDTH = 79
_ATOM, _CALL, _PREFIX = 12, 11, 10
# What stands between two arguments, and how tightly it binds.
BETWEEN: dict[Any, tuple[str, int]] = {
    op.power: ("^", 9),
    op.multiply: ("*", 8),
    op.divide: ("/", 8),
    op.floor_divide: ("//", 8),
    op.modulo: ("%", 7),
    op.add: ("+", 6),
    op.subtract: ("-", 6),
    op.equal: ("==", 5),
    op.unequal: ("!=", 5),
    op.less: ("<", 5),
    op.less_equal: ("<=", 5),
    op.greater: (">", 5),
    op.greater_equal: (">=", 5),
    op.both: ("and", 3),
    op.either: ("or", 3),
}
BEFORE = {op.negate: "-", op.invert: "not "}
CALLED = {
    op.absolute: "abs",
    op.rounded: "round",
    op.exclusive: "xor",
    op.none_test: "is_none",
    op.keep: "identity",
    op.smaller: "min",
    op.larger: "max",
}


class Unsayable(Exception):
    """A program has something for which RASP text has no words."""


@dataclass(frozen=True)
class Phrase:
    """An expression as text, and how tightly its outermost operator binds."""

    text: str
    power: int = _ATOM

    def within(self, power: int) -> str:
        """Return it as an argument of an operator, in brackets where it needs them."""
        return self.text if self.power >= power else f"({self.text})"


def say_value(value: Value) -> Phrase:
    """Return a value as text.

    Raises:
        Unsayable: it is a string that no quotes can hold.
    """
    if isinstance(value, str):
        quote = "'" if '"' in value else '"'
        if quote in value or "\n" in value or "\r" in value:
            raise Unsayable(f"the string {value!r} holds both quotes, or a line end")
        return Phrase(f"{quote}{value}{quote}")
    if isinstance(value, tuple):
        comma = "," if len(value) == 1 else ""
        return Phrase(f"({', '.join(say_value(v).text for v in value)}{comma})")
    if isinstance(value, Fraction):
        return Phrase(f"{value.numerator}/{value.denominator}", 8)
    negative = isinstance(value, int) and value < 0
    return Phrase(str(value), _PREFIX if negative else _ATOM)


def call(name: str, *args: Phrase | str) -> Phrase:
    """Return a call of a function."""
    given = ", ".join(a.text if isinstance(a, Phrase) else a for a in args)
    return Phrase(f"{name}({given})", _CALL)


def join(sign: str, power: int, left: Phrase, right: Phrase) -> Phrase:
    """Return two arguments with an operator between them, grouped from the left.

    `and` beside `or`, and `*` beside `%`, get brackets that readers need.
    """
    return Phrase(
        f"{_side(left, sign, power, power)} {sign} "
        f"{_side(right, sign, power, power + 1)}",
        power,
    )


def _side(phrase: Phrase, sign: str, power: int, least: int) -> str:
    clear = power not in (3, 7, 8) or phrase.power > 8 or f" {sign} " in phrase.text
    mixed = power == 3 and phrase.power == 3 and _joined_by(phrase.text) != {sign}
    if mixed or (not clear and phrase.power in (7, 8)):
        return f"({phrase.text})"
    return phrase.within(least)


def _joined_by(text: str) -> set[str]:
    """Return which of `and` and `or` stand in a text outside of its brackets."""
    depth, found = 0, set()
    for word in text.replace("(", " ( ").replace(")", " ) ").split():
        depth += (word == "(") - (word == ")")
        if depth == 0 and word in ("and", "or"):
            found.add(word)
    return found


def before(sign: str, phrase: Phrase) -> Phrase:
    """Return an operator in front of its argument."""
    return Phrase(f"{sign}{phrase.within(_CALL)}", _PREFIX)


def choice(condition: Phrase, yes: Phrase, no: Phrase) -> Phrase:
    """Return `yes if condition else no`."""
    text = f"{yes.within(3)} if {condition.within(3)} else {no.within(3)}"
    return Phrase(text, 2)


def say_formula(formula: Any, say_atom: Callable[[Any], Phrase]) -> Phrase:
    """Return a selector as text."""
    match formula:
        case Truth():
            return (
                Phrase("full_s") if formula.value else before("not ", Phrase("full_s"))
            )
        case Junction(kind="not"):
            return before("not ", say_formula(formula.parts[0], say_atom))
        case Junction():
            first, *rest = (say_formula(p, say_atom) for p in formula.parts)
            for part in rest:
                first = join(formula.kind, 3, first, part)
            return first
    return say_atom(formula)


def list_lines(start: str, items: Sequence[str], end: str) -> list[str]:
    """Return a list or dict as lines of at most 79 characters, where that can be."""
    whole = f"{start}{', '.join(items)}{end}"
    if len(whole) <= WIDTH:
        return [whole]
    lines = [start]
    line = " "
    for item in items:
        if len(line) + len(item) + 2 > WIDTH and line.strip():
            lines.append(line)
            line = " "
        line += f" {item},"
    return [*lines, line.removesuffix(","), end]


def split_joined(line: str) -> list[str]:
    """Return a long line in several: before each `and` and `or` outside of brackets."""
    if len(line) <= WIDTH:
        return [line]
    lines, depth, start = [], 0, 0
    for place, letter in enumerate(line):
        depth += (letter in "([{") - (letter in ")]}")
        ahead = line[place:].split(" ", 2)[:2]
        if depth == 0 and letter == " " and ahead[1:] in (["and"], ["or"]):
            lines.append(line[start:place])
            start = place + 1
    lines.append(line[start:])
    return [lines[0], *(f"  {rest}" for rest in lines[1:])]


def comment_lines(text: str) -> list[str]:
    """Return a text as comments."""
    from textwrap import wrap

    return [f"# {line}" for line in wrap(text, WIDTH - 2)]


def say_tokens(vocab: Iterable[Value]) -> list[str]:
    """Return the lines that set a vocabulary."""
    tokens = list(vocab)
    if all(isinstance(t, str) and len(t) == 1 and t not in "\"'\r\n" for t in tokens):
        return [f'set vocab "{"".join(tokens)}"']
    return list_lines("set vocab [", [say_value(t).text for t in tokens], "]")
