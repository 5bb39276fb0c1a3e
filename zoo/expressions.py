"""Filters as text: `layers>=3 and norm=rms and not alone`, parsed and decided.

    filter      = part {"or" part}
    part        = term {"and" term}
    term        = "not" term | "(" filter ")" | NAME | FIELD OPERATOR VALUE
    OPERATOR    = "=" | "!=" | "<" | "<=" | ">" | ">="

What fields and names there are is given, so this module knows nothing of releases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from compiler.errors import InputError, nearest

FactLookup = Callable[[str], "str | int | bool | tuple[str, ...]"]
"""Gives the value of a field, or whether a name holds, of the thing that is decided."""

MOST_CHARACTERS = 1000
DEEPEST = 30
"""How many brackets and `not` may stand inside one another."""
OPERATORS = ("<=", ">=", "!=", "=", "<", ">")
_TOKEN = re.compile(r"<=|>=|!=|==|[=<>()]|[^\s=<>!()]+|\S")
_WORD = re.compile(r"[^\s=<>!()]+")
_JOINS = ("and", "or", "not")


@dataclass(frozen=True)
class Fields:
    """What an expression can speak of.

    Attributes:
        numbers: fields that are whole numbers.
        texts: fields that are text, where `*` stands for anything.
        choices: fields that have one of a few values.
        names: names that stand for expressions, or for a property.
    """

    numbers: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """The fields that are compared with a value."""
        return (*self.numbers, *self.choices, *self.texts)

    def told(self) -> str:
        """Return what is known, as the end of an error."""
        return f"The fields are {', '.join(self.all)}; names: {', '.join(self.names)}"


@dataclass(frozen=True)
class FieldComparison:
    """A field and a value."""

    field: str
    operator: str
    value: str | int

    def holds(self, known: FactLookup) -> bool:
        """Return whether it is so."""
        found = known(self.field)
        if isinstance(self.value, int):
            return _compare(int(found), self.operator, self.value)  # type: ignore[arg-type]
        some = found if isinstance(found, tuple) else (str(found),)
        match = any(fnmatchcase(one.lower(), self.value.lower()) for one in some)
        return match is (self.operator == "=")

    @property
    def asks(self) -> frozenset[str]:
        """The fields and names that it speaks of."""
        return frozenset([self.field])


@dataclass(frozen=True)
class FilterName:
    """A property, or another expression that has a name."""

    name: str

    def holds(self, known: FactLookup) -> bool:
        """Return whether it is so."""
        return bool(known(self.name))

    @property
    def asks(self) -> frozenset[str]:
        """The fields and names that it speaks of."""
        return frozenset([self.name])


@dataclass(frozen=True)
class FilterJoin:
    """Several parts: `and`, `or`, or `not` of one."""

    kind: str
    parts: tuple[SuiteFilter, ...]

    def holds(self, known: FactLookup) -> bool:
        """Return whether it is so."""
        found = (part.holds(known) for part in self.parts)
        if self.kind == "not":
            return not next(found)
        return all(found) if self.kind == "and" else any(found)

    @property
    def asks(self) -> frozenset[str]:
        """The fields and names that it speaks of."""
        return frozenset().union(*(part.asks for part in self.parts))


SuiteFilter = FieldComparison | FilterName | FilterJoin


def _compare(found: int, operator: str, value: int) -> bool:
    return {
        "=": found == value,
        "!=": found != value,
        "<": found < value,
        "<=": found <= value,
        ">": found > value,
        ">=": found >= value,
    }[operator]


def is_expression(text: str) -> bool:
    """Return whether a text is more than one word."""
    return _WORD.fullmatch(text.strip()) is None


def parse(text: str, fields: Fields) -> SuiteFilter:
    """Return the expression that a text is.

    Raises:
        InputError: it is none; the message says where, and what is known.
    """
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"--suite: the expression has {len(text):,} characters, and at most "
            f"{MOST_CHARACTERS:,} are read. Give several suites, one after the other"
        )
    return _FilterParser(text, fields).whole()


@dataclass(frozen=True)
class _FilterToken:
    text: str
    place: int


_END = "the end"


class _FilterParser:
    """Reads one expression, from left to right."""

    def __init__(self, text: str, fields: Fields) -> None:
        self.text, self.fields = text, fields
        found = [_FilterToken(m[0], m.start()) for m in _TOKEN.finditer(text)]
        self.tokens: Iterator[_FilterToken] = iter(
            [*found, _FilterToken("", len(text))]
        )
        self.here = next(self.tokens)
        self.depth = 0

    def whole(self) -> SuiteFilter:
        found = self.some()
        if self.here.text:
            raise self.wrong(self.here, "`and`, `or` or the end")
        return found

    def some(self) -> SuiteFilter:
        return self.joined("or", self.part)

    def part(self) -> SuiteFilter:
        return self.joined("and", self.term)

    def joined(self, word: str, inner: Callable[[], SuiteFilter]) -> SuiteFilter:
        parts = [inner()]
        while self.here.text == word:
            self.step()
            parts.append(inner())
        return parts[0] if len(parts) == 1 else FilterJoin(word, tuple(parts))

    def term(self) -> SuiteFilter:
        token = self.here
        if token.text in ("not", "("):
            return self.inner(token)
        if not _WORD.fullmatch(token.text) or token.text in _JOINS:
            raise self.wrong(token, "a field, a name, `not` or `(`")
        self.step()
        if self.here.text in (*OPERATORS, "=="):
            return self.comparison(token)
        return self.name(token)

    def inner(self, token: _FilterToken) -> SuiteFilter:
        """Return what begins with `not` or a bracket."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(token, f"at most {DEEPEST} inside one another")
        self.step()
        if token.text == "not":
            found: SuiteFilter = FilterJoin("not", (self.term(),))
        else:
            found = self.some()
            if self.here.text != ")":
                raise self.wrong(self.here, "`and`, `or` or `)`")
            self.step()
        self.depth -= 1
        return found

    def name(self, token: _FilterToken) -> SuiteFilter:
        if token.text in self.fields.all:
            raise self.wrong(self.here, f"an operator after {token.text}, such as =")
        if token.text not in self.fields.names:
            near = nearest(token.text, [*self.fields.names, *self.fields.all])
            raise self.wrong(token, "a name or a field", near)
        return FilterName(token.text)

    def comparison(self, token: _FilterToken) -> SuiteFilter:
        operator = self.here.text.replace("==", "=")
        if token.text not in self.fields.all:
            near = nearest(token.text, self.fields.all)
            raise self.wrong(token, "a field", near)
        if token.text not in self.fields.numbers and operator not in ("=", "!="):
            raise self.wrong(self.here, f"= or != after {token.text}, which is text")
        self.step()
        value = self.here
        if not _WORD.fullmatch(value.text) or value.text in _JOINS:
            raise self.wrong(value, f"a value for {token.text}")
        self.step()
        return FieldComparison(token.text, operator, self.value(token.text, value))

    def value(self, name: str, token: _FilterToken) -> str | int:
        if name in self.fields.numbers:
            if not (token.text.isascii() and token.text.isdecimal()):
                raise self.wrong(token, f"a whole number, for {name}")
            return int(token.text)
        options = self.fields.choices.get(name)
        if options is not None and token.text not in options:
            raise self.wrong(token, f"one of {', '.join(options)}, for {name}")
        return token.text

    def step(self) -> None:
        self.here = next(self.tokens, self.here)

    def wrong(self, token: _FilterToken, expected: str, near: str = "") -> InputError:
        """Return the error that something else was expected at a token."""
        found = repr(token.text) if token.text else _END
        return InputError(
            f"--suite: {self.text!r} cannot be read: at character {token.place + 1} "
            f"{found} was found, expected {expected}.{near} {self.fields.told()}"
        )
