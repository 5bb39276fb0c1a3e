"""RASP text as a `Program`: which definition is meant, over which inputs.

A text says its setting itself, in lines such as `set vocab "abc"`. Building the program
runs the text again for the vocabulary that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from compiler.errors import InputError, nearest
from compiler.rasp.expr import Selector, SOp
from compiler.rasp.program import Program
from compiler.rasp.values import Value
from compiler.text.bounds import TextBounds
from compiler.text.evaluator import Evaluator, StatementOutcome
from compiler.text.files import SUFFIX, read_file
from compiler.text.kinds import is_atom
from compiler.text.operations import Misuse, noun
from compiler.text.source import SourceText

FAMILY = "RASP text"
SETTINGS = ("vocab", "max_len", "causal")
EXAMPLES = ("example", "s-op example", "selector example")
LONGEST = 64
"""The greatest number of tokens that a text may set."""


@dataclass(frozen=True)
class TextSetting:
    """What a text says of its inputs; None where it says nothing.

    Attributes:
        vocab: the tokens.
        max_len: the greatest number of tokens.
        causal: whether positions see only themselves and earlier ones.
        example: an input.
    """

    vocab: tuple[Value, ...] | None = None
    max_len: int | None = None
    causal: bool | None = None
    example: tuple[Value, ...] | None = None


@dataclass(frozen=True)
class RunText:
    """A text that was run: its names, its last sequence, its setting.

    Attributes:
        evaluator: what each name stands for.
        last: the name and the value of the last sequence that it defines.
        setting: what it says of its inputs.
        opening: the vocabulary that its first statement sets, if that is what it does;
            run for that vocabulary, the text does the same again.
    """

    evaluator: Evaluator
    last: tuple[str, SOp] | None
    setting: TextSetting
    opening: tuple[Value, ...] | None = None


def is_text(text: str) -> bool:
    """Return whether a string is RASP text: it has a `;` or more than one line."""
    return ";" in text or "\n" in text


def run_text(
    source: SourceText,
    vocab: tuple[Value, ...] | None = None,
    folder: Path | None = None,
    bounds: TextBounds | None = None,
) -> RunText:
    """Return a text after it was run once.

    Args:
        source: the text.
        vocab: the tokens; those that the text sets, if None.
        folder: where it may load files.
        bounds: what it may cost.

    Raises:
        RaspError: it cannot be read, or a statement fails.
    """
    evaluator = Evaluator(vocab, folder, bounds)
    said: dict[str, Any] = {}
    last = opening = None
    for number, outcome in enumerate(evaluator.run(source)):
        if outcome.kind == "set":
            said |= read_setting(evaluator, outcome)
            if number == 0:
                opening = said.get("vocab")
            if outcome.name == "vocab" and vocab is None:
                evaluator.set_vocabulary(said["vocab"])
        elif outcome.kind == "value" and isinstance(outcome.value, SOp):
            last = (outcome.name, outcome.value)
    setting = TextSetting(**said)
    once = opening if opening == setting.vocab else None
    return RunText(evaluator, last, setting, once)


def read_setting(evaluator: Evaluator, outcome: StatementOutcome) -> dict[str, Any]:
    """Return a line such as `set vocab "abc"` as the name of a field and its value.

    Raises:
        RaspError: nothing is set that way, or not to such a value.
    """
    what, value = outcome.name, outcome.value

    def wrong(wanted: str, remedy: str) -> Exception:
        problem = f"{what} is set to {noun(value)}, and has to be {wanted}"
        return evaluator.fail(outcome.at, problem, remedy)

    if what in EXAMPLES or what == "vocab":
        is_list = isinstance(value, list) and all(is_atom(v) for v in value)
        if not (is_list or isinstance(value, str)) or not value:
            raise wrong("a string or a list of tokens", f'Write set {what} "abc"')
        if what == "vocab" and len(set(value)) != len(value):
            raise wrong("tokens that all differ", "Write each token once")
        return {"vocab" if what == "vocab" else "example": tuple(value)}
    if what == "max_len":
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not is_number or not 1 <= value <= LONGEST:
            raise wrong(f"an integer from 1 to {LONGEST}", "Write set max_len 8")
        return {"max_len": value}
    if what == "causal":
        if not isinstance(value, bool):
            raise wrong("True or False", "Write set causal True")
        return {"causal": value}
    known = [*SETTINGS, *EXAMPLES]
    hint = nearest(what, known).strip() or f"Set one of {', '.join(known)}"
    raise evaluator.fail(outcome.at, f"there is nothing called {what} to set", hint)


def read_program(
    source: SourceText,
    name: str = "",
    *,
    folder: Path | None = None,
    bounds: TextBounds | None = None,
) -> Program:
    """Return the program that a text defines.

    Args:
        source: the text.
        name: of the sequence that is the program; the last one that it defines if "".
        folder: where it may load files; from a string it may not, so None.
        bounds: what it may cost.

    Returns:
        the program; its vocabulary is empty where the text sets none.

    Raises:
        RaspError: the text cannot be read, or a statement fails.
        InputError: it defines no sequence, or none of that name.
    """

    @cache
    def run(vocab: tuple[Value, ...] | None) -> RunText:
        return run_text(source, vocab, folder, bounds)

    first = run(None)

    def build(vocab: Sequence[Value] = ()) -> SOp:
        asked = tuple(vocab) or None
        again = asked is not None and repr(asked) == repr(first.opening)
        found = first if again else run(asked)
        return _as_output(found.evaluator, _choose(found, source, name)[1])

    chosen, _ = _choose(first, source, name)
    setting = first.setting
    return Program(
        name=chosen if chosen != "out" else _stem(source),
        family=FAMILY,
        meaning=_meaning(source.text),
        vocab=setting.vocab or (),
        max_len=setting.max_len or 8,
        example=((), ()),
        builder=build,
        causal=bool(setting.causal),
        text=source.text,
    )


def read_program_file(path: Path, name: str = "") -> Program:
    """Return the program of a file; it may load files beside it.

    Raises:
        RaspError: the text cannot be read, or a statement fails.
        InputError: it is no text, defines no sequence, or none of that name.
        OSError: there is no such file.
    """
    try:
        source = read_file(path)
    except Misuse as misuse:
        raise InputError(f"{misuse.problem}. {misuse.remedy}") from None
    return read_program(source, name, folder=path.resolve().parent)


def _choose(found: RunText, source: SourceText, name: str) -> tuple[str, SOp]:
    """Return the name and the value of the sequence that is the program."""
    names = found.evaluator.scope.names
    sequences = [n for n, v in names.items() if isinstance(v, SOp) and n != "out"]
    if not name:
        if found.last is not None:
            return found.last
        lists = [n for n, v in names.items() if isinstance(v, list | tuple)]
        several = f"; {lists[-1]!r} is a list of several values" if lists else ""
        raise InputError(
            f"{source.name}: it defines no sequence{several}. A program is the last "
            "sequence that is defined, for example: reverse = aggregate("
            "select(indices, length - 1 - indices, ==), tokens);"
        )
    if name not in names:
        hint = nearest(name, sequences)
        there = hint or f" There are: {', '.join(sequences)}"
        raise InputError(f"{source.name}: nothing in it is called {name!r}.{there}")
    if not isinstance(names[name], SOp):
        with_it = f"{name}(tokens)"
        if isinstance(names[name], Selector):
            with_it = f"selector_width({name})"
        raise InputError(
            f"{source.name}: {name} is {noun(names[name])}, and a program is a "
            f"sequence. Define one with it, for example: x = {with_it};"
        )
    return name, names[name]


def _as_output(evaluator: Evaluator, sop: SOp) -> SOp:
    """Return a sequence without the name that its definition gave it.

    That name is the program's; its output is called `output`, as every program's.
    """
    return sop._replace(name=None) if id(sop) in evaluator.automatic else sop


def _meaning(text: str) -> str:
    """Return the comment that a text begins with, as one line."""
    lines = []
    for line in text.lstrip("\ufeff").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return " ".join(" ".join(lines).split())


def _stem(source: SourceText) -> str:
    is_file = source.name.endswith(SUFFIX)
    return Path(source.name).stem if is_file else "expression"
