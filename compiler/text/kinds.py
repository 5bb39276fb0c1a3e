"""What RASP text computes with at compile time, and what sequences hold.

Atoms are the values of `compiler.rasp.values`; beside them there are lists, dicts,
functions, sequences and selectors. The kind of what a sequence holds (numbers, strings,
booleans) decides how `and` and `aggregate` are meant, and finds mistakes in the line
that has them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from compiler.rasp import expr as e
from compiler.rasp import operators as op
from compiler.rasp.expr import Selector, SOp
from compiler.rasp.values import Value, is_number

Kind = Literal["number", "string", "boolean", "tuple"]
_BOOLEAN = (op.both, op.either, op.exclusive, op.invert, op.none_test, op.equal)
_BOOLEAN += (op.unequal, op.less, op.less_equal, op.greater, op.greater_equal)
_NUMBER = (op.subtract, op.divide, op.floor_divide, op.modulo, op.power, op.negate)
_NUMBER += (op.absolute, op.rounded)

_CONVERTED: dict[str, Kind] = {
    "str": "string",
    "int": "number",
    "float": "number",
    "bool": "boolean",
}


@dataclass(frozen=True)
class Member:
    """Whether a value is one of a list: `tokens in ["a", "b"]`."""

    values: tuple[Value, ...]

    def __call__(self, value: Value) -> bool:
        """Return whether `value` is in the list."""
        return value in self.values

    def written(self, args: list[str]) -> str:
        """Return the test of these arguments, as text."""
        return f"{op.bracketed(args[0])} in {list(self.values)}"


@dataclass(frozen=True, eq=False)
class LookUp:
    """The value that a dict, a list or a string has for its arguments.

    Two are equal if they are written alike: 1 and True are equal values, and a table
    with one is no table with the other.

    Attributes:
        entries: pairs of a tuple of arguments and the value.
        word: what to call it in messages: `dict`, `list` or `string`.
    """

    entries: tuple[tuple[tuple[Value, ...], Value], ...]
    word: str = "dict"

    def __post_init__(self) -> None:
        object.__setattr__(self, "_table", dict(self.entries))
        object.__setattr__(self, "_text", repr(self.entries))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LookUp) and self._text == other._text  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(self._text)  # type: ignore[attr-defined]

    def __call__(self, *values: Value) -> Value:
        """Return the value for some arguments.

        Raises:
            LookupError: there is none.
        """
        return self._table[values]  # type: ignore[attr-defined]

    def written(self, args: list[str]) -> str:
        """Return the look-up of these arguments, as text."""
        return f"{self.word}[{', '.join(args)}]"


@dataclass(frozen=True)
class IsTrue:
    """Whether a value counts as true: 0, "" and None do not."""

    def __call__(self, value: Value) -> bool:
        """Return whether `value` counts as true."""
        return bool(value)

    def written(self, args: list[str]) -> str:
        """Return the test of this argument, as text."""
        return f"bool({args[0]})"


@dataclass(frozen=True)
class PairPredicate:
    """The predicate of a select that lists the pairs (key, query) it selects."""

    pairs: frozenset[tuple[Value, Value]]

    def __call__(self, key: Value, query: Value) -> bool:
        """Return whether the pair is listed."""
        return (key, query) in self.pairs


@dataclass(frozen=True)
class Conversion:
    """Tokens as another type, as `tokens_int` reads them."""

    kind: Literal["str", "int", "float", "bool"]

    def __call__(self, value: Value) -> Value:
        """Return the token as that type.

        Raises:
            ValueError: it cannot be read so.
        """
        from fractions import Fraction

        match self.kind:
            case "str":
                return _as_text(value)
            case "int":
                return int(value)
            case "float":
                return Fraction(value)
        return bool(value)

    def written(self, args: list[str]) -> str:
        """Return the conversion of this argument, as text."""
        return f"{args[0]}_{self.kind}"


def _as_text(value: Value) -> str:
    from fractions import Fraction

    return str(float(value)) if isinstance(value, Fraction) else str(value)


def is_atom(value: Any) -> bool:
    """Return whether something is a value that a variable can have."""
    return value is None or is_number(value) or isinstance(value, str | tuple)


def kind_of_value(value: Value) -> Kind | None:
    """Return the kind of an atom; None of None."""
    if isinstance(value, bool):
        return "boolean"
    if is_number(value):
        return "number"
    if isinstance(value, str):
        return "string"
    return "tuple" if isinstance(value, tuple) else None


def common_kind(values: Iterable[Value]) -> Kind | None:
    """Return the kind that all atoms have, None if they differ; None has any."""
    return _common(kind_of_value(v) for v in values if v is not None)


def _common(kinds: Iterable[Any]) -> Kind | None:
    found = set(kinds)
    return found.pop() if len(found) == 1 else None


class Kinds:
    """The kind of what each sequence holds, None where it is not known."""

    def __init__(self, tokens: Kind | None) -> None:
        self._found: dict[int, tuple[SOp, Kind | None]] = {}
        self._tokens: Kind | None = tokens

    def set_tokens(self, tokens: Kind | None) -> None:
        """Take the tokens to be of a kind from here on."""
        self._tokens: Kind | None = tokens
        self._found.pop(id(e.tokens), None)

    def of(self, sop: SOp) -> Kind | None:
        """Return the kind of a sequence whose arguments were asked for before it."""
        if id(sop) not in self._found:
            self._found[id(sop)] = (sop, self._infer(sop))
        return self._found[id(sop)][1]

    def _infer(self, sop: SOp) -> Kind | None:
        match sop:
            case e.Tokens():
                return self._tokens
            case e.Indices() | e.Length() | e.SelectorWidth():
                return "number"
            case e.Constant():
                return kind_of_value(sop.value)
            case e.Aggregate():
                if sop.resolved_rule == "mean":
                    return "number"
                held = self.of(sop.value)
                default = kind_of_value(sop.default)
                return held if default in (None, held) else None
            case e.Elementwise():
                return self._of_function(sop)
        return None

    def _of_function(self, sop: e.Elementwise) -> Kind | None:
        function = sop.function
        if function in _BOOLEAN or isinstance(function, Member | IsTrue):
            return "boolean"
        if function in _NUMBER:
            return "number"
        if isinstance(function, LookUp):
            return common_kind(value for _, value in function.entries)
        if isinstance(function, Conversion):
            return _CONVERTED[function.kind]
        held = [self.of(a) for a in sop.args if not _is_nothing(a)]
        if function in (op.add, op.multiply):
            if all(kind in ("number", "boolean") for kind in held):
                return "number"
            return _common(held) if function is op.add else None
        if function is op.choose:
            held = [self.of(a) for a in sop.args[1:] if not _is_nothing(a)]
            return _common(held)
        if function in (op.keep, op.smaller, op.larger):
            return _common(held)
        return None


def _is_nothing(sop: SOp) -> bool:
    return isinstance(sop, e.Constant) and sop.value is None


def selector_size(selector: Selector, known: dict[int, tuple[Selector, int]]) -> int:
    """Return how many selectors are joined into one; parts are known before it."""
    if id(selector) not in known:
        match selector:
            case e.SelectorAnd() | e.SelectorOr():
                size = selector_size(selector.left, known)
                size += selector_size(selector.right, known)
            case e.SelectorNot():
                size = 1 + selector_size(selector.inner, known)
            case _:
                size = 1
        known[id(selector)] = (selector, size)
    return known[id(selector)][1]
