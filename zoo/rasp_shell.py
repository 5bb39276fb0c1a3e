"""The shell for RASP text: lines in, what they define and its examples out.

`Shell.feed` takes one line and returns what to print, so that a terminal, a pipe and a
test use it alike. Commands that begin with a colon are ours; all others are those of
the original's shell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from compiler.errors import ZooError, count, nearest
from compiler.rasp.expr import Selector, SOp
from compiler.rasp.program import Program
from compiler.rasp.values import Value
from compiler.text.evaluator import Evaluator, StatementOutcome
from compiler.text.operations import noun
from compiler.text.parser import parse
from compiler.text.program import FAMILY, SETTINGS, read_setting
from compiler.text.source import RaspError, SourceText, UnfinishedError
from zoo import rasp_values as show

PROMPT, MORE = ">> ", ".. "
HELP = """\
A statement ends with `;`: x = indices + 1;  def f(a) { return a; }  x("hey");
  set example "hey"        the input that examples are shown on
  set vocab "abc"          the tokens to compile for; else those of the example
  set max_len 5            the length to compile for; else that of the example
  examples off | on        hide or show examples; also selector examples, s-op examples
  show example             print the example
  full seq display on      print outputs below their tokens
  load "file";             run file.rasp of this folder
  :compile [NAME] [DIR]    compile a sequence, the last one unless named; save it in DIR
  :draw [NAME] [FILE]      draw its circuit, or write the picture to FILE.svg
  :train [NAME] [K=V ..]   train a transformer to have its circuit, e.g. steps=2000
  :text [NAME]             print it as RASP text, with all that it needs
  :help, quit
docs/rasp.md describes the language."""


class Shell:
    """A session: its names, its examples, and an unfinished statement."""

    def __init__(self, folder: Path | None = None) -> None:
        self.evaluator = Evaluator(folder=folder)
        self.pending = ""
        self.examples: dict[str, Any] = {"s-op": "hello", "selector": "hello"}
        self.shown = {"s-op": True, "selector": True}
        self.full = False
        self.last = ""
        self.said: dict[str, Any] = {}
        self.done = False
        self.failed = False

    @property
    def prompt(self) -> str:
        """What stands in front of the next line."""
        return MORE if self.pending else PROMPT

    def feed(self, line: str) -> Iterator[str]:
        """Take a line, and yield what is to be printed."""
        if not self.pending and line.strip().startswith(":"):
            yield from self._guarded(lambda: self._command(line.split()))
            return
        text = self.pending + line + "\n"
        self.pending = ""
        if not text.strip():
            return
        try:
            parse(SourceText(text, "shell"))
        except UnfinishedError:
            self.pending = text
            return
        except RaspError:
            pass  # told when it is run, after what stands before it
        yield from self._guarded(lambda: self._run(SourceText(text, "shell")))

    def end(self) -> Iterator[str]:
        """Yield what is to be printed when no line follows."""
        text, self.pending = self.pending, ""
        if text:
            yield from self._guarded(lambda: self._run(SourceText(text, "shell")))

    def load(self, source: SourceText) -> Iterator[str]:
        """Run a file before the first line."""
        shown, self.shown = self.shown, {"s-op": False, "selector": False}
        yield from self._guarded(lambda: self._run(source))
        self.shown = shown

    def _guarded(self, run: Callable[[], Iterator[str]]) -> Iterator[str]:
        try:
            yield from run()
        except ZooError as error:
            self.failed = True
            yield f"  !! {error}"
        except OSError as error:  # a folder that is not there, a full disk
            self.failed = True
            yield f"  !! {error.filename}: {error.strerror}"

    # Statements ---------------------------------------------------------------------

    def _run(self, source: SourceText) -> Iterator[str]:
        for outcome in self.evaluator.run(source):
            yield from self._show(outcome)
            if self.done:
                return

    def _show(self, outcome: StatementOutcome) -> Iterator[str]:
        match outcome.kind:
            case "set":
                self._set(outcome)
            case "command":
                yield from self._switch(outcome.name.split())
            case "apply":
                yield from self._applied(outcome.value, outcome.input)
            case "draw":
                yield from self._flow(outcome.value, outcome.input)
            case _:
                yield from self._defined(outcome.name, outcome.value)

    def _set(self, outcome: StatementOutcome) -> None:
        said = read_setting(self.evaluator, outcome)
        if "example" in said:
            which = outcome.name.split()[0]
            for kind in self.examples if which == "example" else [which]:
                self.examples[kind] = outcome.value
        self.said |= {k: v for k, v in said.items() if k in SETTINGS}

    def _switch(self, words: list[str]) -> Iterator[str]:
        match words:
            case ["exit" | "quit", *_]:
                self.done = True
            case ["full", "seq", "display", switch]:
                self.full = switch == "on"
            case ["show", *rest]:
                named = "".join(rest).removesuffix("example")
                for kind, example in self.examples.items():
                    if named in ("", kind):
                        yield f"     {kind} example: {show.show_input(example)}"
            case [which, "examples", switch]:
                for kind in self.shown if which == "both" else [which]:
                    self.shown[kind] = switch == "on"

    def _defined(self, name: str, value: Any) -> Iterator[str]:
        if isinstance(value, SOp):
            self.last = name if name != "out" else self.last
            yield f"     s-op: {name}"
            yield from self._example("s-op", name, value)
        elif isinstance(value, Selector):
            yield f"     selector: {name}"
            yield from self._example("selector", name, value)
        else:
            yield f"     {show.show_value(name, value)}"

    def _example(self, kind: str, name: str, value: SOp | Selector) -> Iterator[str]:
        if not self.shown[kind]:
            return
        tokens = list(self.examples[kind])
        values = self._values(value, tokens)
        if isinstance(value, Selector):
            yield "         Example:"
            for line in show.show_selector(tokens, values):  # type: ignore[arg-type]
                yield f"             {line}"
        elif self.full:
            yield "         Example:"
            for line in show.show_full(tokens, values):
                yield f"             {line}"
        else:
            given = show.show_input(tokens)
            yield f"         Example: {name}({given}) = {show.show_sequence(values)}"

    def _values(self, value: SOp | Selector, tokens: list[Value]) -> list[Any]:
        from compiler.evaluate import evaluate

        return evaluate(value, tokens, bool(self.said.get("causal")))

    def _applied(self, value: SOp | Selector, given: Any) -> Iterator[str]:
        tokens = list(given)
        values = self._values(value, tokens)
        if isinstance(value, Selector):
            yield "     ="
            for line in show.show_selector(tokens, values):  # type: ignore[arg-type]
                yield f"         {line}"
        else:
            yield f"     = {show.show_sequence(values)}"

    # Commands -----------------------------------------------------------------------

    def _command(self, words: list[str]) -> Iterator[str]:
        name, arguments = words[0], words[1:]
        known = {
            ":compile": self._compile,
            ":draw": self._draw,
            ":train": self._train,
            ":text": self._text,
        }
        if name == ":help":
            yield HELP
        elif name in (":quit", ":exit", ":q"):
            self.done = True
        elif name in known:
            yield from known[name](arguments)
        else:
            hint = nearest(name, [*known, ":help", ":quit"])
            yield f"  !! no command is called {name}.{hint} :help lists them"
            self.failed = True

    def program(self, name: str, example: Any = None) -> Program:
        """Return a sequence as a program over the vocabulary that is set.

        Raises:
            ZooError: there is none of that name.
        """
        name = name or self.last
        if not name:
            raise ZooError("there is no sequence yet: define one, such as x = indices;")
        names = self.evaluator.scope.names
        value = names.get(name, self.evaluator.language.names.get(name))
        if not isinstance(value, SOp):
            found = noun(value) if value is not None else "nothing"
            raise ZooError(f"{name} is {found}, and a sequence is needed here")
        if id(value) in self.evaluator.automatic:
            value = value._replace(name=None)
        tokens = list(example or self.examples["s-op"])
        vocab: tuple[Value, ...] = self.said.get("vocab") or tuple(
            dict.fromkeys(tokens)
        )
        return Program(
            name=name,
            family=FAMILY,
            meaning="",
            vocab=vocab,
            max_len=self.said.get("max_len") or len(tokens),
            example=((), ()),
            builder=lambda: value,
            causal=bool(self.said.get("causal")),
            text="",
        )

    def _inputs(self, program: Program) -> str:
        tokens = show.show_input(program.vocab)
        return f"tokens {tokens}, lengths 1..{program.max_len}"

    def _compile(self, arguments: list[str]) -> Iterator[str]:
        import zoo

        program = self.program(arguments[0] if arguments else "")
        model = zoo.compile(program)
        config = model.config
        yield (
            f"     {program.name}: {count(config.n_layers, 'layer')}, "
            f"{count(config.n_heads, 'head')} a layer, d_model {config.d_model}, "
            f"{count(len(model.circuit.edges), 'edge')} in the circuit"
        )
        yield f"     {self._inputs(program)}"
        if len(arguments) > 1:
            text = zoo.to_rasp(program)
            zoo.save(zoo.compile(replace(program, text=text)), arguments[1])
            yield f"     The model is in {arguments[1]}."

    def _draw(self, arguments: list[str]) -> Iterator[str]:
        import zoo
        from zoo.wires import LEGEND, draw_wires

        model = zoo.compile(self.program(arguments[0] if arguments else ""))
        if len(arguments) > 1:
            model.picture().save(arguments[1])
            yield f"     The picture is in {arguments[1]}."
            return
        yield from draw_wires(model.circuit, indent="     ")
        yield f"     {LEGEND}"

    def _flow(self, value: SOp, given: Any) -> Iterator[str]:
        """Yield the values of all that a sequence is computed from, on one input."""
        from compiler.evaluate import evaluate_steps

        tokens = list(given or self.examples["s-op"])
        yield f"     On {show.show_input(tokens)}:"
        for text, values in evaluate_steps(
            value, tokens, bool(self.said.get("causal"))
        ):
            yield f"     {text}"
            yield f"         {show.show_sequence(values)}"

    def _train(self, arguments: list[str]) -> Iterator[str]:
        import zoo
        from zoo.training.recipe_file import parse_setting

        names = [a for a in arguments if "=" not in a]
        program = self.program(names[0] if names else "")
        changes = dict(parse_setting(a) for a in arguments if "=" in a)
        yield f"     training {program.name}: {self._inputs(program)}"
        result = zoo.train(program, **changes)
        last = result.history[-1]
        yield f"     step {last.step}: {result.outcome}"

    def _text(self, arguments: list[str]) -> Iterator[str]:
        import zoo

        program = self.program(arguments[0] if arguments else "")
        yield zoo.to_rasp(program).rstrip()
