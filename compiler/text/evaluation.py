"""Expressions of RASP text: what they build, with their bounds and their errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compiler.errors import nearest
from compiler.rasp.expr import Selector, SOp
from compiler.text import syntax as s
from compiler.text.bounds import TextBounds
from compiler.text.builtins import builtin_names, kind_of_vocabulary
from compiler.text.files import read_library
from compiler.text.kinds import Kinds, is_atom
from compiler.text.operations import Misuse, Operations, noun
from compiler.text.scope import RESERVED, Builtin, Function, NameScope
from compiler.text.source import RaspError, SourceText, Span
from compiler.text.trampoline import Work


@dataclass(frozen=True)
class _CallFrame:
    """A call that is going on: its function's name, and where the call is."""

    name: str
    source: SourceText
    at: Span


class ExpressionEvaluator:
    """Computes expressions; each method takes a tree and the names that it may use.

    Args:
        vocab: the tokens, where they are known.
        folder: where `load` finds files; it is refused if None.
        bounds: what a text may cost.
    """

    def __init__(
        self,
        vocab: tuple[Any, ...] | None = None,
        folder: Path | None = None,
        bounds: TextBounds | None = None,
    ) -> None:
        self.bounds = bounds or TextBounds()
        self.folder = folder
        self.steps = self.characters = 0
        self.source = SourceText("")
        self.frames: list[_CallFrame] = []
        self.loading: list[str] = []
        self.used: dict[str, int] = {}  # names of sequences, and how often they are set
        self.automatic: dict[int, SOp] = {}
        self.kinds = Kinds(None)
        self.operations = Operations(self.kinds, self.bounds)
        self.language = NameScope()
        self.scope = NameScope(self.language)
        self.set_vocabulary(vocab)

    def set_vocabulary(self, vocab: tuple[Any, ...] | None) -> None:
        """Take these tokens from here on; what was defined before stays as it is."""
        self.kinds.set_tokens(kind_of_vocabulary(vocab))
        names = builtin_names(self.operations, vocab)
        for value in names.values():
            if isinstance(value, SOp):
                self.kinds.of(value)
        source, definitions = read_library()
        for node in definitions:
            assert isinstance(node, s.Define)
            names[node.name.name] = Function(
                node.name.name, node, self.language, source
            )
        self.language.names.update(names)

    # Bounds and errors ------------------------------------------------------------

    def tick(self) -> None:
        """Count a step.

        Raises:
            RaspError: there were too many.
        """
        self.steps += 1
        if self.steps > self.bounds.steps:
            at = self.place if self.place is not None else Span(0, 0)
            raise self.fail(
                at,
                f"the program takes more than {self.bounds.steps:,} steps to build",
                "Look for a loop or a function that repeats itself too often here",
            )

    place: Span | None = None

    def count_text(self, source: SourceText, at: Span | None) -> None:
        """Count the characters of a text, which is loaded at a place or the first one.

        Raises:
            RaspError: there were too many.
        """
        self.characters += len(source.text)
        if self.characters > self.bounds.characters:
            where, text = (Span(0, 0), source) if at is None else (at, self.source)
            raise text.error(
                where,
                f"the text has more than {self.bounds.characters:,} characters",
                "Write a shorter program",
            )

    def fail(self, at: Span, problem: str, remedy: str) -> RaspError:
        """Return the error of a place; in a library function, of the call of it."""
        source, name, frames = self.source, "", list(self.frames)
        while frames and source is read_library()[0]:
            frame = frames.pop()
            source, at, name = frame.source, frame.at, f"in {frame.name}: "
        for frame in reversed(frames[-3:]):
            remedy += f".\nCalled as {frame.name} at {frame.source.place(frame.at)}"
        return source.error(at, name + problem, remedy)

    @contextmanager
    def at(self, at: Span) -> Iterator[None]:
        """Give the place to what goes wrong inside."""
        try:
            yield
        except Misuse as misuse:
            raise self.fail(at, misuse.problem, misuse.remedy) from None

    def check_name(self, name: s.NameNode) -> None:
        """Raise RaspError for a name that the language keeps for itself."""
        if name.name in RESERVED:
            raise self.fail(
                name.at,
                f"the name {name.name} belongs to the language and cannot be set",
                "Choose another name",
            )

    def unpack(self, value: Any, names: tuple[s.NameNode, ...], at: Span) -> list[Any]:
        """Return the items of a value that several names are set to."""
        if not isinstance(value, list | dict | str):
            raise self.fail(
                at,
                f"{len(names)} names are set to {noun(value)}",
                "Write as many values as names, or a list of so many",
            )
        items = list(value)
        if len(items) != len(names):
            raise self.fail(
                at,
                f"{len(names)} names are set to {len(items)} values",
                "Write as many names as there are values",
            )
        return items

    def iterable(self, node: s.ExpressionNode, scope: NameScope) -> Work:
        """Compute what a loop runs over, as a list."""
        found = yield self.value(node, scope)
        if not isinstance(found, list | dict):
            raise self.fail(
                node.at,
                f"a loop runs over {noun(found)}",
                "Loop over a list or a dict, for example over range(3)",
            )
        return list(found)

    def set_names(
        self, scope: NameScope, names: tuple[s.NameNode, ...], item: Any
    ) -> None:
        """Set the names of a loop to an item, or to the items of an item."""
        for name in names:
            self.check_name(name)
        items = [item] if len(names) == 1 else self.unpack(item, names, names[0].at)
        for name, value in zip(names, items, strict=True):
            scope.names[name.name] = value

    # Expressions ------------------------------------------------------------------

    def value(self, node: s.ExpressionNode, scope: NameScope) -> Work:
        """Compute an expression."""
        match node:
            case s.Literal():
                return node.value
            case s.NameNode():
                return self.look_up(node, scope)
            case s.Binary():
                left = yield self.value(node.left, scope)
                right = yield self.value(node.right, scope)
                if node.operator == "in" and isinstance(right, list):
                    self.steps += len(right)
                with self.at(node.place):
                    return self._charged(
                        self.operations.binary(node.operator, left, right)
                    )
            case s.Unary():
                operand = yield self.value(node.operand, scope)
                with self.at(node.at):
                    return self.operations.unary(node.operator, operand)
            case s.Call():
                return (yield self.call(node, scope))
            case s.SelectCall():
                return (yield self.select(node, scope))
            case s.Ternary():
                return (yield self.ternary(node, scope))
            case s.IndexOf():
                value = yield self.value(node.value, scope)
                index = yield self.value(node.index, scope)
                if isinstance(value, list | dict | str):
                    self.steps += len(value) if is_sequence(index) else 0
                with self.at(node.at):
                    return self.operations.index(value, index)
            case s.Comprehension():
                return (yield self.comprehension(node, scope))
            case s.DictOf():
                return (yield self.dict(node, scope))
        items = []
        for item in node.items:
            items.append((yield self.value(item, scope)))
        if isinstance(node, s.ListOf):
            return items
        return self.tuple(items, node)

    def tuple(self, items: list[Any], node: s.TupleOf) -> Any:
        """Return a tuple: of atoms; or of sequences, where it is an index."""
        if all(is_atom(v) or isinstance(v, SOp) for v in items):
            return tuple(items)
        raise self.fail(
            node.at, "a tuple holds more than atoms", "Write a list: [a, b]"
        )

    def _charged(self, value: Any) -> Any:
        """Return a value once its size is counted as steps."""
        if isinstance(value, list):
            self.steps += len(value)
        return value

    def look_up(self, node: s.NameNode, scope: NameScope) -> Any:
        """Return what a name stands for."""
        try:
            return scope.find(node.name)
        except KeyError:
            pass
        known = scope.all_names()
        hint = nearest(node.name, known).strip()
        raise self.fail(
            node.at,
            f"nothing is called {node.name} here",
            hint.rstrip("?") + "?" if hint else "Define it above this line",
        )

    def select(self, node: s.SelectCall, scope: NameScope) -> Work:
        """Compute a selector."""
        key = yield self.value(node.key, scope)
        query = yield self.value(node.query, scope)
        comparison: Any = node.comparison
        if not isinstance(comparison, str):
            comparison = yield self.value(comparison, scope)
            if isinstance(comparison, str):
                comparison = [comparison]  # a string is no list of pairs
        with self.at(node.at):
            return self.operations.select(key, query, comparison)

    def ternary(self, node: s.Ternary, scope: NameScope) -> Work:
        """Compute `yes if condition else no`; of atoms one side only."""
        condition = yield self.value(node.condition, scope)
        if not isinstance(condition, SOp | Selector):
            return (yield self.value(node.yes if condition else node.no, scope))
        with self.at(node.condition.at):
            self.operations.sequence(condition, "as a condition")
        yes = yield self.value(node.yes, scope)
        no = yield self.value(node.no, scope)
        with self.at(node.at):
            return self.operations.choice(condition, yes, no)  # type: ignore[arg-type]

    def comprehension(self, node: s.Comprehension, scope: NameScope) -> Work:
        """Compute a comprehension of a list or a dict."""
        items = yield self.iterable(node.iterable, scope)
        listed: list[Any] = []
        paired: dict[Any, Any] = {}
        for item in items:
            self.tick()
            inner = NameScope(scope)
            self.set_names(inner, node.names, item)
            key = None
            if node.key is not None:
                key = yield self.key(node.key, inner)
            value = yield self.value(node.value, inner)
            if node.key is None:
                listed.append(value)
            else:
                paired[key] = value
        return listed if node.key is None else paired

    def key(self, node: s.ExpressionNode, scope: NameScope) -> Work:
        """Compute the key of a dict."""
        found = yield self.value(node, scope)
        if is_atom(found) and not _holds_sequence(found):
            return found
        raise self.fail(
            node.at, f"a key of a dict is {noun(found)}", "Write an atom as the key"
        )

    def dict(self, node: s.DictOf, scope: NameScope) -> Work:
        """Compute a dict."""
        found = {}
        for key, value in node.items:
            known = yield self.key(key, scope)
            found[known] = yield self.value(value, scope)
        return found

    # Calls --------------------------------------------------------------------------

    def call(self, node: s.Call, scope: NameScope) -> Work:
        """Call a function."""
        function = yield self.value(node.function, scope)
        if isinstance(function, SOp | Selector):
            raise self.fail(
                node.at,
                f"{noun(function)} is applied to an input inside an expression",
                "Apply it in a statement of its own; to compute with it leave the "
                "brackets out",
            )
        if not isinstance(function, Function | Builtin):
            raise self.fail(
                node.function.at,
                f"{noun(function)} is called as a function",
                "Call a function, or write the operator that is missing before (",
            )
        given = []
        for argument in node.arguments:
            given.append((yield self.value(argument, scope)))
        if isinstance(function, Builtin):
            return self.call_builtin(function, given, node)
        return (yield self.call_function(function, given, node))

    def call_builtin(self, function: Builtin, given: list[Any], node: s.Call) -> Any:
        """Return what a function of the language gives."""
        most = len(function.parameters)
        if len(given) < function.least or (len(given) > most and not function.rest):
            self.wrong_count(function.name, function.parameters, function.least, node)
        with self.at(node.at):
            return self._charged(function.call(*given))

    def wrong_count(
        self, name: str, parameters: tuple[str, ...], least: int, node: s.Call
    ) -> None:
        """Raise RaspError for a wrong number of arguments."""
        most = len(parameters)
        wanted = str(most) if least == most else f"{least} to {most}"
        found = len(node.arguments)
        raise self.fail(
            node.at,
            f"{name} takes {wanted} argument{'s' if wanted != '1' else ''} and is "
            f"given {found}",
            f"Call it as {name}({', '.join(parameters)})",
        )

    def call_function(self, function: Function, given: list[Any], node: s.Call) -> Work:
        """Call a function that RASP text defines."""
        definition = function.definition
        parameters = tuple(p.name for p in definition.parameters)
        if len(given) != len(parameters):
            self.wrong_count(function.name, parameters, len(parameters), node)
        if len(self.frames) >= self.bounds.calls:
            raise self.fail(
                node.at,
                f"more than {self.bounds.calls:,} calls are inside one another: "
                f"{function.name} calls itself without end",
                "End it with a condition that is known when the program is read, or "
                "write a for loop",
            )
        self.frames.append(_CallFrame(function.name, self.source, node.at))
        before, self.source = self.source, function.source
        scope = NameScope(function.scope, dict(zip(parameters, given, strict=True)))
        for statement in definition.body:
            yield self.statement(statement, scope)
        found = []
        for result in definition.results:
            found.append((yield self.value(result, scope)))
        self.source = before
        self.frames.pop()
        return found[0] if len(found) == 1 else found

    def statement(self, node: s.Statement, scope: NameScope, top: bool = False) -> Work:
        """Run a statement; the result is a list of outcomes."""
        raise NotImplementedError


def _holds_sequence(value: Any) -> bool:
    return isinstance(value, tuple) and any(isinstance(v, SOp) for v in value)


def is_sequence(value: Any) -> bool:
    """Return whether something is a sequence, or several of them as one index."""
    return isinstance(value, SOp) or _holds_sequence(value)
