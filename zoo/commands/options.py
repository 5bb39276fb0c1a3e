"""What several commands take, and how its text is read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from compiler.errors import InputError

if TYPE_CHECKING:
    from compiler.model import Model

Source = Annotated[
    str,
    typer.Argument(
        metavar="NAME|DIR",
        help="A program, a release (NAME, NAME@2, hf://OWNER/REPO) or a folder.",
    ),
]
Vocab = Annotated[
    str | None,
    typer.Option(metavar="JSON", help="The tokens, as a list: '[1,2,3]'."),
]
MaxLen = Annotated[
    int | None, typer.Option(min=1, help="The greatest number of tokens.")
]
Seed = Annotated[int, typer.Option(help="Of every sample.")]


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


def is_folder(source: str) -> bool:
    """Return whether a source names a folder or a release, not a program.

    A folder that has a program's name by chance, and no model in it, is not meant.

    Raises:
        InputError: it names a file.
    """
    from zoo import programs

    path = Path(source)
    if path.is_file() and source not in programs():
        raise InputError(
            f"{source} is a file, and not a model's folder. Give a folder, a release "
            "or a program's name; `zoo list` prints the programs"
        )
    if "/" in source or source.startswith("."):
        return True
    if path.is_dir() and (_holds_model(path) or source not in programs()):
        return True
    return release_folder(source) is not None


def release_folder(source: str) -> Path | None:
    """Return the folder of the release that a source names, fetched if need be.

    None where it names a program, a task, or a folder of something else.
    """
    from zoo import programs, tasks
    from zoo.release.index import index_address
    from zoo.release.resolve import SCHEME, resolve, split_name
    from zoo.release.shelf import find_release
    from zoo.release.whole import is_release

    path = Path(source)
    if path.is_dir():
        return path if is_release(path) else None
    try:
        name, version = ("", 0) if source.startswith(SCHEME) else split_name(source)
    except InputError:
        return None
    if name and (found := find_release(name, version)) is not None:
        return found
    known = source in programs() or source in tasks.all_tasks()
    if known or (name and index_address() is None):
        return None
    with bytes_bar(source) as progress:
        return resolve(source, progress)


@contextmanager
def bytes_bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar of what was fetched, on a terminal's error output."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TransferSpeedColumn,
    )

    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn()
    with Progress(
        *columns,
        TransferSpeedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _holds_model(folder: Path) -> bool:
    from compiler.save import FILES

    return any((folder / name).exists() for name in (*FILES, "model"))


def read_vocab(vocab: str | None) -> list[Any] | None:
    """Return the vocabulary of `--vocab`."""
    if vocab is None:
        return None
    return [to_value(token) for token in read_list(vocab, "--vocab")]


def open_model(source: str, vocab: str | None, max_len: int | None) -> Model:
    """Return a saved model, or the compiled one of a program.

    Raises:
        InputError: a saved model was given another vocabulary or length.
    """
    import zoo

    if not is_folder(source):
        return zoo.compile(source, read_vocab(vocab), max_len)
    if vocab is not None or max_len is not None:
        raise InputError(
            f"{source} is a saved model: its vocabulary and length are fixed. Leave "
            "--vocab and --max-len out, or give a program's name"
        )
    if Path(source).is_dir() and not _holds_model(Path(source)):
        raise InputError(
            f"{source}: there is no model in this folder; `zoo compile` and `zoo "
            "train` save one"
        )
    return zoo.load(source)


def progress(words: str) -> Callable[[int, int], None]:
    """Return a callback that shows (done, total) on a terminal's error output."""
    import time

    shown = [time.monotonic()]
    told: list[int] = []

    def show(done: int, total: int) -> None:
        if not sys.stderr.isatty():
            # Into a pipe or a log: one line, where it would be silent for long.
            if not told and done < total and time.monotonic() - shown[0] > 2:
                told.append(total)
                print(f"{words}: {done:,} of {total:,} ..", file=sys.stderr)
            return
        if done < total and time.monotonic() - shown[0] < 0.5:
            return
        shown[0] = time.monotonic()
        end = "\r" if done < total else "\r\x1b[K"
        text = f"{words} {done:,} of {total:,}" if done < total else ""
        print(f"\r{text}", end=end, file=sys.stderr, flush=True)

    return show
