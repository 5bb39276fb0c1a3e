"""The syntax tree of RASP text: frozen dataclasses, each with its place.

`parser` makes it, `evaluator` reads it. Its shape is that of the grammar in
`docs/rasp.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.rasp.values import Value
from compiler.text.source import Span


@dataclass(frozen=True, eq=False)
class Literal:
    """An atom as it is written: `3`, `0.5`, `"a"`."""

    at: Span
    value: Value


@dataclass(frozen=True, eq=False)
class NameNode:
    """A name."""

    at: Span
    name: str


@dataclass(frozen=True, eq=False)
class Unary:
    """`not x`, `-x`, `+x`."""

    at: Span
    operator: str
    operand: ExpressionNode


@dataclass(frozen=True, eq=False)
class Binary:
    """Two expressions with an operator between them; `place` is the operator's."""

    at: Span
    place: Span
    operator: str
    left: ExpressionNode
    right: ExpressionNode


@dataclass(frozen=True, eq=False)
class Ternary:
    """`yes if condition else no`."""

    at: Span
    yes: ExpressionNode
    condition: ExpressionNode
    no: ExpressionNode


@dataclass(frozen=True, eq=False)
class IndexOf:
    """`value[index]`; several indices are one tuple."""

    at: Span
    value: ExpressionNode
    index: ExpressionNode


@dataclass(frozen=True, eq=False)
class Call:
    """`function(arguments)`: a function, or a sequence on an input."""

    at: Span
    function: ExpressionNode
    arguments: tuple[ExpressionNode, ...]


@dataclass(frozen=True, eq=False)
class SelectCall:
    """`select(key, query, ==)`; or with the list of the pairs that are selected."""

    at: Span
    key: ExpressionNode
    query: ExpressionNode
    comparison: str | ExpressionNode


@dataclass(frozen=True, eq=False)
class ListOf:
    """`[a, b]`."""

    at: Span
    items: tuple[ExpressionNode, ...]


@dataclass(frozen=True, eq=False)
class TupleOf:
    """`(a, b)`."""

    at: Span
    items: tuple[ExpressionNode, ...]


@dataclass(frozen=True, eq=False)
class DictOf:
    """`{a: b, c: d}`: pairs of a key and a value."""

    at: Span
    items: tuple[tuple[ExpressionNode, ExpressionNode], ...]


@dataclass(frozen=True, eq=False)
class Comprehension:
    """`[value for names in iterable]`; with a key it makes a dict."""

    at: Span
    key: ExpressionNode | None
    value: ExpressionNode
    names: tuple[NameNode, ...]
    iterable: ExpressionNode


ExpressionNode = (
    Literal
    | NameNode
    | Unary
    | Binary
    | Ternary
    | IndexOf
    | Call
    | SelectCall
    | ListOf
    | TupleOf
    | DictOf
    | Comprehension
)


@dataclass(frozen=True, eq=False)
class Assign:
    """`a, b = x, y;`, with the comment on the same line."""

    at: Span
    names: tuple[NameNode, ...]
    values: tuple[ExpressionNode, ...]
    note: str


@dataclass(frozen=True, eq=False)
class ShowLine:
    """An expression as a statement."""

    at: Span
    value: ExpressionNode


@dataclass(frozen=True, eq=False)
class Draw:
    """`draw(sequence, input);`."""

    at: Span
    value: ExpressionNode
    input: ExpressionNode | None


@dataclass(frozen=True, eq=False)
class Load:
    """`load "file";`."""

    at: Span
    file: str


@dataclass(frozen=True, eq=False)
class Define:
    """`def name(parameters) { body return results; }`."""

    at: Span
    name: NameNode
    parameters: tuple[NameNode, ...]
    body: tuple[Statement, ...]
    results: tuple[ExpressionNode, ...]


@dataclass(frozen=True, eq=False)
class Loop:
    """`for names in iterable { body }`."""

    at: Span
    names: tuple[NameNode, ...]
    iterable: ExpressionNode
    body: tuple[Statement, ...]


@dataclass(frozen=True, eq=False)
class SetLine:
    """`set example "hey"`: what is set (`s-op example`, `vocab`), and to what."""

    at: Span
    what: str
    value: ExpressionNode


@dataclass(frozen=True, eq=False)
class Command:
    """What only a shell does: `examples off`, `show example`, `quit`."""

    at: Span
    words: tuple[str, ...]


Statement = Assign | ShowLine | Draw | Load | Define | Loop | SetLine | Command
