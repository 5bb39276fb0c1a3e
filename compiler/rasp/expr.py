"""RASP expressions: sequences (`SOp`) and selectors, immutable, compared by identity.

The words are those of Weiss et al. 2021 ("Thinking Like Transformers") and of
Tracr's library. A sequence holds one value a position; a selector says, for each
query position, which key positions it selects.
"""

from __future__ import annotations

import copy
import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from compiler.rasp import operators as op
from compiler.rasp.values import Value, canonical, show

Encoding = Literal["auto", "numerical", "categorical"]
Rule = Literal["unique", "mean", "first", "last", "min", "max", "mode", "one_or_mean"]
RULES: tuple[Rule, ...] = (
    "unique",
    "mean",
    "first",
    "last",
    "min",
    "max",
    "mode",
    "one_or_mean",
)

LONGEST_NAME = 200
"""So many characters a name can have."""


_evaluate: Callable[..., list[Any]] | None = None


def set_evaluator(evaluate: Callable[..., list[Any]]) -> None:
    """Set what a call such as `tokens("abc")` is answered by.

    This room only describes programs; `compiler.evaluate` computes them, and
    `compiler/__init__.py` hands it in.
    """
    global _evaluate
    _evaluate = evaluate


def evaluate_expression(
    expression: SOp | Selector, tokens: Any, causal: bool = False
) -> list[Any]:
    """Return what the evaluator gives for one input."""
    assert _evaluate is not None, "compiler/__init__.py sets it"
    return _evaluate(expression, tokens, causal)


def check_name(name: object) -> str:
    """Return `name` if it can be one: a line of text such as `rank` or `shift_by(1)`.

    Raises:
        ValueError: it is empty, too long, has spaces around it or is not printable.
    """
    if not isinstance(name, str):
        raise TypeError(f"a name is a string, not a {type(name).__name__}")
    if not name or name != name.strip() or not name.isprintable():
        raise ValueError(
            f"{name!r} is not a name: use one line of printable characters, without "
            "spaces at its ends"
        )
    if len(name) > LONGEST_NAME:
        raise ValueError(
            f"the name {name[:20]!r}.. has {len(name)} characters; use at most "
            f"{LONGEST_NAME}"
        )
    return name


def given_name(sop: SOp) -> str | None:
    """Return the name that the author gave a sequence, None if there is none."""
    return sop._given_name()


class Comparison(enum.Enum):
    """Predicates of a Select, called with (key, query); None orders with nothing."""

    EQ = "=="
    NEQ = "!="
    LT = "<"
    LEQ = "<="
    GT = ">"
    GEQ = ">="
    TRUE = "True"
    FALSE = "False"

    def __call__(self, key: Value, query: Value) -> bool:
        """Return whether `key` stands in this relation to `query`."""
        return _COMPARE[self](key, query)

    @property
    def symbol(self) -> str:
        """How it is written."""
        return self.value


_COMPARE = {
    Comparison.EQ: op.equal,
    Comparison.NEQ: op.unequal,
    Comparison.LT: op.less,
    Comparison.LEQ: op.less_equal,
    Comparison.GT: op.greater,
    Comparison.GEQ: op.greater_equal,
    Comparison.TRUE: lambda key, query: True,
    Comparison.FALSE: lambda key, query: False,
}
EQ, NEQ = Comparison.EQ, Comparison.NEQ
LT, LEQ = Comparison.LT, Comparison.LEQ
GT, GEQ = Comparison.GT, Comparison.GEQ


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SOp:
    """A sequence operation: one value a position. Python's operators build new ones.

    Attributes:
        name: the name shown and used for overrides; None gets one from the graph.
        note: one line of documentation, shown by `zoo show`.
        encoding: `numerical` (one direction; aggregates average it), `categorical`
            (one-hot; aggregates pick a value), or `auto`.
    """

    name: str | None = None
    note: str = ""
    encoding: Encoding = "auto"
    may_repeat: ClassVar[bool] = False  # whether another may have the same name

    def named(self, name: str | Any) -> SOp:
        """Return the same sequence under `name`: one line of any printable text."""
        return self._replace(name=check_name(name))

    def doc(self, text: str) -> SOp:
        """Return the same sequence with one line of documentation."""
        return self._replace(note=text)

    def numerical(self) -> SOp:
        """Return the same sequence, held as a number; aggregates average it."""
        return self._replace(encoding="numerical")

    def categorical(self) -> SOp:
        """Return the same sequence, held one-hot; aggregates pick a value."""
        return self._replace(encoding="categorical")

    def _replace(self, **changes: object) -> SOp:
        changed = copy.copy(self)
        for field_name, value in changes.items():
            object.__setattr__(changed, field_name, value)
        return changed

    def _given_name(self) -> str | None:
        return self.name

    def __call__(self, tokens: Sequence[Value] | Any) -> list[Value]:
        """Return the values on one input, by the interpreter: `reverse("abc")`.

        Raises:
            ProgramError: the program has no value for this input.
        """
        return evaluate_expression(self, tokens)

    def map(self, function: Callable[[Value], Value]) -> SOp:
        """Return `function` applied at each position."""
        return Elementwise(function, (self,))

    def _apply(self, function: Callable[..., Value], *args: object) -> SOp:
        """Return what an operator of Python makes of this and other sequences."""
        return Elementwise(function, tuple(as_sop(a) for a in args))

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        text, name = _describe(self, _LEVELS), given_name(self)
        return text if name in (None, text) else f"{name} = {text}"

    def __bool__(self) -> bool:
        """Refuse: a sequence has no single truth value."""
        raise TypeError(
            "a sequence has no truth value; use & | ~ in place of and, or, not, "
            "and where(condition, yes, no) in place of if"
        )

    def __iter__(self) -> Any:
        """Refuse: a sequence is a description and cannot be iterated."""
        raise TypeError("a RASP sequence is a description; it has no items to iterate")

    def __add__(self, other: object) -> SOp:
        """Return the sum."""
        return self._apply(op.add, self, other)

    def __radd__(self, other: object) -> SOp:
        """Return the sum."""
        return self._apply(op.add, other, self)

    def __sub__(self, other: object) -> SOp:
        """Return the difference."""
        return self._apply(op.subtract, self, other)

    def __rsub__(self, other: object) -> SOp:
        """Return the difference."""
        return self._apply(op.subtract, other, self)

    def __mul__(self, other: object) -> SOp:
        """Return the product."""
        return self._apply(op.multiply, self, other)

    def __rmul__(self, other: object) -> SOp:
        """Return the product."""
        return self._apply(op.multiply, other, self)

    def __truediv__(self, other: object) -> SOp:
        """Return the exact quotient."""
        return self._apply(op.divide, self, other)

    def __rtruediv__(self, other: object) -> SOp:
        """Return the exact quotient."""
        return self._apply(op.divide, other, self)

    def __floordiv__(self, other: object) -> SOp:
        """Return the quotient rounded down."""
        return self._apply(op.floor_divide, self, other)

    def __rfloordiv__(self, other: object) -> SOp:
        """Return the quotient rounded down."""
        return self._apply(op.floor_divide, other, self)

    def __mod__(self, other: object) -> SOp:
        """Return the remainder."""
        return self._apply(op.modulo, self, other)

    def __rmod__(self, other: object) -> SOp:
        """Return the remainder."""
        return self._apply(op.modulo, other, self)

    def __pow__(self, other: object) -> SOp:
        """Return the power."""
        return self._apply(op.power, self, other)

    def __rpow__(self, other: object) -> SOp:
        """Return the power."""
        return self._apply(op.power, other, self)

    def __neg__(self) -> SOp:
        """Return the negative."""
        return self._apply(op.negate, self)

    def __abs__(self) -> SOp:
        """Return the absolute value."""
        return self._apply(op.absolute, self)

    def __round__(self, ndigits: None = None) -> SOp:
        """Return the nearest integer (halves to even, as Python does)."""
        return self._apply(op.rounded, self)

    def __and__(self, other: object) -> SOp:
        """Return the conjunction of booleans."""
        return self._apply(op.both, self, other)

    def __rand__(self, other: object) -> SOp:
        """Return the conjunction of booleans."""
        return self._apply(op.both, other, self)

    def __or__(self, other: object) -> SOp:
        """Return the disjunction of booleans."""
        return self._apply(op.either, self, other)

    def __ror__(self, other: object) -> SOp:
        """Return the disjunction of booleans."""
        return self._apply(op.either, other, self)

    def __xor__(self, other: object) -> SOp:
        """Return the exclusive disjunction of booleans."""
        return self._apply(op.exclusive, self, other)

    def __rxor__(self, other: object) -> SOp:
        """Return the exclusive disjunction of booleans."""
        return self._apply(op.exclusive, other, self)

    def __invert__(self) -> SOp:
        """Return the negation of booleans."""
        return self._apply(op.invert, self)

    def __eq__(self, other: object) -> SOp:  # type: ignore[override]
        """Return where the two are equal."""
        return self._apply(op.equal, self, other)

    def __ne__(self, other: object) -> SOp:  # type: ignore[override]
        """Return where the two differ."""
        return self._apply(op.unequal, self, other)

    def __lt__(self, other: object) -> SOp:
        """Return where this is less."""
        return self._apply(op.less, self, other)

    def __le__(self, other: object) -> SOp:
        """Return where this is at most the other."""
        return self._apply(op.less_equal, self, other)

    def __gt__(self, other: object) -> SOp:
        """Return where this is greater."""
        return self._apply(op.greater, self, other)

    def __ge__(self, other: object) -> SOp:
        """Return where this is at least the other."""
        return self._apply(op.greater_equal, self, other)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Tokens(SOp):
    """The input tokens."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Indices(SOp):
    """The positions 0, 1, .., n - 1."""


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Length(SOp):
    """The length n of the input, at every position."""


@dataclass(frozen=True, eq=False, repr=False)
class Constant(SOp):
    """The same value at every position."""

    value: Value = field(kw_only=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", canonical(self.value))


@dataclass(frozen=True, eq=False, repr=False)
class Elementwise(SOp):
    """`function` applied position by position to any number of sequences."""

    function: Callable[..., Value] = field(kw_only=False)
    args: tuple[SOp, ...] = field(kw_only=False)

    def __post_init__(self) -> None:
        if not is_function(self.function):
            raise TypeError(f"{self.function!r} is not a function of the values")
        if not self.args:
            raise TypeError("Elementwise needs at least one sequence")
        object.__setattr__(self, "args", tuple(as_sop(a) for a in self.args))


@dataclass(frozen=True, eq=False, repr=False)
class Aggregate(SOp):
    """What the selected positions hold: their mean, or their one value.

    Attributes:
        selector: which key positions each query position selects.
        value: the sequence that is read at the key positions.
        default: the result where nothing is selected (any value; None by default).
        rule: `mean`; `unique` (all selected values must be equal); or which of
            different values to take: `first`, `last`, `min`, `max`, `mode` (the most
            frequent; ties go to the smallest); or `one_or_mean`: `mean` where two
            different numbers can be selected together, else `unique`. Unless given:
            `mean` for a numerical value, `unique` otherwise.
    """

    selector: Selector = field(kw_only=False)
    value: SOp = field(kw_only=False)
    default: Value = field(kw_only=False, default=None)
    rule: Rule | None = field(kw_only=False, default=None)

    def __post_init__(self) -> None:
        if not isinstance(self.selector, Selector):
            raise TypeError(
                f"Aggregate takes a selector first, not {type(self.selector).__name__}"
            )
        object.__setattr__(self, "value", as_sop(self.value))
        object.__setattr__(self, "default", canonical(self.default))
        if self.rule is not None and self.rule not in RULES:
            raise ValueError(f"rule {self.rule!r} is none of {', '.join(RULES)}")

    @property
    def resolved_rule(self) -> Rule:
        """The rule in force: the given one, or what the value's encoding implies."""
        if self.rule is not None:
            return self.rule
        return "mean" if is_numerical(self.value) else "unique"


@dataclass(frozen=True, eq=False, repr=False)
class SelectorWidth(SOp):
    """How many key positions each query position selects."""

    selector: Selector = field(kw_only=False)

    def __post_init__(self) -> None:
        if not isinstance(self.selector, Selector):
            raise TypeError(
                "SelectorWidth takes a selector, not " + type(self.selector).__name__
            )


def is_numerical(sop: SOp) -> bool:
    """Return whether an aggregate of `sop` averages it (annotated, or a mean)."""
    if sop.encoding != "auto":
        return sop.encoding == "numerical"
    return isinstance(sop, Aggregate) and sop.resolved_rule == "mean"


class Selector:
    """Which key positions each query position selects; combine with `&`, `|`, `~`."""

    def __repr__(self) -> str:
        return _describe(self, _LEVELS)

    def __and__(self, other: Selector) -> Selector:
        """Select where both do."""
        return SelectorAnd(self, _as_selector(other))

    def __rand__(self, other: Selector) -> Selector:
        """Select where both do."""
        return SelectorAnd(_as_selector(other), self)

    def __or__(self, other: Selector) -> Selector:
        """Select where either does."""
        return SelectorOr(self, _as_selector(other))

    def __ror__(self, other: Selector) -> Selector:
        """Select where either does."""
        return SelectorOr(_as_selector(other), self)

    def __invert__(self) -> Selector:
        """Select where this does not."""
        return SelectorNot(self)

    def __call__(self, tokens: Sequence[Value]) -> list[list[bool]]:
        """Return on one input, for each query position, which keys are selected.

        Raises:
            ProgramError: the program has no value for this input.
        """
        return evaluate_expression(self, tokens)

    def __bool__(self) -> bool:
        """Refuse: a selector has no single truth value."""
        raise TypeError("a selector has no truth value; use & | ~, not and, or, not")


@dataclass(frozen=True, eq=False, repr=False)
class Select(Selector):
    """Select key position j from query position i where predicate(key[j], query[i]).

    Keys and queries are sequences, or constants (which become constant sequences). The
    predicate may also be TRUE or FALSE: then it is everything, or nothing.
    """

    keys: Any
    queries: Any
    predicate: Any

    def __post_init__(self) -> None:
        predicate = as_predicate(self.predicate)
        if not is_function(predicate):
            raise TypeError(
                f"Select takes a predicate of (key, query) third, not "
                f"{self.predicate!r}; for equality use EQ"
            )
        object.__setattr__(self, "predicate", predicate)
        object.__setattr__(self, "keys", as_sop(self.keys))
        object.__setattr__(self, "queries", as_sop(self.queries))


@dataclass(frozen=True, eq=False, repr=False)
class SelectorAnd(Selector):
    """Both select."""

    left: Selector
    right: Selector


@dataclass(frozen=True, eq=False, repr=False)
class SelectorOr(Selector):
    """Either selects."""

    left: Selector
    right: Selector


@dataclass(frozen=True, eq=False, repr=False)
class SelectorNot(Selector):
    """The other does not select."""

    inner: Selector


@dataclass(frozen=True, eq=False, repr=False)
class SelectorConstant(Selector):
    """Everything, or nothing."""

    value: bool


tokens: SOp = Tokens(name="tokens", note="the input tokens")
indices: SOp = Indices(name="indices", note="the positions, from 0")
length: SOp = Length(name="length", note="how many tokens the input has")
# As a selector, and as the predicate of a Select.
TRUE: Selector = SelectorConstant(True)
FALSE: Selector = SelectorConstant(False)


def Map(function: Callable[[Value], Value], sop: SOp) -> SOp:
    """Return `function` applied at each position of `sop`."""
    return Elementwise(function, (sop,))


def SequenceMap(
    function: Callable[[Value, Value], Value], first: SOp, second: SOp
) -> SOp:
    """Return `function` applied to the two sequences position by position."""
    return Elementwise(function, (first, second))


def LinearSequenceMap(
    first: SOp, second: SOp, first_factor: object, second_factor: object
) -> SOp:
    """Return first_factor * first + second_factor * second, as a number."""
    scaled = as_sop(first) * first_factor + as_sop(second) * second_factor
    return scaled.numerical()


def is_function(value: object) -> bool:
    """Return whether `value` is a function of values: no sequence and no selector."""
    return callable(value) and not isinstance(value, SOp | Selector)


def as_predicate(value: Any) -> Any:
    """Return a predicate; where TRUE or FALSE stands for one, the comparison."""
    if isinstance(value, SelectorConstant):
        value = value.value
    if isinstance(value, bool):
        return Comparison.TRUE if value else Comparison.FALSE
    return value


def as_sop(value: object) -> SOp:
    """Return `value` if it is a sequence, else the constant sequence of it."""
    if isinstance(value, SOp):
        return value
    if isinstance(value, Selector):
        raise TypeError(
            "a selector stands where a sequence is needed; wrap it in "
            "SelectorWidth(..) or Aggregate(.., value)"
        )
    return Constant(canonical(value))


def _as_selector(value: object) -> Selector:
    if isinstance(value, Selector):
        return value
    if isinstance(value, bool):
        return SelectorConstant(value)
    raise TypeError(f"a selector combines with selectors, not {type(value).__name__}")


def parts_of(item: SOp | Selector) -> tuple[SOp | Selector, ...]:
    """Return the expressions that an expression is directly computed from."""
    match item:
        case Elementwise():
            return item.args
        case SelectorWidth():
            return (item.selector,)
        case Aggregate():
            return (item.selector, item.value)
        case Select(predicate=Comparison.TRUE | Comparison.FALSE):
            return ()
        case Select():
            return (item.keys, item.queries)
        case SelectorNot():
            return (item.inner,)
        case SelectorAnd() | SelectorOr():
            return (item.left, item.right)
    return ()


# Parts may be shared, and written out they would grow without end.
_LEVELS, _LONGEST = 4, 200


def _describe(item: object, levels: int) -> str:
    """Return an expression as text, its named parts by their names."""
    if levels == 0 and not isinstance(item, Tokens | Indices | Length | Constant):
        return ".."

    def part(inner: object) -> str:
        if isinstance(inner, SOp) and (name := given_name(inner)):
            return name
        return _describe(inner, levels - 1)

    match item:
        case Tokens() | Indices() | Length():
            text = type(item).__name__.lower()
        case Constant():
            text = show(item.value)
        case Elementwise():
            text = op.call_text(item.function, [part(a) for a in item.args])
        case SelectorWidth():
            text = f"width({part(item.selector)})"
        case Aggregate():
            default = "" if item.default is None else f", {show(item.default)}"
            inner = f"{part(item.selector)}, {part(item.value)}{default}"
            text = f"{item.resolved_rule}({inner})"
        case Select():
            text = op.predicate_text(
                item.predicate, part(item.keys), part(item.queries)
            )
        case SelectorConstant():
            text = "everything" if item.value else "nothing"
        case SelectorNot():
            text = f"~({part(item.inner)})"
        case SelectorAnd():
            text = f"({part(item.left)}) & ({part(item.right)})"
        case SelectorOr():
            text = f"({part(item.left)}) | ({part(item.right)})"
        case _:
            text = f"<{type(item).__name__}>"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]}.."
