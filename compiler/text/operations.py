"""What the operators of RASP text mean, on atoms, lists, sequences and selectors.

Each method takes values of the evaluator and returns one, or raises `Misuse`, to which
the evaluator adds the place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from compiler.rasp import expr as e
from compiler.rasp import operators as op
from compiler.rasp.expr import Selector, SOp
from compiler.rasp.values import Value, canonical, is_number, show
from compiler.text.bounds import TextBounds
from compiler.text.kinds import (
    IsTrue,
    Kind,
    Kinds,
    LookUp,
    Member,
    PairPredicate,
    is_atom,
    selector_size,
)

_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "+": op.add,
    "-": op.subtract,
    "*": op.multiply,
    "/": op.divide,
    "//": op.floor_divide,
    "%": op.modulo,
    "^": op.power,
    "==": op.equal,
    "!=": op.unequal,
    "<": op.less,
    "<=": op.less_equal,
    ">": op.greater,
    ">=": op.greater_equal,
}
_NUMBERS_ONLY = ("-", "/", "//", "%", "^")
_ORDERS = ("<", "<=", ">", ">=")
_COMPARISONS = {c.symbol: c for c in e.Comparison}


class Misuse(Exception):
    """Something is used as what it is not.

    Attributes:
        problem: what is wrong.
        remedy: what to do.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


def noun(value: Any) -> str:
    """Return what a value is, as errors call it: `a list`, `the number 3`."""
    match value:
        case SOp():
            return "a sequence"
        case Selector():
            return "a selector"
        case list():
            return "a list"
        case dict():
            return "a dict"
        case tuple():
            return "a tuple"
        case bool() | None:
            return str(value)
        case str():
            return f"the string {value[:20]!r}"
    if is_number(value):
        return f"the number {show(value)[:40]}"
    return f"the function {value.name}"


class Operations:
    """The operators, with what is known of the sequences so far."""

    def __init__(self, kinds: Kinds, bounds: TextBounds) -> None:
        self.kinds, self.bounds = kinds, bounds
        self._sizes: dict[int, tuple[Selector, int]] = {}

    # Checks -----------------------------------------------------------------------

    def sequence(self, value: Any, where: str) -> SOp:
        """Return a sequence; an atom becomes the same value at every position."""
        if isinstance(value, SOp):
            return value
        if is_atom(value):
            return e.as_sop(value)
        raise Misuse(
            f"{noun(value)} stands {where}, where a sequence is needed",
            "Write a sequence such as tokens, or one value"
            if not isinstance(value, Selector)
            else "Make a sequence of a selector with aggregate or selector_width",
        )

    def selector(self, value: Any, where: str) -> Selector:
        """Return a selector."""
        if isinstance(value, Selector):
            return value
        raise Misuse(
            f"{noun(value)} stands {where}, where a selector is needed",
            "Write a selector, for example select(tokens, tokens, ==)",
        )

    def bounded(self, value: Any) -> Any:
        """Return a value if it is not too large."""
        if isinstance(value, str | list | dict) and len(value) > self.bounds.items:
            raise Misuse(
                f"this has {len(value)} items, more than the {self.bounds.items} "
                "that are let pass",
                "Build something smaller",
            )
        return value

    def made(self, sop: SOp) -> SOp:
        """Return a new sequence, once what it holds is known."""
        for arg in sop.args if isinstance(sop, e.Elementwise) else ():
            self.kinds.of(arg)
        if isinstance(sop, e.Aggregate):
            self.kinds.of(sop.value)
        self.kinds.of(sop)
        return sop

    def joined(self, selector: Selector) -> Selector:
        """Return a new selector, if it has not too many parts."""
        most = self.bounds.selector
        if selector_size(selector, self._sizes) > most:
            raise Misuse(
                f"this selector is joined of more than {most} others",
                "Compare with a sequence that is computed first, in place of joining "
                "so many selectors",
            )
        return selector

    def apply(self, function: Callable[..., Value], *args: SOp) -> SOp:
        """Return a function of sequences, position by position."""
        return self.made(e.Elementwise(function, args))

    # Operators --------------------------------------------------------------------

    def unary(self, sign: str, value: Any) -> Any:
        """Return `not value`, `-value` or `+value`."""
        if sign == "not":
            return self.negation(value)
        if isinstance(value, SOp):
            self._need_numbers(sign, value)
            return self.apply(op.negate, value) if sign == "-" else value
        if not is_number(value):
            raise _not_numbers(sign, noun(value))
        return canonical(-value if sign == "-" else +value)

    def negation(self, value: Any) -> Any:
        """Return `not value`."""
        match value:
            case e.SelectorConstant():
                return e.FALSE if value.value else e.TRUE
            case Selector():
                return self.joined(~value)
            case SOp():
                return self.apply(op.invert, self.truth(value))
        return not value

    def truth(self, value: SOp) -> SOp:
        """Return a sequence of booleans: whether each value counts as true."""
        is_boolean = self.kinds.of(value) == "boolean"
        return value if is_boolean else self.apply(IsTrue(), value)

    def binary(self, sign: str, left: Any, right: Any) -> Any:
        """Return what an operator between two values gives."""
        if sign in ("and", "or"):
            return self.junction(sign, left, right)
        if sign == "in":
            return self.contains(left, right)
        for value in (left, right):
            if isinstance(value, Selector):
                raise Misuse(
                    f"`{sign}` is used on a selector",
                    "Combine selectors with and, or, not; count what one selects with "
                    "selector_width",
                )
        if isinstance(left, SOp) or isinstance(right, SOp):
            first = self.sequence(left, f"on the left of `{sign}`")
            second = self.sequence(right, f"on the right of `{sign}`")
            self._check_kinds(sign, first, second)
            return self.apply(_FUNCTIONS[sign], first, second)
        if is_atom(left) and is_atom(right):
            return self._of_atoms(sign, left, right)
        return self._of_lists(sign, left, right)

    def junction(self, sign: str, left: Any, right: Any) -> Any:
        """Return `left and right`, or `left or right`."""
        both = (left, right)
        if any(isinstance(v, Selector) for v in both):
            for value in both:
                if not isinstance(value, Selector):
                    raise Misuse(
                        f"`{sign}` joins a selector and {noun(value)}",
                        "Join two selectors, or two sequences",
                    )
            return self.joined(left & right if sign == "and" else left | right)
        if any(isinstance(v, SOp) for v in both):
            sides = [self.truth(self.sequence(v, f"beside `{sign}`")) for v in both]
            return self.apply(op.both if sign == "and" else op.either, *sides)
        return (left and right) if sign == "and" else (left or right)

    def contains(self, item: Any, container: Any) -> Any:
        """Return `item in container`."""
        if isinstance(container, SOp) and is_atom(item):
            return self.apply(
                op.greater,
                self.made(e.SelectorWidth(e.Select(container, item, e.EQ))),
                e.as_sop(0),
            )
        if not isinstance(container, list | dict):
            raise Misuse(
                f"`in` looks for something in {noun(container)}",
                "Write a list of atoms, or a sequence to look in for an atom; put "
                "brackets around the comparison that contains `in`",
            )
        atoms = list(container)
        if not all(is_atom(v) for v in atoms):
            raise Misuse(
                "`in` looks for something in a list that holds more than atoms",
                "Write a list of numbers, strings or booleans",
            )
        if isinstance(item, SOp):
            return self.apply(Member(tuple(atoms)), item)
        if is_atom(item):
            return item in atoms
        raise Misuse(
            f"`in` looks for {noun(item)}",
            "Look for an atom or for a sequence's values",
        )

    def choice(self, condition: SOp, yes: Any, no: Any) -> SOp:
        """Return `yes if condition else no` of sequences."""
        first = self.sequence(yes, "before `if`")
        second = self.sequence(no, "after `else`")
        return self.apply(op.choose, condition, first, second)

    def select(self, key: Any, query: Any, comparison: Any) -> Selector:
        """Return `select(key, query, comparison)`."""
        keys = self.sequence(key, "as the key of select")
        queries = self.sequence(query, "as the query of select")
        if not isinstance(comparison, str):
            return e.Select(keys, queries, _pairs(comparison))
        if comparison in _ORDERS:
            self._check_order(comparison, keys, queries)
        return e.Select(keys, queries, _COMPARISONS[comparison])

    def aggregate(self, selector: Any, value: Any, default: Any, rule: Any) -> SOp:
        """Return `aggregate(selector, value, default)`."""
        chosen = self.selector(selector, "as the first argument of aggregate")
        held = self.sequence(value, "as the second argument of aggregate")
        if not is_atom(default):
            raise Misuse(
                f"the default of aggregate is {noun(default)}",
                "Write one atom: what stands where nothing is selected",
            )
        if rule is None:
            # The mean of one number is that number; strings have no mean.
            plain = self.kinds.of(held) in ("string", "boolean", "tuple")
            rule = "unique" if plain else "one_or_mean"
        elif not isinstance(rule, str) or rule not in e.RULES:
            raise Misuse(
                f"the rule of aggregate is {noun(rule)}",
                f"Write one of {', '.join(repr(r) for r in e.RULES)}",
            )
        return self.made(e.Aggregate(chosen, held, default, rule))  # type: ignore[arg-type]

    # Indices ----------------------------------------------------------------------

    def index(self, value: Any, index: Any) -> Any:
        """Return `value[index]`."""
        if isinstance(value, SOp):
            return self._position(value, index)
        many = isinstance(index, tuple) and any(isinstance(i, SOp) for i in index)
        if isinstance(value, dict):
            entries = [(k if many else (k,), v) for k, v in value.items()]
            entries = [entry for entry in entries if isinstance(entry[0], tuple)]
        elif isinstance(value, list | str):
            size = len(value)
            entries = [((i,), value[i]) for i in range(-size, size)]
        else:
            raise Misuse(
                f"{noun(value)} has no items",
                "Take items of a list, a dict, a string or a sequence",
            )
        if many:
            return self._look_up(value, entries, index)
        if isinstance(index, SOp):
            return self._look_up(value, entries, (index,))
        if isinstance(value, dict):
            if not is_atom(index):
                raise Misuse(f"the key is {noun(index)}", "Write an atom or a sequence")
            if index not in value:
                raise Misuse(
                    f"the dict has no key {show(index)[:40]}",
                    "Write one of its keys, or add this one to the dict",
                )
            return value[index]
        if isinstance(index, bool) or not isinstance(index, int):
            raise Misuse(
                f"the index is {noun(index)}", "Write an integer or a sequence of them"
            )
        if not -len(value) <= index < len(value):
            raise Misuse(
                f"there is no item {index} among {len(value)}",
                "Items count from 0; -1 is the last one",
            )
        return value[index]

    def _look_up(self, value: Any, entries: list, index: Sequence[Any]) -> SOp:
        if not all(is_atom(v) for _, v in entries):
            raise Misuse(
                "a sequence is the index of something that holds more than atoms",
                "Write a dict or a list of numbers, strings or booleans",
            )
        entries = [entry for entry in entries if len(entry[0]) == len(index)]
        word = {dict: "dict", list: "list"}.get(type(value), "string")
        args = [self.sequence(i, "as an index") for i in index]
        return self.apply(LookUp(tuple(entries), word), *args)

    def _position(self, value: SOp, index: Any) -> SOp:
        """Return the value at one position, everywhere; -1 is the last position."""
        if isinstance(index, bool) or not isinstance(index, int):
            raise Misuse(
                f"the index of a sequence is {noun(index)}",
                "Write an integer; for a position that differs from place to place "
                "write load_from_location(sequence, position)",
            )
        place = e.as_sop(index)
        if index < 0:
            place = self.apply(op.add, e.length, place)
        # The original compares the positions (as keys) with the place (as query).
        return self.aggregate(e.Select(e.indices, place, e.EQ), value, 0, None)

    # Atoms and lists --------------------------------------------------------------

    def _of_atoms(self, sign: str, left: Value, right: Value) -> Value:
        try:
            return self.bounded(canonical(_FUNCTIONS[sign](left, right)))
        except ZeroDivisionError:
            raise Misuse("this divides by 0", "Divide by another number") from None
        except (TypeError, ValueError, ArithmeticError) as error:
            wording = str(error) if isinstance(error, ValueError) else "they do not fit"
            raise Misuse(
                f"`{sign}` stands between {noun(left)} and {noun(right)}: {wording}",
                "Give it two values that it can take",
            ) from None

    def _of_lists(self, sign: str, left: Any, right: Any) -> Any:
        same = isinstance(left, list) and isinstance(right, list)
        if same and sign == "+":
            return self.bounded([*left, *right])
        flat = all(is_atom(v) for side in (left, right) if same for v in side)
        if same and flat and sign in ("==", "!="):
            return (left == right) == (sign == "==")
        raise Misuse(
            f"`{sign}` stands between {noun(left)} and {noun(right)}",
            "Use it on numbers, strings or sequences; + also joins two lists",
        )

    # Kinds ------------------------------------------------------------------------

    def _need_numbers(self, sign: str, *args: SOp) -> None:
        for arg in args:
            if (kind := self.kinds.of(arg)) in ("string", "tuple"):
                raise _not_numbers(sign, f"a sequence of {kind}s")

    def _check_kinds(self, sign: str, left: SOp, right: SOp) -> None:
        """Raise Misuse where an operator cannot take what the sequences hold."""
        if sign in _NUMBERS_ONLY:
            self._need_numbers(sign, left, right)
        elif sign in ("+", *_ORDERS):
            self._check_order(sign, left, right)

    def _check_order(self, sign: str, left: SOp, right: SOp) -> None:
        kinds = [_as_number(self.kinds.of(v)) for v in (left, right)]
        if None not in kinds and kinds[0] != kinds[1]:
            verb = "adds" if sign == "+" else "compares"
            raise Misuse(
                f"`{sign}` {verb} {kinds[0]}s and {kinds[1]}s",
                "Give both sides the same type; tokens_int and tokens_str read the "
                "input as numbers and as strings",
            )


def _as_number(kind: Kind | None) -> Kind | None:
    return "number" if kind == "boolean" else kind


def _not_numbers(sign: str, found: str) -> Misuse:
    return Misuse(
        f"`{sign}` is used on {found}",
        "Give it numbers; tokens_int reads the input as integers",
    )


def _pairs(found: Any) -> PairPredicate:
    """Return the predicate that a list of pairs stands for."""
    if isinstance(found, list) and all(
        isinstance(p, tuple) and len(p) == 2 for p in found
    ):
        return PairPredicate(frozenset(found))
    raise Misuse(
        f"the comparison of select is {noun(found)}",
        "Write one of == != < <= > >=, or a list of pairs [(key, query), ..]",
    )
