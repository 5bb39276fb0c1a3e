"""One component of a model, with all that is known of it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compiler.notation import value_to_json
from compiler.rasp.values import Value, show, show_many


@dataclass(frozen=True)
class Wire:
    """An edge of the circuit at a component.

    Attributes:
        node: the source that is read, or the reader that reads.
        slot: q, k or v of a head, `in` of an MLP, `logits`.
        variables: what the edge carries.
    """

    node: str
    slot: str
    variables: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the edge as JSON values."""
        return {**vars(self), "variables": list(self.variables)}


@dataclass(frozen=True)
class ComponentExample:
    """An input, and what the variable holds at each of its tokens."""

    tokens: tuple[Value, ...]
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Component:
    """What a head or an MLP computes: one row a variable.

    Attributes:
        model: name of the model.
        node: the head or MLP.
        layer: of it.
        kind: `head` or `mlp`.
        part: `circuit`; `beside` if what it computes is never read; `outside` if it
            computes no variable.
        role: one of `zoo.annotation.roles.ROLES`; None outside the circuit.
        variable: what it writes; None outside.
        sentence: what it does.
        definition: the variable as the program's author wrote it, where that is known.
        code: the same as a Python expression (`zoo/annotation/code.py`); of a task the
            source text of the task.
        values: its values, each with the share of tokens that hold it.
        table: of an element-wise variable its values by those of its arguments.
        examples: inputs with its values.
        reads: the edges into it.
        read_by: the edges out of it that carry the variable.
    """

    model: str
    node: str
    layer: int
    kind: str
    part: str
    role: str | None
    variable: str | None
    sentence: str
    definition: str | None = None
    code: str | None = None
    values: tuple[tuple[Value, float], ...] = ()
    table: Mapping[tuple[Value, ...], Value] | None = None
    examples: tuple[ComponentExample, ...] = ()
    reads: tuple[Wire, ...] = ()
    read_by: tuple[Wire, ...] = ()

    def __repr__(self) -> str:
        return f"<Component {self.model} {self.node}: {self.variable}, {self.role}>"

    def to_json(self) -> dict[str, Any]:
        """Return the component as JSON values."""
        shares = [{"value": value_to_json(v), "share": s} for v, s in self.values]
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "values": shares,
            "table": None if self.table is None else _rows(self.table),
            "examples": [
                {"tokens": _json(e.tokens), "values": _json(e.values)}
                for e in self.examples
            ],
            "reads": [wire.to_json() for wire in self.reads],
            "read_by": [wire.to_json() for wire in self.read_by],
        }

    def lines(self, width: int) -> list[str]:
        """Return the component as lines of text."""
        title = f"{self.node}  {self.role or self.part}"
        if self.variable is not None:
            title += f"  {self.variable}"
        if self.part == "beside":
            title += "  (beside the circuit: nothing reads it)"
        found = [title, *_wrap(self.sentence, width)]
        if self.variable is None:
            return found
        if self.definition is not None:
            found += _wrap(f"program: {self.definition}", width)
        found += _wrap(f"code: {_shorten(self.code)}", width)
        found += _wrap(f"values: {show_many([v for v, _ in self.values])}", width)
        if self.reads:
            found += _wrap(f"reads: {_wires(self.reads)}", width)
        if self.read_by:
            found += _wrap(f"read by: {_wires(self.read_by)}", width)
        for example in self.examples[:2]:
            found += _wrap(
                f"{_shown(example.tokens)} -> {_shown(example.values)}", width
            )
        return found


_PLAIN = (
    *("model", "node", "layer", "kind", "part", "role", "variable", "sentence"),
    *("definition", "code"),
)
_MOST_CODE = 300


def _shorten(code: str | None) -> str:
    """Return code as the terminal shows it; of a task only where it is to be found."""
    if code is None:
        return "not known"
    if "\n" in code:
        return "the source text of the task (with --jsonl)"
    if len(code) <= _MOST_CODE:
        return code
    return f"{code[:_MOST_CODE].rstrip()} .. (whole with --jsonl)"


def _json(values: Sequence[Value]) -> list[Any]:
    return [value_to_json(value) for value in values]


def _rows(table: Mapping[tuple[Value, ...], Value]) -> list[dict[str, Any]]:
    return [{"of": _json(k), "value": value_to_json(v)} for k, v in table.items()]


def _wires(wires: Sequence[Wire]) -> str:
    return ", ".join(f"{w.node} ({w.slot}: {', '.join(w.variables)})" for w in wires)


def _shown(values: Sequence[Value]) -> str:
    return f"[{', '.join(map(show, values))}]"


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ")
