"""What several commands take, and how its text is read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from compiler.errors import InputError

if TYPE_CHECKING:
    from compiler.model import Model
    from zoo.lookup import ResolvedName, TargetKind

MODEL_ARGUMENT = typer.Argument(
    metavar="NAME|DIR|FILE[:NAME]",
    help="A folder with a model, a release (NAME, NAME@2, hf://OWNER/REPO) or a "
    "program. If several have the name, the first of these is used. Or a file that "
    "defines a program, in Python (.py) or as RASP text (.rasp).",
)
ModelArgument = Annotated[str, MODEL_ARGUMENT]
Vocab = Annotated[
    str | None,
    typer.Option(metavar="JSON", help="The tokens to use, as a JSON list: '[1,2,3]'."),
]
MaxLen = Annotated[
    int | None,
    typer.Option(min=1, help="The greatest number of tokens of an input."),
]
Seed = Annotated[int, typer.Option(help="Seed of every random sample.")]


def read_json(text: str, what: str) -> Any:
    """Return what a JSON text says.

    Raises:
        InputError: it is not JSON; says where.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(
            f"{what}: {shorten(text)!r} is not JSON ({error}). Write a list, for "
            "example '[3,1,2]' or '[\"a\",\"b\"]'"
        ) from None
    except RecursionError:
        raise InputError(f"{what}: lists in lists without end") from None


def read_list(text: str, what: str) -> list[Any]:
    """Return the JSON list that a text says."""
    found = read_json(text, what)
    if not isinstance(found, list):
        raise InputError(f"{what}: {shorten(text)!r} is not a list; write '[3,1,2]'")
    return found


def shorten(text: str, limit: int = 60) -> str:
    """Return a text cut to a limit."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def to_value(found: Any) -> Any:
    """Return a token as JSON says it as RASP knows it: lists are tuples."""
    return tuple(map(to_value, found)) if isinstance(found, list) else found


def find(source: str, kinds: Sequence[TargetKind] | None = None) -> ResolvedName:
    """Return what a name stands for; a release that is not here is fetched.

    Where several things have the name, a line says which was taken.
    """
    from zoo.lookup import MODELS, look_up
    from zoo.progress import show_progress

    with show_progress(source, "bytes", bytes=True) as show:
        target = look_up(source, kinds or MODELS, progress=show)
    if target.note:
        print(f"note: {target.note}", file=sys.stderr)
    return target


def release_folder(source: str | ResolvedName) -> Path | None:
    """Return the folder of the release that a source names, None if it names none."""
    return (find(source) if isinstance(source, str) else source).release


def read_vocab(vocab: str | None) -> list[Any] | None:
    """Return the vocabulary of `--vocab`."""
    if vocab is None:
        return None
    return [to_value(token) for token in read_list(vocab, "--vocab")]


def open_model(
    source: str | ResolvedName, vocab: str | None, max_len: int | None
) -> Model:
    """Return a saved model, or the compiled one of a program.

    Raises:
        InputError: a saved model was given another vocabulary or length.
    """
    from zoo import lookup

    target = find(source) if isinstance(source, str) else source
    return lookup.open_model(target, read_vocab(vocab), max_len)


def audit_scope(
    quick: bool, sample: bool, prove: bool
) -> Literal["full", "quick", "sample"]:
    """Return how much an audit covers, by the options of a command.

    Raises:
        InputError: two of the options exclude each other.
    """
    for name, given in (("--quick", quick), ("--prove", prove)):
        if given and sample:
            raise InputError(
                f"{name} and --sample exclude each other; give one of them"
            )
    return "quick" if quick else "sample" if sample else "full"


def progress(words: str) -> Callable[[int, int], None]:
    """Return a function that shows (done, total) of a long task.

    It is a bar where standard error is a terminal, and a line every ten seconds
    elsewhere.
    """
    import atexit

    from zoo.progress import show_progress

    stack = ExitStack()
    atexit.register(stack.close)  # a bar hides the cursor until it is closed
    show = stack.enter_context(show_progress(words, words))

    def advance(done: int, total: int) -> None:
        show(done, total)
        if done >= total:
            stack.close()

    return advance


def check_free(out: Path, force: bool) -> None:
    """Raise InputError for a folder that holds something, unless it is replaced."""
    if out.is_dir() and any(out.iterdir()) and not force:
        raise InputError(
            f"{out} is there already. Give another --out, or --force to replace the "
            "model in it"
        )
