"""RASP text run at compile time: what each name stands for, statement by statement.

Nothing is computed on an input here. A program builds an expression of
`compiler.rasp`, which the compiler or the interpreter takes from there. A statement
that asks for a value, such as `reverse("abc");`, is handed to whoever runs the text.

The evaluator follows the tree on a list of its own (`trampoline`), counts its steps,
and knows no word for anything outside of the program.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compiler.rasp.expr import Selector, SOp, given_name
from compiler.text import syntax as s
from compiler.text.evaluation import ExpressionEvaluator
from compiler.text.files import read_loaded
from compiler.text.kinds import is_atom
from compiler.text.operations import noun
from compiler.text.parser import parse
from compiler.text.scope import Function, NameScope
from compiler.text.source import SourceText, Span
from compiler.text.trampoline import Work, run


@dataclass(frozen=True, eq=False)
class StatementOutcome:
    """What a statement did.

    Attributes:
        kind: `value` (an expression or a definition), `apply` (a sequence or selector
            on an input), `draw`, `set` or `command`.
        name: of what was defined; `out` for an expression; what is set; the command.
        value: the value, or the sequence or selector that is applied or drawn.
        input: what it is applied to.
        at: the place of the statement.
    """

    kind: str
    name: str
    value: Any
    input: Any = None
    at: Span = Span(0, 0)  # noqa: RUF009


class Evaluator(ExpressionEvaluator):
    """Runs statements one after the other; names stay from one text to the next."""

    def run(self, source: SourceText) -> Iterator[StatementOutcome]:
        """Run a text, and yield what each statement did as soon as it is done.

        Raises:
            RaspError: the text cannot be read, or one of its statements fails.
        """
        self.steps = self.characters = 0
        self.count_text(source, None)
        self.source = source
        for statement in parse(source):
            yield from self.run_statement(statement, source)

    def run_statement(
        self, statement: s.Statement, source: SourceText
    ) -> list[StatementOutcome]:
        """Return what a statement of the program itself did."""
        self.source, self.frames, self.loading = source, [], []
        return run(self.statement(statement, self.scope, top=True), self.tick)

    # Statements -----------------------------------------------------------------------

    def statement(self, node: s.Statement, scope: NameScope, top: bool = False) -> Work:
        """Run a statement; the result is a list of outcomes."""
        self.place = node.at
        match node:
            case s.Assign():
                return (yield self.assign(node, scope, top))
            case s.ShowLine():
                return (yield self.show(node, scope, top))
            case s.Define():
                return [self.define(node, scope)]
            case s.Loop():
                return (yield self.loop(node, scope))
            case s.Load():
                return (yield self.load(node, scope))
            case s.Draw():
                return (yield self.draw(node, scope))
            case s.SetLine():
                value = yield self.value(node.value, scope)
                return [StatementOutcome("set", node.what, value, at=node.at)]
        return [StatementOutcome("command", " ".join(node.words), None, at=node.at)]

    def assign(self, node: s.Assign, scope: NameScope, top: bool) -> Work:
        """Set names to values."""
        values = []
        for expression in node.values:
            values.append((yield self.value(expression, scope)))
        for name in node.names:
            self.check_name(name)
        if len(values) == 1 and len(node.names) > 1:
            values = self.unpack(values[0], node.names, node.values[0].at)
        elif len(node.names) == 1 and len(values) > 1:
            values = [values]
        elif len(values) != len(node.names):
            raise self.fail(
                node.at,
                f"{len(node.names)} names are set to {len(values)} values",
                "Write as many values as names",
            )
        found = []
        for name, value in zip(node.names, values, strict=True):
            kept = self.name_sequence(value, name.name, node.note) if top else value
            scope.names[name.name] = kept
            found.append(StatementOutcome("value", name.name, kept, at=node.at))
        return found

    def name_sequence(self, value: Any, name: str, note: str) -> Any:
        """Return what a name of the program stands for: sequences take the name.

        A name with `_` before it is private: the circuit does not show it. A name that
        is set again gets a number, and a sequence that has a name keeps it.
        """
        if not isinstance(value, SOp):
            return value
        if note and not value.note:
            value = value.doc(note)
        if not name.startswith("_") and given_name(value) is None:
            value = value.named(self.free_name(name))
            self.automatic[id(value)] = value
        self.kinds.of(value)
        return value

    def free_name(self, name: str) -> str:
        """Return a name that no sequence has: `x`, or else `x_2`, `x_3`, .."""
        number, free = self.used.get(name, 0), name
        while number and free in self.used:
            number += 1
            free = f"{name}_{number}"
        self.used[name] = max(1, number)
        self.used.setdefault(free, 1)
        return free

    def show(self, node: s.ShowLine, scope: NameScope, top: bool) -> Work:
        """Run an expression as a statement."""
        if top and isinstance(node.value, s.Call):
            function = yield self.value(node.value.function, scope)
            if isinstance(function, SOp | Selector):
                given = yield self.input_of(node.value, scope)
                return [StatementOutcome("apply", "out", function, given, node.at)]
        value = yield self.value(node.value, scope)
        scope.names["out"] = value
        name = node.value.name if isinstance(node.value, s.NameNode) else "out"
        return [StatementOutcome("value", name, value, at=node.at)]

    def input_of(self, node: s.Call, scope: NameScope) -> Work:
        """Compute the input of a sequence that is applied."""
        if len(node.arguments) != 1:
            raise self.fail(
                node.at,
                f"a sequence is applied to {len(node.arguments)} inputs",
                'Give it one: reverse("abc"), or reverse([1, 2, 3])',
            )
        given = yield self.value(node.arguments[0], scope)
        return self.check_input(given, node.arguments[0].at)

    def check_input(self, given: Any, at: Span) -> Any:
        """Return an input: a string, or a list of atoms, not empty."""
        is_list = isinstance(given, list) and all(is_atom(v) for v in given)
        if not (is_list or isinstance(given, str)) or not given:
            raise self.fail(
                at,
                f"the input is {noun(given) if given else 'empty'}",
                'Give a string or a list of tokens, for example "abc" or [1, 2, 3]',
            )
        return given

    def draw(self, node: s.Draw, scope: NameScope) -> Work:
        """Run `draw(sequence, input)`."""
        value = yield self.value(node.value, scope)
        if not isinstance(value, SOp):
            raise self.fail(
                node.value.at, f"draw is given {noun(value)}", "Give it a sequence"
            )
        given = None
        if node.input is not None:
            given = yield self.value(node.input, scope)
            self.check_input(given, node.input.at)
        return [
            StatementOutcome("draw", given_name(value) or "out", value, given, node.at)
        ]

    def define(self, node: s.Define, scope: NameScope) -> StatementOutcome:
        """Return the outcome of a definition."""
        for name in (node.name, *node.parameters):
            self.check_name(name)
        seen = [p.name for p in node.parameters]
        for index, parameter in enumerate(node.parameters):
            if parameter.name in seen[:index]:
                raise self.fail(
                    parameter.at,
                    f"two parameters are called {parameter.name}",
                    "Give each parameter its own name",
                )
        function = Function(node.name.name, node, scope, self.source)
        scope.names[node.name.name] = function
        return StatementOutcome("value", node.name.name, function, at=node.at)

    def loop(self, node: s.Loop, scope: NameScope) -> Work:
        """Run a for loop."""
        items = yield self.iterable(node.iterable, scope)
        for item in items:
            self.tick()
            self.set_names(scope, node.names, item)
            for statement in node.body:
                yield self.statement(statement, scope)
        return []

    def load(self, node: s.Load, scope: NameScope) -> Work:
        """Run a file; its public names come over."""
        with self.at(node.at):
            path, loaded = read_loaded(
                node.file, self.folder, self.loading, self.bounds
            )
        self.count_text(loaded, node.at)
        before, inner = self.source, NameScope(self.language)
        self.loading.append(path)
        self.source, found = loaded, []
        for statement in parse(loaded):
            outcomes = yield self.statement(statement, inner, top=True)
            found += [o for o in outcomes if o.kind == "value"]
        self.source = before
        self.loading.pop()
        public = {k: v for k, v in inner.names.items() if not k.startswith("_")}
        public.pop("out", None)
        scope.names.update(public)
        kept = {o.name: o for o in found if o.name in public}
        return list(kept.values())
