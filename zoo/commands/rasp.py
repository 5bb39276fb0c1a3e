"""`zoo rasp`: a shell for RASP text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compiler.errors import InputError

if TYPE_CHECKING:
    from zoo.rasp_shell import Shell


def rasp(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE.rasp",
            help="A file to run first; what it defines can be used.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Try RASP text line by line, each with its examples.

    `:help` lists the commands. Lines may also come from a file or a pipe: the exit
    status is 1 then if one of them had a mistake.
    """
    from compiler.text.files import read_file
    from compiler.text.operations import Misuse
    from zoo.rasp_shell import Shell

    shell = Shell(Path.cwd() if file is None else file.resolve().parent)
    if file is not None:
        try:
            _print(shell.load(read_file(file)))
        except Misuse as misuse:
            raise InputError(f"{misuse.problem}. {misuse.remedy}") from None
    if sys.stdin.isatty():
        _talk(shell)
        return
    for line in sys.stdin:
        _print(shell.feed(line.rstrip("\n")))
        if shell.done:
            break
    _print(shell.end())
    if shell.failed:
        raise typer.Exit(1)


def _talk(shell: Shell) -> None:
    """Ask for lines until there are no more; Ctrl-C drops an unfinished one."""
    import contextlib

    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (it gives `input` a history)
    print('RASP. Examples are on "hello"; :help lists the commands.')
    while not shell.done:
        try:
            _print(shell.feed(input(shell.prompt)))
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            shell.pending = ""
            print()


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        print(line, flush=True)
