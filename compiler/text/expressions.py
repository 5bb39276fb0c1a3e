"""Expressions of RASP text: operator precedence, on a list in place of a stack."""

from __future__ import annotations

from fractions import Fraction

from compiler.rasp.values import canonical
from compiler.text import syntax as s
from compiler.text.lexer import Token, WordList
from compiler.text.source import RaspError, SourceText, Span, UnfinishedError
from compiler.text.trampoline import Work

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
# How tightly what stands between two expressions binds. The order is that of the
# alternatives in the original's grammar.
_POWERS = {
    "[": 11,
    "(": 11,
    "^": 9,
    **dict.fromkeys(("*", "/", "//", "%"), 8),
    **dict.fromkeys(("+", "-"), 6),
    **dict.fromkeys(COMPARISONS, 5),
    **dict.fromkeys(("and", "or"), 3),
    "if": 2,
    "in": 1,
}
_POWERS["%"] = 7
_PREFIX = 10


class ExpressionParser:
    """A place in the words of a text, and how expressions are read there."""

    def __init__(self, source: SourceText, tokens: WordList) -> None:
        self.source = source
        self.words = tokens.words
        self.comments = tokens.comments
        self.every = self.words  # `words` may end sooner: with a line
        self.place = 0

    # WordList ------------------------------------------------------------------------

    @property
    def peek(self) -> Token:
        """The next word."""
        return self.words[self.place]

    def at(self, ahead: int) -> Token:
        """Return a later word."""
        index = self.place + ahead
        return self.words[index] if index < len(self.words) else self.words[-1]

    def advance(self) -> Token:
        """Return the next word and go on behind it."""
        token = self.peek
        if token.kind == "end":
            raise self.fail("the text ends here", "Complete the last statement")
        self.place += 1
        return token

    def describe(self, token: Token) -> str:
        """Return a word as errors call it."""
        if token.kind == "end":
            return "the end of the text" if self._whole else "the end of the line"
        return f"`{token.text if len(token.text) < 40 else token.text[:37] + '..'}`"

    @property
    def _whole(self) -> bool:
        return self.words is self.every

    def fail(self, problem: str, remedy: str, at: Span | None = None) -> RaspError:
        """Return the error of the next word, or of a place."""
        ended = at is None and self.peek.kind == "end"
        if ended:
            at = self.words[self.place - 1].at if self.place else self.words[-1].at
            at = Span(at.end, at.end)
        unfinished = ended and self._whole
        kind = UnfinishedError if unfinished else RaspError
        return self.source.error(at or self.peek.at, problem, remedy, kind)

    def expect(self, sign: str, where: str) -> Token:
        """Return the next word, which has to be a sign."""
        if self.peek.text == sign and self.peek.kind == "sign":
            return self.advance()
        raise self.fail(
            f"{self.describe(self.peek)} stands where `{sign}` is expected",
            f"Write `{sign}` {where}",
        )

    def name(self, what: str) -> s.NameNode:
        """Return the next word, which has to be a name."""
        if self.peek.kind != "name":
            raise self.fail(
                f"{self.describe(self.peek)} stands where {what} is expected",
                "Write a name of letters, digits and _ that is no word of the language",
            )
        token = self.advance()
        return s.NameNode(token.at, token.text)

    def semicolon(self, statement: Span) -> None:
        """Go on behind the `;` that ends a statement."""
        if self.peek.text == ";":
            self.advance()
            return
        if self.peek.kind == "end":
            raise self.fail("this statement does not end", "Write `;` at its end")
        if self.peek.text == "=":
            raise self.fail(
                "`=` stands inside an expression", "For a comparison write =="
            )
        if self.source.line_of(self.peek.at.start) != self.source.line_of(
            statement.end - 1
        ):
            raise self.source.error(
                Span(statement.end, statement.end + 1),
                "`;` is missing at the end of this statement",
                "Write `;` here",
            )
        raise self.fail(
            f"{self.describe(self.peek)} cannot stand here",
            "Write `;` after a statement, and an operator between two values",
        )

    # Expressions ------------------------------------------------------------------

    def expressions(self) -> Work:
        """Read `a, b, c`: a tuple of expressions."""
        found = [self.leaf(0) or (yield self.expression())]
        while self.peek.text == ",":
            self.advance()
            found.append(self.leaf(0) or (yield self.expression()))
        return tuple(found)

    def leaf(self, least: int) -> s.ExpressionNode | None:
        """Read a name or an atom, if no operator after it binds so tightly.

        Most expressions are; without this, reading takes twice as long.
        """
        token, after = self.words[self.place], self.at(1)
        if token.kind == "sign" or token.kind == "end":
            return None
        if after.kind == "sign" and _POWERS.get(after.text, -1) >= max(least, 1):
            return None
        self.place += 1
        if token.kind == "name":
            return s.NameNode(token.at, token.text)
        return s.Literal(token.at, self.literal(token))

    def arguments(self) -> Work:
        """Read `a, b)`: what stands between brackets, which may be nothing."""
        if self.peek.text == ")":
            return ()
        return (yield self.expressions())

    def expression(self, least: int = 0) -> Work:
        """Read an expression whose operators bind at least so tightly."""
        left = yield self.prefix()
        while True:
            token = self.peek
            power = _POWERS.get(token.text, -1) if token.kind == "sign" else -1
            if power < max(least, 1):
                return left
            self.advance()
            if token.text == "[":
                left = yield self.index(left)
            elif token.text == "(":
                given = yield self.arguments()
                end = self.expect(")", "after the arguments").at
                left = s.Call(left.at.to(end), left, given)
            elif token.text == "if":
                left = yield self.ternary(left)
            else:
                right = self.leaf(power + 1) or (yield self.expression(power + 1))
                at = left.at.to(right.at)
                left = s.Binary(at, token.at, token.text, left, right)

    def index(self, value: s.ExpressionNode) -> Work:
        """Read the rest of `value[index]`."""
        found = yield self.expressions()
        end = self.expect("]", "after the index").at
        index = found[0]
        if len(found) > 1:
            index = s.TupleOf(found[0].at.to(found[-1].at), found)
        return s.IndexOf(value.at.to(end), value, index)

    def ternary(self, yes: s.ExpressionNode) -> Work:
        """Read the rest of `yes if condition else no`."""
        condition = self.leaf(0) or (yield self.expression())
        self.expect("else", "and a value after the condition: yes if condition else no")
        least = _POWERS["if"] + 1
        no = self.leaf(least) or (yield self.expression(least))
        return s.Ternary(yes.at.to(no.at), yes, condition, no)

    def prefix(self) -> Work:
        """Read what an expression can begin with."""
        token = self.peek
        if token.kind in ("int", "float", "string"):
            self.advance()
            return s.Literal(token.at, self.literal(token))
        if token.kind == "name":
            if token.text == "select" and self.at(1).text == "(":
                return (yield self.select())
            self.advance()
            return s.NameNode(token.at, token.text)
        if token.kind == "sign":
            if token.text in ("not", "-", "+"):
                self.advance()
                operand = yield self.expression(_PREFIX)
                at = token.at.to(operand.at)
                return s.Unary(at, token.text, operand)
            if token.text in ("(", "[", "{"):
                self.advance()
                read = {"(": self.bracket, "[": self.list, "{": self.dict}[token.text]
                return (yield read(token.at))
        raise self.fail(
            f"{self.describe(token)} stands where a value is expected",
            "Write a name, a number, a string, a list or a bracket here",
        )

    def literal(self, token: Token) -> object:
        """Return what a number or a string stands for."""
        if token.kind == "string":
            return token.text[1:-1]
        if len(token.text) > 100:
            raise self.source.error(
                token.at, "this number is too long", "Write at most 100 digits"
            )
        return canonical(Fraction(token.text))

    def bracket(self, start: Span) -> Work:
        """Read `(a)`, or `(a, b)`, from behind the bracket."""
        if self.peek.text == ")":
            return s.TupleOf(start.to(self.advance().at), ())
        found = [(yield self.expression())]
        is_tuple = self.peek.text == ","
        while self.peek.text == ",":
            self.advance()
            if self.peek.text != ")":
                found.append((yield self.expression()))
        end = self.expect(")", "to close the bracket").at
        return s.TupleOf(start.to(end), tuple(found)) if is_tuple else found[0]

    def list(self, start: Span) -> Work:
        """Read a list from behind its bracket."""
        if self.peek.text == "]":
            return s.ListOf(start.to(self.advance().at), ())
        first = yield self.expression()
        if self.peek.text == "for":
            return (yield self.comprehension(start, None, first, "]"))
        found = [first]
        while self.peek.text == ",":
            self.advance()
            found.append((yield self.expression()))
        end = self.expect("]", "to close the list").at
        return s.ListOf(start.to(end), tuple(found))

    def dict(self, start: Span) -> Work:
        """Read a dict from behind its bracket."""
        if self.peek.text == "}":
            return s.DictOf(start.to(self.advance().at), ())
        found = [(yield self.pair())]
        if self.peek.text == "for":
            key, value = found[0]
            return (yield self.comprehension(start, key, value, "}"))
        while self.peek.text == ",":
            self.advance()
            found.append((yield self.pair()))
        end = self.expect("}", "to close the dict").at
        return s.DictOf(start.to(end), tuple(found))

    def pair(self) -> Work:
        """Read `key: value`."""
        key = yield self.expression()
        self.expect(":", "between a key and its value")
        return key, (yield self.expression())

    def comprehension(
        self,
        start: Span,
        key: s.ExpressionNode | None,
        value: s.ExpressionNode,
        close: str,
    ) -> Work:
        """Read a comprehension from its `for` on."""
        self.advance()
        names = [self.name("a name")]
        while self.peek.text == ",":
            self.advance()
            names.append(self.name("a name"))
        self.expect("in", "after the names of a comprehension")
        iterable = yield self.expression()
        at = start.to(self.expect(close, "to close the comprehension").at)
        return s.Comprehension(at, key, value, tuple(names), iterable)

    def select(self) -> Work:
        """Read `select(key, query, ==)`."""
        start = self.advance().at
        self.advance()
        key = self.leaf(0) or (yield self.expression())
        self.expect(",", "after the key: select(key, query, ==)")
        query = self.leaf(0) or (yield self.expression())
        self.expect(",", "after the query: select(key, query, ==)")
        token = self.peek
        comparison: str | s.ExpressionNode
        if token.kind == "sign" and token.text in COMPARISONS:
            comparison = self.advance().text
        elif token.kind == "name" or token.text in ("[", "("):
            comparison = yield self.expression()
        else:
            raise self.fail(
                f"{self.describe(token)} stands where a comparison is expected",
                "Write one of == != < <= > >= as the third argument of select",
            )
        end = self.expect(")", "after the comparison of select").at
        return s.SelectCall(start.to(end), key, query, comparison)
