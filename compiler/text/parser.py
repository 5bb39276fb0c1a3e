"""RASP text to a syntax tree: statements here, expressions in `expressions`.

The grammar is that of Weiss et al.'s own implementation; `docs/rasp.md` writes it down.
Binding is theirs too: `not` and `-` take the shortest operand, `and` and `or` bind
alike, `in` binds last of all.
"""

from __future__ import annotations

from compiler.text import syntax as s
from compiler.text.expressions import ExpressionParser
from compiler.text.lexer import Token, tokenise
from compiler.text.source import SourceText, Span
from compiler.text.trampoline import Work, run

_SWITCHES = ("on", "off")


def parse(source: SourceText) -> tuple[s.Statement, ...]:
    """Return the statements of a text.

    Raises:
        RaspError: it is no RASP; of the class UnfinishedError where it ends too soon.
    """
    parser = _Parser(source, tokenise(source))
    return run(parser.program())


class _Parser(ExpressionParser):
    """Reads statements; each method begins at the first word of what it reads."""

    def program(self) -> Work:
        found = []
        while self.peek.kind != "end":
            found.append((yield self.statement()))
        return tuple(found)

    def statement(self) -> Work:
        first = self.peek
        if first.kind == "name" and (read := self._command_reader()) is not None:
            return (yield read)
        match first.text if first.kind in ("sign", "name") else "":
            case "def":
                return (yield self.define())
            case "for":
                return (yield self.loop())
            case "load":
                return (yield self.load())
            case "draw" if self.at(1).text == "(":
                return (yield self.draw())
            case "return":
                raise self.fail(
                    "`return` stands outside of a function",
                    "Write it as the last statement of `def name(..) { .. }`",
                )
            case "if":
                raise self.fail(
                    "a statement cannot begin with `if`",
                    "RASP has no if statement: write x = yes if condition else no;",
                )
            case "while":
                raise self.fail(
                    "RASP has no while loop",
                    "Repeat a known number of times: for i in range(4) { .. }",
                )
            case ";":
                raise self.fail("there is no statement before `;`", "Take `;` out")
            case "}":
                raise self.fail(
                    "`}` closes nothing", "Take it out, or add the `{` that it closes"
                )
        return (yield self.assign_or_show())

    def assign_or_show(self) -> Work:
        place = self.place
        if self.peek.kind == "name":
            names = self.names()
            if self.peek.text == "=":
                self.advance()
                values = yield self.expressions()
                at = names[0].at.to(values[-1].at)
                self.semicolon(at)
                return s.Assign(at, names, values, self.note())
            self.place = place
        value = yield self.expression()
        if self.peek.text == "=":
            raise self.fail(
                "only names can be set",
                "Write name = value; for a comparison write ==",
                value.at,
            )
        self.semicolon(value.at)
        return s.ShowLine(value.at, value)

    def note(self) -> str:
        """Return the comment after the last word, if it is on the same line."""
        comment = self.comments.get(self.place)
        if comment is None:
            return ""
        end = self.words[self.place - 1].at.end
        same = self.source.line_of(end) == self.source.line_of(comment[0].start)
        return comment[1] if same else ""

    def names(self) -> tuple[s.NameNode, ...]:
        """Return `a, b, c`; stops in front of what is no name."""
        found = [self.name("a name")]
        while self.peek.text == "," and self.at(1).kind == "name":
            self.advance()
            found.append(self.name("a name"))
        return tuple(found)

    def define(self) -> Work:
        start = self.advance().at
        name = self.name("the name of a function")
        self.expect("(", "after the name of the function")
        parameters = () if self.peek.text == ")" else self.names()
        self.expect(")", "after the parameters")
        if self.peek.text == ":":
            raise self.fail(
                "`:` stands where `{` is expected",
                "Write the body in braces: def f(x) { return x; }",
            )
        self.expect("{", "before the body of the function")
        body = yield self.block(name, ("return", "}"))
        if self.peek.text != "return":
            raise self.fail(
                f"the function {name.name} returns nothing",
                "End its body with `return value;`",
            )
        self.advance()
        results = yield self.expressions()
        self.semicolon(results[-1].at)
        if self.peek.text not in ("}", ""):
            raise self.fail(
                "a statement stands after `return`",
                "`return` is the last statement of a function; move this before it",
            )
        end = self.expect("}", "after the function's `return`").at
        return s.Define(start.to(end), name, parameters, body, results)

    def block(self, opener: s.NameNode | None, ends: tuple[str, ...]) -> Work:
        found = []
        while self.peek.text not in ends or self.peek.kind != "sign":
            if self.peek.kind == "end":
                what = "this loop" if opener is None else f"the function {opener.name}"
                raise self.fail(f"the text ends inside {what}", "Close it with `}`")
            found.append((yield self.statement()))
        return tuple(found)

    def loop(self) -> Work:
        start = self.advance().at
        names = self.names()
        self.expect("in", "after the names of the loop")
        iterable = yield self.expression()
        self.expect("{", "before the body of the loop")
        body = yield self.block(None, ("}",))
        return s.Loop(start.to(self.advance().at), names, iterable, body)

    def load(self) -> Work:
        start = self.advance().at
        file = self.advance()
        if file.kind != "string":
            raise self.fail(
                f"{self.describe(file)} stands where the name of a file is expected",
                'Write it as a string: load "my_library";',
                file.at,
            )
        self.semicolon(file.at)
        return s.Load(start.to(file.at), file.text[1:-1])
        yield  # the trampoline runs generators

    def draw(self) -> Work:
        start = self.advance().at
        self.advance()
        value = yield self.expression()
        given = None
        if self.peek.text == ",":
            self.advance()
            given = yield self.expression()
        at = start.to(self.expect(")", "after what is drawn").at)
        self.semicolon(at)
        return s.Draw(at, value, given)

    # Commands of the shell: no `;` ends them, the line does. -----------------------

    def _command_reader(self) -> Work | None:
        words = [self.at(i).text for i in range(3)]
        match words:
            case ["s", "-", "op"] if self.at(3).text == "examples":
                return self.switch(3)
            case ["set", *_] if self.at(1).kind == "name":
                return self.setting()
            case ["show", "example" | "s" | "selector", *_]:
                return self.command(2 if words[1] == "example" else 3)
            case ["examples", "on" | "off", *_]:
                return self.switch(0)
            case ["selector", "examples", *_]:
                return self.switch(1)
            case ["full", "seq", "display"]:
                return self.switch(3, words=("full", "seq", "display"))
            case ["exit" | "quit", after, *_] if after not in ("=", ","):
                return self.command(1)
        return None

    def switch(self, skip: int, words: tuple[str, ...] = ()) -> Work:
        start = self.peek.at
        named = "".join(self.advance().text for _ in range(skip))
        if not words:
            self.advance()  # examples
            words = (named or "both", "examples")
        on = self.advance()
        if on.text not in _SWITCHES:
            raise self.fail(
                f"{self.describe(on)} stands where `on` or `off` is expected",
                "Write examples on, or examples off",
                on.at,
            )
        self.end_command()
        return s.Command(start.to(on.at), (*words, on.text))
        yield

    def command(self, length: int) -> Work:
        start = at = self.peek.at
        words = []
        if self.at(1).text == "s":
            length = 5
        for _ in range(length):
            word = self.advance()
            words.append(word.text)
            at = word.at
        if words[0] in ("exit", "quit") and self.peek.text == "(":
            self.advance()
            at = self.expect(")", "after `(`").at
        self.end_command()
        return s.Command(start.to(at), tuple(words))
        yield

    def setting(self) -> Work:
        start = self.advance().at
        first = self.advance()
        what, place = first.text, first.at
        if first.text == "s" and self.peek.text == "-":
            self.advance()
            self.advance()
            what = "s-op"
        if what in ("s-op", "selector"):
            what += f" {self.advance().text}"
        if self.peek.text == "=":
            raise self.fail(
                "`=` stands after the name of a setting",
                f"Leave it out: set {what} ..",
            )
        end = self._end_of_line()
        if end < len(self.every) - 1:
            stop = Span(self.every[end - 1].at.end, self.every[end - 1].at.end)
            self.words = (*self.every[:end], Token("end", "", stop))
        if self.peek.kind == "end":
            raise self.fail(
                f"`set {what}` says no value", f'Write one: set {what} "hey"', place
            )
        value = yield self.expression()
        if self.peek.kind != "end":
            if self.peek.text != ";":
                raise self.fail(
                    f"{self.describe(self.peek)} stands after the value of a setting",
                    "Write one setting a line",
                )
            self.advance()
        self.words = self.every
        return s.SetLine(start.to(value.at), what, value)

    def end_command(self) -> None:
        if self.peek.text == ";":
            self.advance()

    def _end_of_line(self) -> int:
        """Return the first word of a later line that stands in no bracket."""
        depth, line = 0, self.source.line_of(self.words[self.place - 1].at.start)
        for index in range(self.place, len(self.words)):
            word = self.words[index]
            if depth <= 0 and self.source.line_of(word.at.start) != line:
                return index
            depth += word.text in ("(", "[", "{")
            depth -= word.text in (")", "]", "}")
            line = self.source.line_of(word.at.start) if depth <= 0 else line
        return len(self.words) - 1
