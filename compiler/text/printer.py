"""A program as RASP text, such that reading the text gives the same program.

A function that was written in Python is printed as a table over the values that its
arguments can have. Whether `aggregate` needs its rule said is found by reading:
the text is read back, and what differs is said more exactly, until nothing differs.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from compiler.errors import InputError, ProgramError
from compiler.ir import graph as g
from compiler.ir import typed as t
from compiler.ir.formula import atoms
from compiler.passes.check import some_inputs
from compiler.passes.infer import infer_domains
from compiler.passes.rules import settle_and_infer
from compiler.rasp import operators as op
from compiler.rasp.expr import Comparison, SOp
from compiler.rasp.values import Value, canonical, same
from compiler.text.evaluator import Evaluator
from compiler.text.kinds import common_kind
from compiler.text.lexer import KEYWORDS
from compiler.text.program import read_program
from compiler.text.source import RaspError, SourceText
from compiler.text.wording import (
    BEFORE,
    BETWEEN,
    CALLED,
    WIDTH,
    Phrase,
    Unsayable,
    before,
    call,
    choice,
    comment_lines,
    join,
    list_lines,
    say_formula,
    say_tokens,
    say_value,
    split_joined,
)

MOST_ENTRIES = 20_000
"""Entries of a table above which a function is not written out."""
_INLINE = 48
"""So many characters of an expression are written inside another one."""
_JOINS = (op.both, op.either, op.exclusive, op.invert)
_PLAIN_RULES = ("unique", "mean", "one_or_mean")


@dataclass(frozen=True)
class Printed:
    """A program over its inputs, about to be printed.

    Attributes:
        expression: what it computes.
        name: what it is called.
        vocab: the tokens.
        max_len: the greatest number of tokens.
        causal: whether positions see only themselves and earlier ones.
        meaning: what is said of it at the top.
        explicit: whether the rule of an aggregate is said wherever reading would have
            to try inputs to find it. Reading such a text is faster.
    """

    expression: SOp
    name: str
    vocab: tuple[Value, ...]
    max_len: int
    causal: bool = False
    meaning: str = ""
    explicit: bool = False

    def typed(self) -> tuple[g.Graph, t.Typed]:
        """Return its graph with settled rules, and the values that it can have."""
        graph = g.build_graph(self.expression, self.name, self.causal)

        def infer(found: g.Graph) -> t.Typed:
            return infer_domains(found, self.vocab, self.max_len)

        return settle_and_infer(graph, infer, lambda typed: some_inputs(typed, None))


def print_program(
    printed: Printed, known: tuple[g.Graph, t.Typed] | None = None
) -> str:
    """Return a program as RASP text.

    Args:
        printed: the program.
        known: what `printed.typed()` returns, if it was called before.

    Raises:
        InputError: RASP text has no words for it; says which part.
        ProgramError: the program cannot be typed.
    """
    graph, typed = known or printed.typed()
    exact: set[int] = set()
    every = set(range(len(graph.nodes)))
    try:
        for _ in range(5):
            text = _Printer(printed, graph, typed, exact).text()
            wrong = _differences(text, printed, graph, typed)
            if not wrong:
                return text
            exact = exact | wrong if wrong - exact else every
        reason = "its text is read as another program"
    except Unsayable as error:
        reason = str(error)
    raise InputError(f"{printed.name} cannot be said as RASP text: {reason}")


def _differences(
    text: str, printed: Printed, graph: g.Graph, typed: t.Typed
) -> set[int]:
    """Return the nodes that a text says otherwise; all, if it cannot be told which."""
    every = set(range(len(graph.nodes)))
    try:
        program = read_program(SourceText(text, f"{printed.name}.rasp"))
        again = Printed(
            program.build(program.vocab, program.max_len),
            program.name,
            program.vocab,
            program.max_len,
            program.causal,
        )
        if _reads_alike(again, printed, graph, typed):
            return set()
        _, found = again.typed()
    except (RaspError, ProgramError):
        return every
    if len(found.variables) != len(typed.variables):
        return every
    pairs = zip(typed.variables, found.variables, strict=True)
    wrong = {i for i, (a, b) in enumerate(pairs) if not is_same(a, b)}
    same = (found.output, found.numerical) == (typed.output, typed.numerical)
    return wrong if same or wrong else {typed.output}


def _reads_alike(
    again: Printed, printed: Printed, graph: g.Graph, typed: t.Typed
) -> bool:
    """Return whether a program that was read is plainly the one that was printed.

    That is seen without domains, which take longer than all else here. False says
    nothing: rules of aggregates may have to be found, or the programs may differ.
    """
    found = g.build_graph(again.expression, again.name, again.causal)
    inputs = (again.vocab, again.max_len, found.causal, found.output)
    if inputs != (printed.vocab, printed.max_len, graph.causal, graph.output):
        return False
    pairs = zip(graph.nodes, found.nodes, strict=False)
    return len(graph.nodes) == len(found.nodes) and all(
        one == other or _computes_alike(i, one, other, graph, typed)
        for i, (one, other) in enumerate(pairs)
    )


def _computes_alike(
    index: int, one: g.Node, other: g.Node, graph: g.Graph, typed: t.Typed
) -> bool:
    """Return whether a node differs by the words for its function or rule alone."""
    wanted, found = one.operation, other.operation
    if one != replace(other, operation=wanted):
        return False
    if isinstance(wanted, g.Apply) and isinstance(found, g.Apply):
        return wanted.args == found.args and _gives_table(index, found, typed)
    if not (isinstance(wanted, g.Gather) and isinstance(found, g.Gather)):
        return False
    plain = found.rule == "one_or_mean" and replace(found, rule="unique") == wanted
    is_number = one.numerical or graph.nodes[wanted.value].numerical
    return plain and not is_number and _is_proven(index, typed)


def _gives_table(index: int, apply: g.Apply, typed: t.Typed) -> bool:
    """Return whether a function has the results that a variable's table has."""
    variable = typed.variables[index]
    table = variable.operation
    if not isinstance(table, t.Table) or table.partial is not None:
        return False
    held = [typed.variables[a].domain.values for a in table.args]
    for cell in np.argwhere(table.table >= 0).tolist():
        arguments = [values[i] for values, i in zip(held, cell, strict=True)]
        wanted = variable.domain.values[table.table[tuple(cell)]]
        try:
            found = canonical(apply.function(*arguments))
        except Exception:
            return False
        if not same(found, wanted):
            return False
    return True


def _is_proven(index: int, typed: t.Typed) -> bool:
    """Return whether an aggregate never meets two values, whatever is read."""
    operation = typed.variables[index].operation
    if not isinstance(operation, t.Pick) or operation.rule != "unique":
        return False
    return operation.proven


def is_same(left: Any, right: Any) -> bool:
    """Return whether two parts of typed programs are equal, but for their wording."""
    if type(left) is not type(right):
        return False
    if is_dataclass(left):
        skipped = {"text"}
        if isinstance(left, t.Pick):
            skipped.add("proven")
        return all(
            is_same(getattr(left, f.name), getattr(right, f.name))
            for f in fields(left)
            if f.name not in skipped
        )
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(is_same, left, right))
    if isinstance(left, np.ndarray):
        return left.shape == right.shape and bool((left == right).all())
    return bool(left == right)


class _Printer:
    """Writes the nodes of a graph as definitions, in order."""

    def __init__(
        self, printed: Printed, graph: g.Graph, typed: t.Typed, exact: set[int]
    ) -> None:
        self.printed, self.graph, self.typed, self.exact = printed, graph, typed, exact
        self.values = [v.domain.values for v in typed.variables]
        self.uses = Counter(i for node in graph.nodes for i in _reads(node.operation))
        self.phrases: dict[int, Phrase] = {}
        self.taken = set(Evaluator().language.names)
        self.tables: dict[str, str] = {}
        self.lines: list[str] = []

    def text(self) -> str:
        """Return the whole text."""
        self.head()
        output = self.graph.output
        for index in range(len(self.graph.nodes)):
            if index != output:
                self.define(index)
        node = self.graph.nodes[output]
        phrase = self.phrase(output)
        if node.named and not isinstance(node.operation, g.Source):
            phrase = call("named", phrase, say_value(node.name))
        name = self.printed.name
        if not re.fullmatch(r"[A-Za-z][A-Za-z_0-9]*", name) or name in KEYWORDS:
            raise Unsayable(f"its name {name!r} is none of the language")
        self.write(name, phrase, node.note if node.note else "")
        return "\n".join(self.lines) + "\n"

    def head(self) -> None:
        """Write what the program is and over which inputs."""
        self.lines += comment_lines(self.printed.meaning)
        self.lines += say_tokens(self.printed.vocab)
        self.lines.append(f"set max_len {self.printed.max_len}")
        if self.printed.causal:
            self.lines.append("set causal True")
        self.lines.append("")

    def define(self, index: int) -> None:
        """Say a node: as a definition, or where it is read."""
        node, phrase = self.graph.nodes[index], self.phrase(index)
        if isinstance(node.operation, g.Source) or not (
            node.named
            or node.note
            or len(phrase.text) > _INLINE
            or (self.uses[index] > 1 and not isinstance(node.operation, g.Const))
        ):
            self.phrases[index] = phrase
            return
        name = node.name
        if not node.named:
            name = self.free(f"_{name}")
        elif not _is_free_name(name) or name in self.taken:
            phrase = call("named", phrase, say_value(name))
            name = self.free("_" + (re.sub(r"\W", "_", name, flags=re.ASCII)))
        self.taken.add(name)
        self.write(name, phrase, node.note)
        self.phrases[index] = Phrase(name)

    def free(self, name: str) -> str:
        """Return a private name that nothing has."""
        number, free = 1, name
        while free in self.taken:
            number += 1
            free = f"{name}_{number}"
        self.taken.add(free)
        return free

    def numbered(self, stem: str) -> str:
        """Return the next private name of a kind: `_table_1`, `_table_2`, .."""
        number = 1 + sum(n.startswith(f"{stem}_") for n in self.tables.values())
        return self.free(f"{stem}_{number}")

    def write(self, name: str, phrase: Phrase, note: str) -> None:
        """Write a definition, with the note behind it."""
        comment = f"  # {' '.join(note.split())}" if note else ""
        self.lines.append(f"{name} = {phrase.text};{comment}")

    # Nodes --------------------------------------------------------------------------

    def phrase(self, index: int) -> Phrase:
        """Return a node as an expression of others."""
        node = self.graph.nodes[index]
        phrase = self.operation(index, node.operation)
        if node.pinned and not isinstance(node.operation, g.Const):
            phrase = call("numerical" if node.numerical else "categorical", phrase)
        elif isinstance(node.operation, g.Const) and (node.named or node.pinned):
            phrase = call("constant", phrase)
            if node.pinned:
                word = "numerical" if node.numerical else "categorical"
                phrase = call(word, phrase)
        return phrase

    def operation(self, index: int, operation: g.Operation) -> Phrase:
        """Return an operation on other nodes as an expression."""
        match operation:
            case g.Source():
                return Phrase(operation.kind)
            case g.Const():
                phrase = say_value(operation.value)
                is_output = index == self.graph.output
                return call("constant", phrase) if is_output else phrase
            case g.Width():
                return call("selector_width", self.selector(operation.selector))
            case g.Gather():
                return self.gather(index, operation)
        return self.apply(index, operation)

    def gather(self, index: int, gather: g.Gather) -> Phrase:
        """Return an aggregate; with its rule, where reading would find another one."""
        args = [self.selector(gather.selector), self.phrases[gather.value]]
        default = gather.default
        plain = gather.rule in _PLAIN_RULES and index not in self.exact
        if self.printed.explicit and not _is_proven(index, self.typed):
            plain = False
        if not plain or default.kind != "int" or default.value != 0:
            args.append(say_value(default.value))
        if not plain:
            args.append(say_value(gather.rule))
        return call("aggregate", *args)

    def apply(self, index: int, apply: g.Apply) -> Phrase:
        """Return a function of sequences: by its operator, or as a table."""
        function = apply.function
        args = [self.phrases[a] for a in apply.args]
        if self.folds(apply):
            args[0] = call("constant", args[0])
        booleans = all(common_kind(self.values[a]) == "boolean" for a in apply.args)
        as_table = index in self.exact or (function in _JOINS and not booleans)
        if as_table and not isinstance(self.typed.variables[index].operation, t.Table):
            as_table = False
        if not as_table:
            if function in BETWEEN:
                return join(*BETWEEN[function], *args)
            if function in BEFORE:
                return before(BEFORE[function], args[0])
            if function in CALLED:
                return call(CALLED[function], *args)
            if function is op.choose:
                if (args[1].text, args[2].text) == ("1", "0"):
                    return call("indicator", args[0])
                return choice(*args)
        return self.look_up(index, args)

    def folds(self, apply: g.Apply) -> bool:
        """Return whether reading would compute the function at once, on atoms."""
        held = [self.graph.nodes[a] for a in apply.args]
        atomic = [
            isinstance(n.operation, g.Const) and not (n.named or n.pinned) for n in held
        ]
        return atomic[0] if apply.function is op.choose else all(atomic)

    def look_up(self, index: int, args: Sequence[Phrase]) -> Phrase:
        """Return a function as a table over the values of its arguments."""
        operation = self.typed.variables[index].operation
        assert isinstance(operation, t.Table)
        name = self.graph.nodes[index].name
        cells = np.argwhere(operation.table >= 0)
        if len(cells) > MOST_ENTRIES:
            raise Unsayable(
                f"the function of {name!r} has a table of {len(cells)} entries, more "
                f"than {MOST_ENTRIES}"
            )
        held = [self.values[a] for a in operation.args]
        items = []
        for cell in cells:
            key = tuple(values[i] for values, i in zip(held, cell, strict=True))
            said = say_value(key[0] if len(key) == 1 else key)
            value = self.values[index][operation.table[tuple(cell)]]
            items.append(f"{said.text}: {say_value(value).text}")
        if len(items) <= 3 and len(", ".join(items)) < _INLINE // 2:
            table = "{" + ", ".join(items) + "}"
        else:
            table = self.table("_table", "{", items, "}")
        return Phrase(f"{table}[{', '.join(a.text for a in args)}]", 11)

    def table(self, stem: str, start: str, items: list[str], end: str) -> str:
        """Return the name of a table, which is written in front of the definition."""
        content = start + ", ".join(items) + end
        if content not in self.tables:
            name = self.numbered(stem)
            self.tables[content] = name
            self.lines += list_lines(f"{name} = {start}", items, f"{end};")
        return self.tables[content]

    def selector(self, formula: g.Formula) -> Phrase:
        """Return a selector; a long one is written in front, by a private name."""
        phrase = say_formula(formula, self.atom)
        if len(phrase.text) <= WIDTH - 20:
            return phrase
        if phrase.text not in self.tables:
            name = self.tables[phrase.text] = self.numbered("_selector")
            self.lines += split_joined(f"{name} = {phrase.text};")
        return Phrase(self.tables[phrase.text])

    def atom(self, atom: g.Atom) -> Phrase:
        """Return one select: with a comparison, or with the pairs that it selects."""
        key, query = self.phrases[atom.key], self.phrases[atom.query]
        if isinstance(atom.predicate, Comparison):
            return call("select", key, query, atom.predicate.symbol)
        pairs = [
            (k, q)
            for k, q in itertools.product(
                self.values[atom.key], self.values[atom.query]
            )
            if atom.predicate(k, q)
        ]
        if len(pairs) > MOST_ENTRIES:
            raise Unsayable(f"a select holds for {len(pairs)} pairs of values")
        items = [say_value(pair).text for pair in pairs]
        return call("select", key, query, self.table("_pairs", "[", items, "]"))


def _reads(operation: g.Operation) -> list[int]:
    """Return the nodes that an operation reads, as often as its text names them."""
    match operation:
        case g.Apply():
            return list(operation.args)
        case g.Width() | g.Gather():
            found = [i for a in atoms(operation.selector) for i in (a.key, a.query)]
            return (
                [*found, operation.value] if isinstance(operation, g.Gather) else found
            )
    return []


def _is_free_name(name: str) -> bool:
    """Return whether a program can give a name to a sequence, which then shows it."""
    return bool(re.fullmatch(r"[A-Za-z][A-Za-z_0-9]*", name)) and name not in KEYWORDS
