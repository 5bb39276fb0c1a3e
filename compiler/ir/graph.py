"""The program as a graph: hash-consed nodes in topological order, with names.

What lives here: the second stage of the pipeline and the walk that makes it from an
expression. Repeated sub-expressions become one node; each distinct expression is
visited once, so shared parts cost nothing. No value is computed yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from compiler.errors import InputError
from compiler.ir.formula import Junction, Truth, atoms
from compiler.rasp import expr as e
from compiler.rasp.operators import call_text, predicate_text
from compiler.rasp.values import Value, show

SourceKind = Literal["tokens", "indices", "length"]


@dataclass(frozen=True)
class Source:
    """A primitive of the input."""

    kind: SourceKind


@dataclass(frozen=True)
class Const:
    """One value everywhere. `kind` keeps True apart from 1."""

    value: Value
    kind: str


@dataclass(frozen=True)
class Apply:
    """A function of the values at one position."""

    function: Callable[..., Value]
    args: tuple[int, ...]


@dataclass(frozen=True)
class Width:
    """How many positions a selector selects."""

    selector: Formula


@dataclass(frozen=True)
class Gather:
    """What the selected positions hold."""

    selector: Formula
    value: int
    default: Const
    rule: e.Rule


@dataclass(frozen=True)
class Atom:
    """One Select: a predicate of a key and a query."""

    key: int
    query: int
    predicate: Callable[[Value, Value], bool]


Formula = Atom | Junction["Atom"] | Truth
Operation = Source | Const | Apply | Width | Gather


@dataclass(frozen=True)
class Node:
    """A variable of the program.

    Attributes:
        name: unique in the graph.
        operation: how it is computed from earlier nodes.
        named: whether the author gave the name (such nodes are kept as variables).
        note: the author's line of documentation.
        numerical: whether aggregates average it.
        pinned: whether the author annotated the encoding.
    """

    name: str
    operation: Operation
    named: bool = False
    note: str = ""
    numerical: bool = False
    pinned: bool = False


@dataclass(frozen=True)
class Graph:
    """A whole program.

    Attributes:
        name: the program's.
        nodes: in topological order; what only `extra` needs comes last.
        output: the node that is the result.
        causal: whether positions see only themselves and earlier ones.
        extra: nodes that are computed beside the program, and read by none of it.
        repeated: of each name that the author gave twice, what to say of it.
    """

    name: str
    nodes: tuple[Node, ...]
    output: int
    causal: bool
    extra: tuple[int, ...] = ()
    repeated: tuple[str, ...] = ()


def parents(operation: Operation) -> tuple[int, ...]:
    """Return the nodes that an operation reads, in order, without repeats."""
    match operation:
        case Apply():
            found = list(operation.args)
        case Width() | Gather():
            found = [i for a in atoms(operation.selector) for i in (a.key, a.query)]
            if isinstance(operation, Gather):
                found.append(operation.value)
        case _:
            found = []
    return tuple(dict.fromkeys(found))


_LABELS = {Apply: "map", Width: "width", Gather: "aggregate", Const: "constant"}


class _Builder:
    """Collects nodes; equal (operation, name, encoding) are one node."""

    def __init__(self, causal: bool) -> None:
        self.causal = causal
        self.nodes: list[Node] = []
        self.index: dict[object, int] = {}
        self.names: set[str] = {"tokens", "indices", "length"}
        self.done: dict[int, object] = {}
        self.repeated: list[str] = []

    def add(self, operation: Operation, sop: e.SOp | None) -> int:
        numerical = sop is not None and e.is_numerical(sop)
        given = e.given_name(sop) if sop is not None else None
        pinned = sop is not None and sop.encoding != "auto"
        if isinstance(operation, Source):
            given = operation.kind
        key = (operation, given, numerical)
        if key not in self.index:
            plain = (operation, None, numerical)
            if given is None and plain in self.index:
                return self.index[plain]
            self.index[key] = len(self.nodes)
            # An unnamed twin of a named node is that node.
            self.index.setdefault(plain, len(self.nodes))
            name = self.fresh(given or _LABELS[type(operation)], given is not None)
            note = sop.note if sop is not None else ""
            self.nodes.append(
                Node(name, operation, given is not None, note, numerical, pinned)
            )
            if given is not None and name != given and not _may_repeat(sop):
                self.repeated.append(self.repeat(given))
        return self.index[key]

    def fresh(self, stem: str, given: bool) -> str:
        if stem in ("tokens", "indices", "length") and stem not in {
            n.name for n in self.nodes
        }:
            return stem
        number, name = 1, stem if given else f"{stem}_1"
        while name in self.names:
            number += 1
            name = f"{stem}_{number}"
        self.names.add(name)
        return name

    def repeat(self, given: str) -> str:
        """Return what to say of the last node, whose name an earlier one has."""
        texts, node = written_names(self.nodes), self.nodes[-1]
        first = next(n for n in self.nodes if n.name == given)
        return (
            f"{given!r} is the name of two sequences: {given} = "
            f"{definition(first, texts)}, and {definition(node, texts)}, which is "
            f"called {node.name!r}"
        )

    def name_output(self, index: int) -> None:
        """Call an unnamed output `output`; the last node, so no name follows it."""
        node = self.nodes[index]
        if not node.named and not isinstance(node.operation, Const):
            self.nodes[index] = replace(node, name=self.fresh("output", True))

    def constant(self, value: Value) -> Const:
        return Const(value, type(value).__name__)

    def sop(self, sop: e.SOp) -> int:
        return self.done[id(sop)]  # type: ignore[return-value]

    def formula(self, selector: e.Selector) -> Formula:
        return self.done[id(selector)]  # type: ignore[return-value]

    def visit(self, item: e.SOp | e.Selector) -> object:
        match item:
            case e.Tokens():
                return self.add(Source("tokens"), item)
            case e.Indices():
                return self.add(Source("indices"), item)
            case e.Length():
                if self.causal:
                    raise InputError(
                        "a causal program cannot know `length`: later tokens are out "
                        "of sight. Use indices + 1, the number of tokens so far."
                    )
                return self.add(Source("length"), item)
            case e.Constant():
                return self.add(self.constant(item.value), item)
            case e.Elementwise():
                args = tuple(self.sop(a) for a in item.args)
                return self.add(Apply(item.function, args), item)
            case e.SelectorWidth():
                return self.add(Width(self.formula(item.selector)), item)
            case e.Aggregate():
                gather = Gather(
                    self.formula(item.selector),
                    self.sop(item.value),
                    self.constant(item.default),
                    item.resolved_rule,
                )
                return self.add(gather, item)
            case e.Select(predicate=e.Comparison.TRUE | e.Comparison.FALSE):
                return Truth(item.predicate is e.Comparison.TRUE)
            case e.Select():
                return Atom(self.sop(item.keys), self.sop(item.queries), item.predicate)
            case e.SelectorConstant():
                return Truth(item.value)
            case e.SelectorNot():
                return Junction("not", (self.formula(item.inner),))
            case e.SelectorAnd():
                return Junction(
                    "and", (self.formula(item.left), self.formula(item.right))
                )
            case e.SelectorOr():
                return Junction(
                    "or", (self.formula(item.left), self.formula(item.right))
                )
        raise TypeError(f"{item!r} is a {type(item).__name__}, not a RASP expression")


def _may_repeat(sop: e.SOp | None) -> bool:
    return sop is None or sop.may_repeat


def build_graph(
    root: e.SOp,
    name: str = "program",
    causal: bool = False,
    extra: Sequence[e.SOp] = (),
) -> Graph:
    """Return the graph of an expression: each distinct part once, in order.

    The walk keeps its own stack, so depth is not bounded by Python's recursion, and
    marks what it has seen, so shared parts are visited once.

    Args:
        root: what the program computes.
        name: the program's.
        causal: whether positions see only themselves and earlier ones.
        extra: what is computed beside it. Its nodes come after the program's; a name
            that the program has already gets a number.
    """
    builder = _Builder(causal)
    _walk(builder, root)
    builder.name_output(builder.sop(root))
    repeated = tuple(builder.repeated)
    for expression in extra:
        _walk(builder, expression)
    return Graph(
        name,
        tuple(builder.nodes),
        builder.sop(root),
        causal,
        tuple(builder.sop(beside) for beside in extra),
        repeated,
    )


def _walk(builder: _Builder, root: e.SOp) -> None:
    stack: list[tuple[e.SOp | e.Selector, bool]] = [(root, False)]
    while stack:
        item, ready = stack.pop()
        if id(item) in builder.done:
            continue
        if ready:
            builder.done[id(item)] = builder.visit(item)
        else:
            stack.append((item, True))
            stack.extend((c, False) for c in reversed(e.parts_of(item)))


def describe(formula: Formula, names: list[str]) -> str:
    """Return a formula as text: `tokens < tokens & indices <= indices`."""
    match formula:
        case Truth():
            return "everything" if formula.value else "nothing"
        case Atom():
            key, query = names[formula.key], names[formula.query]
            return predicate_text(formula.predicate, key, query)
        case Junction(kind="not"):
            return f"~({describe(formula.parts[0], names)})"
    sign = " & " if formula.kind == "and" else " | "
    return sign.join(f"({describe(p, names)})" for p in formula.parts)


# Parts may be shared, and written out they would grow without end.
_LONGEST = 120


def written_names(nodes: Sequence[Node]) -> list[str]:
    """Return what an author knows each node by: its name, or how it is computed.

    Nodes without a name are written out, in terms of those that have one.
    """
    texts: list[str] = []
    for node in nodes:
        text = definition(node, texts)
        texts.append(node.name if node.named or len(text) > _LONGEST else text)
    return texts


def place_in_program(name: str | None, text: str) -> str:
    """Return how an error names a node: `'rank', that is rank = ..`, or its text."""
    return f"`{text}`" if name is None else f"{name!r}, that is {name} = {text}"


def definition(node: Node, names: list[str]) -> str:
    """Return how a node is computed, without its name: `tokens + 1`."""
    return describe_node(node, names)[len(f"{node.name} = ") :]


def describe_node(node: Node, names: list[str]) -> str:
    """Return one line for a node: `rank = width(..)`."""
    match node.operation:
        case Source():
            return f"{node.name} = input"
        case Const():
            return f"{node.name} = {show(node.operation.value)}"
        case Apply():
            args = [names[a] for a in node.operation.args]
            return f"{node.name} = {call_text(node.operation.function, args)}"
        case Width():
            return f"{node.name} = width({describe(node.operation.selector, names)})"
    gather = node.operation
    default = "" if gather.default.value is None else f", {show(gather.default.value)}"
    return (
        f"{node.name} = {gather.rule}({describe(gather.selector, names)}, "
        f"{names[gather.value]}{default})"
    )
