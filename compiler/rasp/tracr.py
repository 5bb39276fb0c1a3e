"""Tracr's names and semantics: its programs run after one changed import.

    from compiler.rasp import tracr as rasp        # was: from tracr.rasp import rasp

Every class here is one of the language's (`compiler.rasp.expr`), built as Tracr builds
it, so that whatever takes an expression takes it: `zoo.compile`, `@program`, training.
What differs from the plain language is said in `docs/from-tracr.md`: None passes by
element-wise functions, operators mean what Python's do, an aggregate of several numbers
is their mean, names may repeat.
"""

from __future__ import annotations

import copy
import enum
import itertools
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar, Protocol, TypeVar, cast

from compiler.rasp import expr as e
from compiler.rasp import operators as op
from compiler.rasp.expr import Comparison
from compiler.rasp.values import Value, canonical, show

__all__ = [
    "Aggregate",
    "Comparison",
    "ConstantSOp",
    "ConstantSelector",
    "Encoding",
    "Full",
    "LinearSequenceMap",
    "Map",
    "Predicate",
    "RASPExpr",
    "SOp",
    "Select",
    "Selector",
    "SelectorAnd",
    "SelectorNot",
    "SelectorOr",
    "SelectorWidth",
    "SequenceMap",
    "Value",
    "annotate",
    "categorical",
    "evaluate",
    "get_encoding",
    "indices",
    "is_categorical",
    "is_numerical",
    "length",
    "numerical",
    "selector_and",
    "selector_not",
    "selector_or",
    "sop_not",
    "tokens",
]

SelectorValue = list[list[bool]]
NumericValue = int | float
Annotator = Callable[["RASPExpr"], Any]
Expression = TypeVar("Expression", bound="RASPExpr")


# Functions -------------------------------------------------------------------------


def as_python(value: Value) -> Value:
    """Return a value as Python computes it: a fraction becomes a float."""
    if isinstance(value, Fraction):
        return float(value)
    if isinstance(value, tuple):
        return tuple(as_python(v) for v in value)
    return value


@dataclass(frozen=True)
class Strict:
    """An element-wise function that leaves None alone, as Tracr's maps do."""

    function: Callable[..., Any]

    def __call__(self, *values: Value) -> Value:
        """Return the function of the values; None where one of them is None."""
        if any(value is None for value in values):
            return None
        return canonical(self.function(*(as_python(v) for v in values)))

    def written(self, args: list[str]) -> str:
        """Return the function of these arguments, as text."""
        return op.call_text(self.function, args)


@dataclass(frozen=True)
class Composed:
    """The function of a Map over a Map: one function after the other."""

    outer: Callable[[Any], Any]
    inner: Callable[[Any], Any]

    def __call__(self, value: Any) -> Any:
        """Return outer(inner(value)), with nothing in between."""
        return self.outer(self.inner(value))

    def written(self, args: list[str]) -> str:
        """Return the two functions of this argument, as text."""
        return op.call_text(self.outer, [op.call_text(self.inner, args)])


@dataclass(frozen=True)
class WithConstant:
    """An operator of which one side is a constant: `x + 1`, `1 - x`."""

    function: Callable[[Any, Any], Any]
    constant: Any
    kind: type  # True == 1, and their functions are two
    on_the_left: bool = False

    def __call__(self, value: Any) -> Any:
        """Return the operator of the value and the constant."""
        if self.on_the_left:
            return self.function(self.constant, value)
        return self.function(value, self.constant)

    def written(self, args: list[str]) -> str:
        """Return the operator of this argument and the constant, as text."""
        sides = [*args, _show(self.constant)]
        return op.call_text(self.function, sides[::-1] if self.on_the_left else sides)


@dataclass(frozen=True)
class Linear:
    """The function of a LinearSequenceMap."""

    first_factor: Any
    second_factor: Any

    def __call__(self, first: Any, second: Any) -> Any:
        """Return first_factor * first + second_factor * second."""
        return self.first_factor * first + self.second_factor * second

    def written(self, args: list[str]) -> str:
        """Return the sum as text."""
        factors = (self.first_factor, self.second_factor)
        terms = zip(factors, map(op.bracketed, args), strict=True)
        return " + ".join(f"{factor} * {arg}" for factor, arg in terms)


@dataclass(frozen=True)
class Truthy:
    """A predicate of a key and a query; whatever it returns counts as Python says."""

    function: Callable[[Any, Any], Any]

    def __call__(self, key: Value, query: Value) -> bool:
        """Return whether the predicate holds."""
        return bool(self.function(as_python(key), as_python(query)))

    @property
    def symbol(self) -> str:
        """How it is written."""
        return op.function_word(self.function)


def _show(value: object) -> str:
    try:
        return show(canonical(value))
    except TypeError:
        return repr(value)


def _named(symbol: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of Tracr's own that is shown by a symbol."""

    def applied(*values: Any) -> Any:
        return function(*values)

    applied.symbol = symbol  # type: ignore[attr-defined]
    return applied


_NOT = _named("~", lambda x: not x)

# The language's function of an operator, and what Python's own does with the values.
_PYTHON: dict[Callable[..., Any], Callable[..., Any]] = {
    op.add: _named("+", operator.add),
    op.subtract: _named("-", operator.sub),
    op.multiply: _named("*", operator.mul),
    op.divide: _named("/", operator.truediv),
    op.floor_divide: _named("//", operator.floordiv),
    op.modulo: _named("%", operator.mod),
    op.power: _named("**", operator.pow),
    op.negate: _named("-", operator.neg),
    op.absolute: _named("abs", abs),
    op.rounded: _named("round", round),
    op.both: _named("&", lambda x, y: x and y),
    op.either: _named("|", lambda x, y: x or y),
    op.exclusive: _named("^", operator.xor),
    op.invert: _NOT,
    op.equal: _named("==", operator.eq),
    op.unequal: _named("!=", operator.ne),
    op.less: _named("<", operator.lt),
    op.less_equal: _named("<=", operator.le),
    op.greater: _named(">", operator.gt),
    op.greater_equal: _named(">=", operator.ge),
}


# Annotations -----------------------------------------------------------------------


class Encoding(enum.Enum):
    """How a sequence is held: one-hot, or as one number."""

    CATEGORICAL = "categorical"
    NUMERICAL = "numerical"


DEFAULT_ANNOTATORS: dict[str, Annotator] = {
    "name": lambda expression: expression._default_name,
    "encoding": lambda expression: Encoding.CATEGORICAL,
}


class _Annotations(Mapping[str, Any]):
    """What an expression was annotated with; a default for what it was not."""

    def __init__(self, expression: RASPExpr, given: Mapping[str, Any]) -> None:
        self.expression, self.given = expression, dict(given)

    def __getitem__(self, key: str) -> Any:
        if key not in self.given:
            if key not in DEFAULT_ANNOTATORS:
                known = ", ".join(sorted({*self.given, *DEFAULT_ANNOTATORS}))
                raise KeyError(f"no annotation is called {key!r}; there are: {known}")
            return DEFAULT_ANNOTATORS[key](self.expression)
        return self.given[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)


class RASPExpr:
    """What sequences and selectors share: annotations, a name, a call."""

    _ids = itertools.count(1)
    _default_name: ClassVar[str] = "expression"
    _given: Mapping[str, Any] = {}

    @property
    def annotations(self) -> Mapping[str, Any]:
        """The annotations; `name` and `encoding` have defaults."""
        return _Annotations(self, self._given)

    @annotations.setter
    def annotations(self, given: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_given", dict(given))

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The name that was given, or that of the kind: `map`, `aggregate`."""
        return self.annotations["name"]

    @property
    def label(self) -> str:
        """The name and the number, which no other expression has."""
        return f"{self.name}_{self.unique_id}"

    @cached_property
    def unique_id(self) -> int:
        """A number that no other expression has."""
        return next(RASPExpr._ids)

    @property
    def children(self) -> Sequence[RASPExpr]:
        """The expressions that this one is made of."""
        return []

    def copy(self: Expression) -> Expression:
        """Return the same expression, with a number of its own."""
        same = copy.copy(self)
        same.__dict__.pop("unique_id", None)
        return same

    def named(self: Expression, name: str) -> Expression:
        """Return the same expression under `name`: any line of printable text."""
        return annotate(self, name=name)

    def annotated(self: Expression, **annotations: Any) -> Expression:
        """Return the same expression with more annotations."""
        return annotate(self, **annotations)

    def __call__(self, xs: Sequence[Value]) -> Any:
        """Return the values on one input, as Tracr's evaluator gives them."""
        return evaluate(self, xs)

    def __bool__(self) -> bool:
        """Return True, as for any object: the program is not known to be true."""
        return True


def annotate(expr: Expression, **annotations: Any) -> Expression:
    """Return the same expression with more annotations, such as `name=`."""
    if annotations.get("name") is not None:
        e.check_name(annotations["name"])
    same = expr.copy()
    same.annotations = {**expr._given, **annotations}
    return same


def evaluate(
    expr: RASPExpr | e.SOp | e.Selector, xs: Sequence[Value], causal: bool = False
) -> list[Any]:
    """Return what an expression is on one input, as Tracr's evaluator does.

    Args:
        expr: a sequence or a selector.
        xs: the input; a string is its characters.
        causal: whether positions see only themselves and earlier ones.

    Returns:
        of a sequence, a value a position, fractions as floats; of a selector, for each
        query position which key positions are selected.
    """
    found = e.evaluate_expression(cast("e.SOp | e.Selector", expr), xs, causal)
    return found if isinstance(expr, e.Selector) else [as_python(v) for v in found]


# Sequences -------------------------------------------------------------------------


class SOp(RASPExpr, e.SOp):
    """A sequence, as in Tracr: what an operator makes of it leaves None alone."""

    _default_name = "sop"
    may_repeat = True

    @property
    def encoding(self) -> e.Encoding:  # pyright: ignore
        """How it is held; `auto` unless it was annotated."""
        given = self._given.get("encoding")
        return "auto" if given is None else Encoding(given).value

    @property
    def note(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        """One line of documentation."""
        return self._given.get("note", "")

    def _with(self, **changes: Any) -> SOp:
        return annotate(self, **changes)

    def _given_name(self) -> str | None:
        return self._given.get("name")

    def _apply(self, function: Callable[..., Any], *args: object) -> SOp:
        python = _PYTHON[function]
        if len(args) == 1:
            return Map(python, self)
        left, right = args
        if isinstance(left, e.SOp) and isinstance(right, e.SOp):
            return SequenceMap(python, left, right)
        if isinstance(left, e.SOp):
            return Map(WithConstant(python, right, type(right)), left)
        if function is op.either:  # Tracr asks the sequence first, whatever the side
            return Map(WithConstant(python, left, type(left)), cast(e.SOp, right))
        return Map(
            WithConstant(python, left, type(left), on_the_left=True), cast(e.SOp, right)
        )


def _set(expression: object, **attributes: object) -> None:
    """Set the attributes of an expression that is being made; it is frozen."""
    for name, value in attributes.items():
        object.__setattr__(expression, name, value)


def _require(value: object, kind: type, place: str) -> None:
    if not isinstance(value, kind):
        what = "a sequence" if kind is e.SOp else "a selector"
        advice = " (a constant sequence is Full(value))" if kind is e.SOp else ""
        raise TypeError(
            f"{place} takes {what}, not {value!r}, a {type(value).__name__}{advice}"
        )


def _check_length(
    constant: ConstantSOp | ConstantSelector, xs: Sequence[Value]
) -> None:
    given, found = len(constant.value), len(xs)
    if constant.check_length and given != found:
        raise ValueError(f"Constant len {given} doesn't match input len {found}.")


def _require_function(function: object, place: str) -> None:
    if not e.is_function(function):
        raise TypeError(
            f"{place} takes a function of the values first, not {function!r}"
        )


class TokensType(SOp, e.Tokens):
    """The input tokens."""

    _default_name = "tokens"
    label = "tokens"  # pyright: ignore

    def __init__(self) -> None:
        pass


class IndicesType(SOp, e.Indices):
    """The positions, from 0."""

    _default_name = "indices"
    label = "indices"  # pyright: ignore

    def __init__(self) -> None:
        pass


class LengthType(SOp, e.Length):
    """How many tokens the input has."""

    _default_name = "length"
    label = "length"  # pyright: ignore

    def __init__(self) -> None:
        pass


class Map(SOp, e.Elementwise):
    """`f` of each value that is not None.

    A Map over a Map is one Map of the composed function, as in Tracr, whatever the
    inner one is called; `simplify=False` keeps both.
    """

    _default_name = "map"

    def __init__(
        self, f: Callable[[Any], Any] | Any, inner: e.SOp | Any, simplify: bool = True
    ) -> None:
        _require_function(f, "Map")
        _require(inner, e.SOp, "Map")
        if simplify and isinstance(inner, Map):
            f, inner = Composed(f, inner.f), inner.inner
        _set(self, f=f, inner=inner, function=Strict(f), args=(inner,))

    f: Callable[[Any], Any]
    inner: e.SOp

    @property
    def children(self) -> Sequence[Any]:
        """The sequence that is mapped."""
        return [self.inner]


class SequenceMap(SOp, e.Elementwise):
    """`f` of the two values at each position; None where one of them is None."""

    _default_name = "sequence_map"

    def __init__(self, f: Any, fst: e.SOp | Any, snd: e.SOp | Any) -> None:
        _require_function(f, "SequenceMap")
        _require(fst, e.SOp, "SequenceMap")
        _require(snd, e.SOp, "SequenceMap")
        _set(self, f=f, fst=fst, snd=snd, function=Strict(f), args=(fst, snd))

    f: Callable[[Any, Any], Any]
    fst: e.SOp
    snd: e.SOp

    @property
    def children(self) -> Sequence[Any]:
        """The two sequences."""
        return [self.fst, self.snd]


class LinearSequenceMap(SequenceMap):
    """fst_fac * fst + snd_fac * snd at each position."""

    _default_name = "linear_sequence_map"

    def __init__(
        self, fst: e.SOp | Any, snd: e.SOp | Any, fst_fac: Any, snd_fac: Any
    ) -> None:
        super().__init__(Linear(fst_fac, snd_fac), fst, snd)
        _set(self, fst_fac=fst_fac, snd_fac=snd_fac)

    fst_fac: Any
    snd_fac: Any


class Full(SOp, e.Constant):
    """The same value at every position."""

    _default_name = "full"

    def __init__(self, fill: Value) -> None:
        _set(self, fill=fill, value=canonical(fill))

    fill: Value


class ConstantSOp(SOp, e.Elementwise):
    """The given values, one a position."""

    _default_name = "constant_sop"

    def __init__(self, value: Sequence[Value], check_length: bool = True) -> None:
        values = tuple(canonical(v) for v in value)

        def constant(index: int, count: int) -> Value:
            if check_length and count != len(values):
                raise ValueError(
                    f"Constant len {len(values)} doesn't match input len {count}."
                )
            return values[index] if index < len(values) else None

        _set(self, value=value, check_length=check_length)
        _set(self, function=constant, args=(indices, length))

    def __call__(self, xs: Sequence[Value]) -> Any:
        """Return the values, if the input is as long as they are."""
        _check_length(self, xs)
        return super().__call__(xs)

    value: Sequence[Value]
    check_length: bool


class SelectorWidth(SOp, e.SelectorWidth):
    """How many key positions each query position selects."""

    _default_name = "selector_width"

    def __init__(self, selector: e.Selector | Any) -> None:
        _require(selector, e.Selector, "SelectorWidth")
        _set(self, selector=selector)

    @property
    def children(self) -> Sequence[Any]:
        """The selector."""
        return [self.selector]


class Aggregate(SOp, e.Aggregate):
    """The one selected value, or the mean of several numbers; else `default`."""

    _default_name = "aggregate"
    rule = None  # pyright: ignore

    def __init__(
        self, selector: e.Selector | Any, sop: e.SOp | Any, default: Value = None
    ) -> None:
        _require(selector, e.Selector, "Aggregate")
        _require(sop, e.SOp, "Aggregate")
        _set(self, selector=selector, value=sop, default=canonical(default))

    @property
    def sop(self) -> e.SOp:
        """The sequence that is read."""
        return self.value

    @property
    def resolved_rule(self) -> e.Rule:
        """The rule in force: Tracr's."""
        return "one_or_mean"

    @property
    def children(self) -> Sequence[Any]:
        """The selector and the sequence."""
        return [self.selector, self.value]


tokens = TokensType()
indices = IndicesType()
length = LengthType()


def sop_not(sop: e.SOp) -> SOp:
    """Return where the values are false."""
    return Map(_NOT, sop)


def numerical(sop: Expression) -> Expression:
    """Return the same sequence, held as a number."""
    return annotate(sop, encoding=Encoding.NUMERICAL)


def categorical(sop: Expression) -> Expression:
    """Return the same sequence, held one-hot."""
    return annotate(sop, encoding=Encoding.CATEGORICAL)


def get_encoding(sop: RASPExpr) -> Encoding:
    """Return how a sequence is held; one-hot unless it was annotated."""
    return Encoding(sop.annotations["encoding"])


def is_numerical(sop: RASPExpr) -> bool:
    """Return whether a sequence is held as a number."""
    return get_encoding(sop) is Encoding.NUMERICAL


def is_categorical(sop: RASPExpr) -> bool:
    """Return whether a sequence is held one-hot."""
    return get_encoding(sop) is Encoding.CATEGORICAL


# Selectors -------------------------------------------------------------------------


class Predicate(Protocol):
    """What a Select is made of."""

    def __call__(self, key: Value, query: Value) -> bool:
        """Return whether a query selects a key."""
        ...


class Selector(RASPExpr, e.Selector):
    """Which key positions each query position selects; `&`, `|` and `~` combine."""

    _default_name = "selector"

    def __and__(self, other: e.Selector) -> e.Selector:
        """Select where both do."""
        return selector_and(self, other)

    def __rand__(self, other: e.Selector) -> e.Selector:
        """Select where both do."""
        return selector_and(other, self)

    def __or__(self, other: e.Selector) -> e.Selector:
        """Select where either does."""
        return selector_or(self, other)

    def __ror__(self, other: e.Selector) -> e.Selector:
        """Select where either does."""
        return selector_or(other, self)

    def __invert__(self) -> e.Selector:
        """Select where this does not."""
        return SelectorNot(self)


class Select(Selector, e.Select):
    """Select key position j from query position i where predicate(key[j], query[i])."""

    _default_name = "select"

    def __init__(self, keys: e.SOp | Any, queries: e.SOp | Any, predicate: Any) -> None:
        _require(keys, e.SOp, "Select")
        _require(queries, e.SOp, "Select")
        given = e.as_predicate(predicate)
        _set(self, keys=keys, queries=queries, predicate=given)
        if not isinstance(given, Comparison):
            _require_function(given, "the third place of Select")
            _set(self, predicate=Truthy(given))

    @property
    def children(self) -> Sequence[Any]:
        """The keys and the queries."""
        return [self.keys, self.queries]


class ConstantSelector(Selector, e.Select):
    """The given rows: for each query position which key positions are selected."""

    _default_name = "constant_selector"

    def __init__(self, value: SelectorValue, check_length: bool = True) -> None:
        rows = tuple(tuple(bool(cell) for cell in row) for row in value)

        def constant(key: int, query: int) -> bool:
            return query < len(rows) and key < len(rows[query]) and rows[query][key]

        _set(self, value=value, check_length=check_length)
        _set(self, keys=indices, queries=indices, predicate=constant)

    def __call__(self, xs: Sequence[Value]) -> Any:
        """Return the rows, if the input is as long as they are."""
        _check_length(self, xs)
        return super().__call__(xs)

    value: SelectorValue
    check_length: bool


class _Two(Selector):
    """A selector of two."""

    left: e.Selector
    right: e.Selector

    def __init__(self, fst: e.Selector | Any, snd: e.Selector | Any) -> None:
        _require(fst, e.Selector, type(self).__name__)
        _require(snd, e.Selector, type(self).__name__)
        _set(self, left=fst, right=snd)

    @property
    def fst(self) -> e.Selector:
        """The first selector."""
        return self.left

    @property
    def snd(self) -> e.Selector:
        """The second selector."""
        return self.right

    @property
    def children(self) -> Sequence[Any]:
        """The two selectors."""
        return [self.left, self.right]


class SelectorAnd(_Two, e.SelectorAnd):
    """Both select."""

    _default_name = "selector_and"


class SelectorOr(_Two, e.SelectorOr):
    """Either selects."""

    _default_name = "selector_or"


class SelectorNot(Selector, e.SelectorNot):
    """The other does not select."""

    _default_name = "selector_not"

    def __init__(self, inner: e.Selector | Any) -> None:
        _require(inner, e.Selector, "SelectorNot")
        _set(self, inner=inner)

    @property
    def children(self) -> Sequence[Any]:
        """The selector that is negated."""
        return [self.inner]


def selector_and(fst: e.Selector, snd: e.Selector, simplify: bool = True) -> e.Selector:
    """Return where both select; the compiler simplifies it in any case."""
    del simplify
    return SelectorAnd(fst, snd)


def selector_or(fst: e.Selector, snd: e.Selector, simplify: bool = True) -> e.Selector:
    """Return where either selects; the compiler simplifies it in any case."""
    del simplify
    return SelectorOr(fst, snd)


def selector_not(inner: e.Selector, simplify: bool = True) -> e.Selector:
    """Return where the other does not; the compiler simplifies it in any case."""
    del simplify
    return SelectorNot(inner)
