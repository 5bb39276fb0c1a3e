"""`zoo run`: inputs in, outputs out."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compiler.errors import InputError, UnsuitedInputWarning
from zoo.commands.options import (
    MaxLen,
    ModelArgument,
    Vocab,
    find,
    open_model,
    read_json,
    to_value,
)

if TYPE_CHECKING:
    from compiler.model import Model


def run(
    source: ModelArgument,
    input: Annotated[
        str | None,
        typer.Option(
            metavar="JSON", help="One input, such as '[3,1,2]', or a list of inputs."
        ),
    ] = None,
    input_file: Annotated[
        Path | None,
        typer.Option(
            help="A file of inputs, one JSON list a line; - is standard input."
        ),
    ] = None,
    generate: Annotated[
        bool,
        typer.Option(
            "--generate",
            help="Print what a language model generates after each input. An input may "
            "be text: --input '3 1 2 ='.",
        ),
    ] = False,
    max_new: Annotated[
        int | None,
        typer.Option(min=1, help="The most tokens to generate; until EOS by default."),
    ] = None,
    vocab: Vocab = None,
    max_len: MaxLen = None,
) -> None:
    """Run a model on inputs, and print the outputs as JSON.

    Each output is printed on a line of its own.

    In JSON, None is null, and a token that is a tuple is a list. A note says which
    inputs the program is not for; what is printed for these stands for nothing.
    """
    target = find(source)
    if max_new is not None and not generate:
        raise InputError("--max-new goes with --generate")
    if (input is None) == (input_file is None):
        raise InputError("give --input or --input-file, one of the two")
    if input is not None:
        model = open_model(target, vocab, max_len)
        _check_language(model, generate)
        sequences = [("--input", s) for s in _read(input, model, text=generate)]
    else:
        assert input_file is not None
        lines = _lines(input_file)
        model = open_model(target, vocab, max_len)
        _check_language(model, generate)
        sequences = [
            (place, sequence)
            for place, text in lines
            for sequence in _read(text, model, place, generate)
        ]
    for place, sequence in sequences:
        try:
            model.encode(sequence)
        except InputError as error:
            raise InputError(f"{place}: {error}") from None
    given = [s for _, s in sequences]
    if generate:
        outputs = _generated(model, given, max_new)
    else:
        if unsuited := model.unsuited(given):
            print(f"note: {unsuited}", file=sys.stderr)
        with warnings.catch_warnings():  # the note says it
            warnings.simplefilter("ignore", UnsuitedInputWarning)
            outputs = model.batch(given)
    for output in outputs:
        print(json.dumps(output, default=_plain))


def _generated(
    model: Model, prompts: list[list[Any]], max_new: int | None
) -> list[list[Any]]:
    """Return what follows each prompt; what there is to be known goes to stderr."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", RuntimeWarning)
        made = model.generate(prompts, max_new)
    for note in notes:
        print(f"note: {note.message}", file=sys.stderr)
    return made


def _check_language(model: Model, generate: bool) -> None:
    """Raise InputError where a model of values is asked to generate."""
    if generate and not model.writes_tokens:
        raise InputError(
            f"{model.name} is no language model: its logits stand for values at each "
            "token, and not for the next token. Leave --generate out. A program that "
            "writes its own next token is compiled by `zoo compile --generate`"
        )


def _lines(path: Path) -> list[tuple[str, str]]:
    """Return (place, text) of every line that is not empty."""
    if str(path) == "-":
        text, name = sys.stdin.read(), "standard input"
    else:
        try:
            text, name = path.read_text(encoding="utf-8"), str(path)
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: is not UTF-8 text ({error})") from None
    lines = [
        (f"{name}, line {number}", line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]
    if not lines:
        raise InputError(f"{name}: there is no input in it")
    return lines


def _read(
    data: str, model: Model, place: str = "--input", text: bool = False
) -> list[list[Any]]:
    """Return the inputs that a string holds: one, or a list of several.

    Args:
        data: JSON, or letters where every token is one.
        model: whose tokens they are.
        place: where the string is from.
        text: whether words with spaces between them are read as well.
    """
    if text and not data.lstrip().startswith(("[", '"')):
        from compiler.generation import to_tokens  # it imports arrays

        return [to_tokens(model.name, model.words, model.typed.vocab, data)]
    vocab = model.typed.vocab
    letters = all(isinstance(t, str) and len(t) == 1 for t in vocab)
    if letters and not data.lstrip().startswith(("[", '"')):
        return [list(data.strip())]
    found = read_json(data, place)
    if isinstance(found, str) and letters:
        return [list(found)]
    if not isinstance(found, list):
        raise InputError(
            f"{place}: {data.strip()[:60]!r} is not a list; write '[3,1,2]'"
        )
    if _depth(found) > 1 + max(map(_depth, vocab)) and all(
        isinstance(f, list) for f in found
    ):
        return [[to_value(token) for token in sequence] for sequence in found]
    return [[to_value(token) for token in found]]


def _depth(value: Any) -> int:
    """Return how deep lists or tuples are nested: 0 for a number, 1 for `[3]`."""
    if not isinstance(value, list | tuple):
        return 0
    return 1 + max(map(_depth, value), default=0)


def _plain(value: Any) -> Any:
    """Return what JSON can say of a value that it does not know (a fraction)."""
    return float(value)
