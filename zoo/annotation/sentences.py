"""What a component does, in one sentence."""

from __future__ import annotations

from compiler.ir import typed as t
from compiler.rasp.values import Value, show, show_many
from zoo.annotation.code import comparison_of, table_entries
from zoo.causal.model import CausalVariable

_VERBS = {
    "==": "equals",
    "!=": "differs from",
    "<": "is less than",
    "<=": "is at most",
    ">": "is greater than",
    ">=": "is at least",
}
_RULES = {
    "unique": "Takes {0} from the position",
    "one_or_mean": "Takes {0} from the position",
    "first": "Takes {0} from the first position",
    "last": "Takes {0} from the last position",
    "min": "Takes the least {0} of the positions",
    "max": "Takes the greatest {0} of the positions",
    "mode": "Takes the commonest {0} of the positions",
}

NOTHING = "Computes no variable of the program; no edge of the circuit leaves it."


def sentence_of(steps: t.Typed, variable: t.Variable) -> str:
    """Return a sentence on how a step is computed."""
    operation = variable.operation
    match operation:
        case t.Table():
            return _of_table(steps, variable, operation)
        case t.Input():
            return "Counts the tokens of the input."
        case t.Fixed():
            return f"Is {show(variable.domain.values[0])} everywhere."
        case t.Width(selector=selector):
            return f"Counts the positions {_where(steps, selector)}."
        case t.Mean(selector=selector):
            read = steps.variables[operation.value].name
            begun = f"Averages {read} over the positions {_where(steps, selector)}"
    if isinstance(operation, t.Pick):
        read = steps.variables[operation.value].name
        begun = _RULES[operation.rule].format(read)
        begun += f" {_where(steps, operation.selector)}"
    default = operation.default
    if default < 0:
        return f"{begun}."
    return f"{begun}; {show(variable.domain.values[default])} where there is none."


def sentence_by_hand(variable: CausalVariable, meaning: str) -> str:
    """Return a sentence on a variable of a task, which is defined by code."""
    read = ", ".join(dict.fromkeys(p.source for p in variable.parents))
    what = "A head" if variable.kind == "head" else "An MLP"
    return f"{what} computes {variable.name} from {read}. The task: {meaning}"


def _where(steps: t.Typed, selector: t.Formula) -> str:
    if isinstance(selector, t.Truth):
        return "that it sees" if selector.value else "of which there are none"
    return f"at which {_condition(steps, selector)}"


def _condition(steps: t.Typed, formula: t.Formula) -> str:
    match formula:
        case t.Truth(value=value):
            return "anything holds" if value else "nothing holds"
        case t.Atom():
            return _comparison(steps, formula)
        case t.Junction(kind="not"):
            return f"it is not so that {_condition(steps, formula.parts[0])}"
    return f" {formula.kind} ".join(_condition(steps, part) for part in formula.parts)


def _comparison(steps: t.Typed, atom: t.Atom) -> str:
    key, query = steps.variables[atom.key], steps.variables[atom.query]
    sign = comparison_of(steps, atom)
    if sign is not None:
        return f"{key.name} {_VERBS[sign]} the {query.name} of this position"
    if query.domain.size == 1:
        allowed = zip(key.domain.values, atom.allowed[:, 0], strict=True)
        return f"{key.name} is {_any_of([v for v, ok in allowed if ok])}"
    if key.domain.size == 1:
        allowed = zip(query.domain.values, atom.allowed[0], strict=True)
        return (
            f"this position's {query.name} is {_any_of([v for v, ok in allowed if ok])}"
        )
    return f"{key.name} goes with the {query.name} of this position (see the code)"


def _any_of(values: list[Value]) -> str:
    if not values:
        return "no value"
    if len(values) == 1:
        return show(values[0])
    return f"one of {show_many(values)}"


def _of_table(steps: t.Typed, variable: t.Variable, table: t.Table) -> str:
    free = [a for i, a in enumerate(table.args) if table.table.shape[i] > 1]
    names = [steps.variables[a].name for a in free]
    entries = table_entries(steps, variable, table)
    if len(names) > 1:
        *first, last = names
        return f"Computes {variable.name} from {', '.join(first)} and {last}."
    if not names:
        return f"Is {show(next(iter(entries.values()), None))} everywhere."
    if all(isinstance(v, bool) for v in variable.domain.values):
        true = [key[0] for key, value in entries.items() if value]
        return f"Says whether {names[0]} is {_any_of(true)}."
    if all(key[0] == value for key, value in entries.items()):
        return f"Copies {names[0]}."
    return f"Gives each value of {names[0]} a value: {_pairs(entries)}."


def _pairs(entries: dict[tuple[Value, ...], Value]) -> str:
    shown = [f"{show(k[0])} becomes {show(v)}" for k, v in list(entries.items())[:6]]
    return ", ".join(shown) + (", .." if len(entries) > 6 else "")
