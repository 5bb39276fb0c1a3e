"""The names that RASP text begins with: `tokens`, `aggregate`, `range` and others.

What a program could define by itself is in `library.rasp`; this is the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from compiler.rasp import expr as e
from compiler.rasp import operators as op
from compiler.rasp.expr import SOp
from compiler.rasp.values import canonical, is_number, unify_booleans
from compiler.text.kinds import Conversion, Kind, is_atom
from compiler.text.operations import Misuse, Operations, noun
from compiler.text.scope import Builtin


def builtin_names(operations: Operations, vocab: tuple[Any, ...] | None) -> dict:
    """Return what every program can name.

    Args:
        operations: the operators, which know what sequences hold.
        vocab: the tokens, where they are known: tokens that are integers already are
            not read as integers once more.
    """
    functions = _Functions(operations)
    made: list[tuple[str, str, int, Callable[..., Any]]] = [
        ("aggregate", "selector value default rule", 2, functions.aggregate),
        ("selector_width", "selector", 1, functions.width),
        ("round", "value", 1, functions.round),
        ("indicator", "condition", 1, functions.indicator),
        ("range", "start stop step", 1, functions.range),
        ("len", "list", 1, functions.len),
        ("max", "a b", 2, functions.max),
        ("min", "a b", 2, functions.min),
        ("abs", "value", 1, functions.abs),
        ("xor", "a b", 2, functions.xor),
        ("is_none", "value", 1, functions.is_none),
        ("identity", "value", 1, functions.identity),
        ("constant", "value", 1, functions.constant),
        ("named", "value name", 2, functions.named),
        ("numerical", "value", 1, functions.numerical),
        ("categorical", "value", 1, functions.categorical),
    ]
    found: dict[str, Any] = {
        name: Builtin(name, tuple(parameters.split()), least, call)
        for name, parameters, least, call in made
    }
    found["zip"] = Builtin("zip", ("list",), 1, functions.zip, rest=True)
    found |= {"True": True, "False": False, "None": None, "full_s": e.TRUE}
    found |= {"tokens": e.tokens, "tokens_asis": e.tokens}
    found |= {"indices": e.indices, "length": e.length}
    for kind in ("str", "int", "float", "bool"):
        found[f"tokens_{kind}"] = _tokens_as(operations, kind, vocab)
    return found


def _tokens_as(operations: Operations, kind: Any, vocab: tuple | None) -> SOp:
    """Return the tokens as a type; those that have it already are left as they are."""
    convert = Conversion(kind)
    if vocab and all(_is_same(convert, token) for token in vocab):
        return e.tokens
    return operations.apply(convert, e.tokens)


def _is_same(convert: Conversion, token: Any) -> bool:
    try:
        found = canonical(convert(token))
    except (TypeError, ValueError):
        return False
    return found == token and isinstance(found, bool) == isinstance(token, bool)


class _Functions:
    """The functions; each takes its arguments and raises Misuse."""

    def __init__(self, operations: Operations) -> None:
        self.operations = operations

    def aggregate(
        self, selector: Any, value: Any, default: Any = 0, rule: Any = None
    ) -> SOp:
        return self.operations.aggregate(selector, value, default, rule)

    def width(self, selector: Any) -> SOp:
        found = self.operations.selector(selector, "as the argument of selector_width")
        return self.operations.made(e.SelectorWidth(found))

    def _of_numbers(self, name: str, function: Any, value: Any) -> Any:
        if isinstance(value, SOp):
            if self.operations.kinds.of(value) in ("string", "tuple"):
                raise Misuse(
                    f"{name} is used on a sequence of strings",
                    "Give it numbers; tokens_int reads the input as integers",
                )
            return self.operations.apply(function, value)
        if is_number(value):
            return canonical(function(value))
        raise Misuse(f"{name} is used on {noun(value)}", "Give it a number")

    def round(self, value: Any) -> Any:
        return self._of_numbers("round", op.rounded, value)

    def abs(self, value: Any) -> Any:
        return self._of_numbers("abs", op.absolute, value)

    def indicator(self, condition: Any) -> Any:
        if isinstance(condition, SOp):
            return self.operations.choice(condition, 1, 0)
        raise Misuse(
            f"indicator is used on {noun(condition)}",
            'Give it a sequence, for example indicator(tokens == "a")',
        )

    def range(self, *given: Any) -> list:
        if not all(isinstance(v, int) and not isinstance(v, bool) for v in given):
            wrong = next(v for v in given if type(v) is not int)
            raise Misuse(
                f"range is given {noun(wrong)}",
                "Give it integers that are known when the program is read",
            )
        if len(given) == 3 and given[2] == 0:
            raise Misuse("range goes in steps of 0", "Give it another step")
        numbers = range(*given)
        try:
            size = len(numbers)
        except OverflowError:
            size = self.operations.bounds.items + 1
        if size > self.operations.bounds.items:
            raise Misuse(
                f"range has more than {self.operations.bounds.items} numbers",
                "Loop over fewer",
            )
        return list(numbers)

    def len(self, value: Any) -> int:
        if isinstance(value, list | dict | str):
            return len(value)
        raise Misuse(
            f"len is used on {noun(value)}",
            "Give it a list; for the length of the input write length",
        )

    def zip(self, *lists: Any) -> list:
        for found in lists:
            if not isinstance(found, list):
                raise Misuse(f"zip is given {noun(found)}", "Give it lists only")
        sizes = {len(found) for found in lists}
        if len(sizes) > 1:
            raise Misuse(
                "zip is given lists of different lengths: "
                + ", ".join(str(len(found)) for found in lists),
                "Give it lists of the same length",
            )
        return [list(items) for items in zip(*lists, strict=True)]

    def _extreme(self, name: str, function: Any, left: Any, right: Any) -> Any:
        if isinstance(left, SOp) or isinstance(right, SOp):
            sides = [self.operations.sequence(v, f"in {name}") for v in (left, right)]
            return self.operations.apply(function, *sides)
        order = self.operations.binary("<", left, right)
        return left if order == (name == "min") else right

    def max(self, left: Any, right: Any) -> Any:
        return self._extreme("max", op.larger, left, right)

    def min(self, left: Any, right: Any) -> Any:
        return self._extreme("min", op.smaller, left, right)

    def xor(self, left: Any, right: Any) -> SOp:
        sides = [self.operations.sequence(v, "in xor") for v in (left, right)]
        truths = [self.operations.truth(v) for v in sides]
        return self.operations.apply(op.exclusive, *truths)

    def is_none(self, value: Any) -> SOp:
        sop = self.operations.sequence(value, "in is_none")
        return self.operations.apply(op.none_test, sop)

    def identity(self, value: Any) -> SOp:
        sop = self.operations.sequence(value, "in identity")
        return self.operations.apply(op.keep, sop)

    def constant(self, value: Any) -> SOp:
        if not is_atom(value):
            raise Misuse(f"constant is used on {noun(value)}", "Give it one atom")
        return self.operations.made(e.as_sop(value))

    def named(self, value: Any, name: Any) -> SOp:
        sop = self.operations.sequence(value, "in named")
        try:
            return self.operations.made(sop.named(name))
        except (TypeError, ValueError) as error:
            raise Misuse(str(error).rstrip("."), "Write the name as a string") from None

    def numerical(self, value: Any) -> SOp:
        sop = self.operations.sequence(value, "in numerical")
        return self.operations.made(sop.numerical())

    def categorical(self, value: Any) -> SOp:
        sop = self.operations.sequence(value, "in categorical")
        return self.operations.made(sop.categorical())


def kind_of_vocabulary(vocab: tuple[Any, ...] | None) -> Kind | None:
    """Return the kind of the tokens; booleans among numbers are numbers."""
    from compiler.text.kinds import common_kind

    if not vocab:
        return None
    if all(is_number(v) for v in vocab) and unify_booleans(vocab):
        return "number"
    return common_kind(vocab)
