"""A tabulated program as JSON: variables, tables and selectors, and no code.

Reading checks the whole structure: that variables read earlier ones only, that every
table has the shape of its arguments' domains, that every entry is in range. What comes
out can be run by the interpreter without another check.
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from compiler.errors import InputError
from compiler.ir import typed as t
from compiler.ir.domain import Domain
from compiler.ir.graph import SourceKind
from compiler.lower.readout import Readout
from compiler.notation import LocatedJson, bits_to_json, value_to_json
from compiler.passes.infer import check_vocabulary
from compiler.rasp.expr import RULES
from compiler.rasp.values import Value, is_number

SOURCES: tuple[str, ...] = get_args(SourceKind)
PICK_RULES = tuple(rule for rule in RULES if rule != "mean")
READOUTS = ("classes", "number", "nullable")
# No table that fits in a file has longer axes, and indices are kept in 32 bits.
_INT32, _INT64 = 2**31 - 1, 2**63 - 1
_MOST_ARGS = 32


# Writing --------------------------------------------------------------------------


def typed_to_json(typed: t.Typed) -> dict[str, Any]:
    """Return a program as JSON; `typed_from_json` reads it back."""
    return {
        "name": typed.name,
        "variables": [_variable_to_json(v) for v in typed.variables],
        "output": typed.output,
        "extra": list(typed.extra),
        "causal": typed.causal,
        "vocab": [value_to_json(v) for v in typed.vocab],
        "max_len": typed.max_len,
        "numerical": typed.numerical,
        "notes": list(typed.notes),
    }


def readout_to_json(readout: Readout, domain: tuple[Value, ...]) -> dict[str, Any]:
    """Return a readout as JSON; `readout_from_json` reads it back.

    Args:
        readout: a model's.
        domain: the values of its output variable, which are the readout's own.

    Raises:
        InputError: they are not.
    """
    if not _are_same(readout.values, domain):
        raise InputError(
            f"the readout has {len(readout.values)} values that are not those of the "
            f"output variable ({len(domain)}); only readouts of the output can be saved"
        )
    return {"kind": readout.kind}


def _variable_to_json(variable: t.Variable) -> dict[str, Any]:
    domain = variable.domain
    return {
        "name": variable.name,
        "named": variable.named,
        "note": variable.note,
        "text": variable.text,
        "values": [value_to_json(v) for v in domain.values],
        "positions": bits_to_json(domain.mask),
        "operation": _operation_to_json(variable.operation),
    }


def _operation_to_json(operation: t.Operation) -> dict[str, Any]:
    match operation:
        case t.Input():
            return {"kind": "input", "source": operation.kind}
        case t.Fixed():
            return {"kind": "constant"}
        case t.Table():
            partial, weights = operation.partial, operation.weights
            return {
                "kind": "table",
                "args": list(operation.args),
                "table": operation.table.tolist(),
                "partial": None if partial is None else bits_to_json(partial),
                **({} if weights is None else {"weights": list(weights)}),
            }
        case t.Width():
            return {
                "kind": "width",
                "selector": _formula_to_json(operation.selector),
                "lookup": operation.lookup.tolist(),
            }
        case t.Mean():
            return {
                "kind": "mean",
                "selector": _formula_to_json(operation.selector),
                "value": operation.value,
                "numerators": operation.numerators.tolist(),
                "numeric": bits_to_json(operation.numeric),
                "denominator": operation.denominator,
                "default": operation.default,
                "lookup": operation.lookup.tolist(),
                "lowest": operation.lowest,
            }
        case t.Pick():
            return {
                "kind": "pick",
                "selector": _formula_to_json(operation.selector),
                "value": operation.value,
                "recode": operation.recode.tolist(),
                "default": operation.default,
                "rule": operation.rule,
                "proven": operation.proven,
            }


def _formula_to_json(formula: t.Formula) -> dict[str, Any]:
    match formula:
        case t.Truth():
            return {"kind": "everything" if formula.value else "nothing"}
        case t.Atom():
            return {
                "kind": "select",
                "key": formula.key,
                "query": formula.query,
                "allowed": bits_to_json(formula.allowed),
            }
        case t.Junction():
            parts = [_formula_to_json(p) for p in formula.parts]
            return {"kind": formula.kind, "parts": parts}


# Reading --------------------------------------------------------------------------


def typed_from_json(found: LocatedJson) -> t.Typed:
    """Return the program that `typed_to_json` wrote.

    Raises:
        FormatError: anything in it is not what it must be.
    """
    entries = found.fields(
        "name", "variables", "output", "extra", "causal", "vocab", "max_len",
        "numerical", "notes",
    )  # fmt: skip
    vocab = _read_vocab(entries["vocab"])
    reader = _VariableReader(vocab, entries["max_len"].integer(1, _INT32))
    for item in entries["variables"].items():
        reader.add(item)
    last = len(reader.variables) - 1
    output = entries["output"].integer(0, last)
    numerical = entries["numerical"].flag()
    if numerical and not _are_numbers(reader.variables[output].domain.values):
        raise entries["numerical"].wrong("false, since the output is not only numbers")
    return t.Typed(
        name=entries["name"].text(),
        variables=tuple(reader.variables),
        output=output,
        causal=entries["causal"].flag(),
        vocab=vocab,
        max_len=reader.max_len,
        numerical=numerical,
        notes=_read_notes(entries["notes"]),
        extra=entries["extra"].integers(0, last),
    )


MOST_NOTES = 2**12
"""Notes of a program above which it is not read."""


def _read_notes(found: LocatedJson) -> tuple[str, ...]:
    if found.size() > MOST_NOTES:
        raise found.wrong(f"at most {MOST_NOTES} notes")
    return found.texts()


def readout_from_json(found: LocatedJson, domain: tuple[Value, ...]) -> Readout:
    """Return the readout that `readout_to_json` wrote, for an output of this domain."""
    kind = found.fields("kind")["kind"]
    readout = Readout(kind.choice(READOUTS), domain)
    nullable = any(v is None for v in domain)
    if readout.kind != "classes" and (
        not _are_numbers(domain) or nullable != (readout.kind == "nullable")
    ):
        raise kind.wrong("a kind that fits the values of the output: classes")
    return readout


def _are_same(left: tuple[Value, ...], right: tuple[Value, ...]) -> bool:
    return [*map(_exactly, left)] == [*map(_exactly, right)]


def _are_numbers(values: tuple[Value, ...]) -> bool:
    """Return whether there is a number, and besides numbers at most None."""
    numbers = [v for v in values if v is not None]
    try:
        return bool([float(v) for v in numbers]) and all(map(is_number, numbers))
    except (OverflowError, TypeError, ValueError):  # no number, or too large for floats
        return False


def _exactly(value: Value) -> tuple[bool, Value]:
    """Return what tells True from 1 in a comparison."""
    return isinstance(value, bool), value


def _read_vocab(found: LocatedJson) -> tuple[Value, ...]:
    try:
        return check_vocabulary(found.values(), 1)
    except InputError as error:
        raise found.wrong(f"a vocabulary ({error})") from None


class _VariableReader:
    """Reads variables one after another; each may read those before it."""

    def __init__(self, vocab: tuple[Value, ...], max_len: int) -> None:
        self.vocab, self.max_len = vocab, max_len
        self.variables: list[t.Variable] = []
        self.names: set[str] = set()

    def add(self, found: LocatedJson) -> None:
        entries = found.fields(
            "name", "named", "note", "text", "values", "positions", "operation"
        )
        name = entries["name"].text()
        if name in self.names:
            raise entries["name"].wrong("a name that no earlier variable has")
        self.names.add(name)
        domain = self.domain(entries["values"], entries["positions"])
        self.variables.append(
            t.Variable(
                name=name,
                operation=self.operation(entries["operation"], domain),
                domain=domain,
                named=entries["named"].flag(),
                note=entries["note"].text(),
                text=entries["text"].text(),
            )
        )

    def domain(self, found: LocatedJson, positions: LocatedJson) -> Domain:
        values = found.values()
        if not values or len({*map(_exactly, values)}) < len(values):
            raise found.wrong("one value or more, all different")
        return Domain(values, positions.bits(self.max_len, len(values)))

    def earlier(self, found: LocatedJson) -> int:
        """Return the index of a variable that is there already."""
        return found.integer(0, len(self.variables) - 1)

    def size(self, index: int) -> int:
        return self.variables[index].domain.size

    def entry(self, found: LocatedJson, domain: Domain) -> int:
        """Return an index in a domain, or -1 for none."""
        return found.integer(-1, domain.size - 1)

    def indices(
        self, found: LocatedJson, domain: Domain, *shape: int
    ) -> NDArray[np.int32]:
        return found.array(*shape, low=-1, high=domain.size - 1).astype(np.int32)

    def operation(self, found: LocatedJson, domain: Domain) -> t.Operation:
        kind = found.entries().get("kind")
        kinds = {
            "input": self.input,
            "constant": self.constant,
            "table": self.table,
            "width": self.width,
            "mean": self.mean,
            "pick": self.pick,
        }
        if kind is None:
            raise found.wrong("an operation with a kind")
        return kinds[kind.choice(tuple(kinds))](found, domain)

    def input(self, found: LocatedJson, domain: Domain) -> t.Input:
        source = found.fields("kind", "source")["source"]
        expected = {
            "tokens": self.vocab,
            "indices": tuple(range(self.max_len)),
            "length": tuple(range(1, self.max_len + 1)),
        }
        kind = source.choice(SOURCES)
        if not _are_same(domain.values, tuple(expected[kind])):
            raise source.wrong(f"an input that holds the variable's values, not {kind}")
        return t.Input(kind)

    def constant(self, found: LocatedJson, domain: Domain) -> t.Fixed:
        kind = found.fields("kind")["kind"]
        if domain.size != 1:
            raise kind.wrong(f"another kind, since there are {domain.size} values")
        return t.Fixed()

    def table(self, found: LocatedJson, domain: Domain) -> t.Table:
        entries = found.fields("kind", "args", "table", "partial", optional="weights")
        args = tuple(self.earlier(item) for item in entries["args"].items())
        if not 1 <= len(args) <= _MOST_ARGS:
            raise entries["args"].wrong(f"1 to {_MOST_ARGS} variables")
        shape = [self.size(a) for a in args]
        partial = entries["partial"]
        return t.Table(
            args,
            self.indices(entries["table"], domain, *shape),
            None if partial.json is None else partial.bits(*shape),
            self.weights(found, len(args)) if "weights" in found.json else None,
        )

    def weights(self, found: LocatedJson, args: int) -> tuple[int, ...]:
        """Return the weights of a sum of evidence, one for each argument."""
        weights = found.entries()["weights"]
        items = list(weights.items())
        whole = all(type(item.json) is int and item.json for item in items)
        if len(items) != args or not whole or sum(item.json for item in items) <= 0:
            raise weights.wrong(f"{args} integers that are not 0, of a sum above 0")
        return tuple(item.json for item in items)

    def width(self, found: LocatedJson, domain: Domain) -> t.Width:
        entries = found.fields("kind", "selector", "lookup")
        return t.Width(
            self.formula(entries["selector"]),
            self.indices(entries["lookup"], domain, self.max_len + 1),
        )

    def mean(self, found: LocatedJson, domain: Domain) -> t.Mean:
        entries = found.fields(
            "kind", "selector", "value", "numerators", "numeric", "denominator",
            "default", "lookup", "lowest",
        )  # fmt: skip
        value = self.earlier(entries["value"])
        size, lookup = self.size(value), entries["lookup"]
        span = (
            LocatedJson(f"{lookup.where}[0]", lookup.json[0]).size()
            if lookup.size()
            else 0
        )
        if span == 0:
            raise lookup.wrong("a row for every count")
        numeric = entries["numeric"].bits(1, size)[0]
        # A row's sum of this many numerators must fit in 64 bits.
        bound = _INT64 // (self.max_len + 1)
        return t.Mean(
            self.formula(entries["selector"]),
            value,
            entries["numerators"].array(size, low=-bound, high=bound),
            numeric,
            entries["denominator"].integer(1, _INT64),
            self.entry(entries["default"], domain),
            self.indices(lookup, domain, self.max_len + 1, span),
            entries["lowest"].integer(-_INT64, _INT64),
        )

    def pick(self, found: LocatedJson, domain: Domain) -> t.Pick:
        entries = found.fields(
            "kind", "selector", "value", "recode", "default", "rule", "proven"
        )
        value = self.earlier(entries["value"])
        return t.Pick(
            self.formula(entries["selector"]),
            value,
            self.indices(entries["recode"], domain, self.size(value)),
            self.entry(entries["default"], domain),
            entries["rule"].choice(PICK_RULES),
            entries["proven"].flag(),
        )

    def formula(self, found: LocatedJson) -> t.Formula:
        kind = found.entries().get("kind")
        if kind is None:
            raise found.wrong("a selector with a kind")
        word = kind.choice(("everything", "nothing", "select", "and", "or", "not"))
        if word in ("everything", "nothing"):
            found.fields("kind")
            return t.Truth(word == "everything")
        if word == "select":
            entries = found.fields("kind", "key", "query", "allowed")
            key, query = self.earlier(entries["key"]), self.earlier(entries["query"])
            shape = self.size(key), self.size(query)
            return t.Atom(key, query, entries["allowed"].bits(*shape))
        parts = found.fields("kind", "parts")["parts"]
        items = tuple(self.formula(item) for item in parts.items())
        if not items or (word == "not" and len(items) > 1):
            raise parts.wrong("one selector" + ("" if word == "not" else " or more"))
        return t.Junction(word, items)
