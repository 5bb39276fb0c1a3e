"""`zoo score-program`: whether programs compute what another one does."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from compiler.errors import InputError
from zoo.commands.options import Seed

LINES = (".jsonl", ".ndjson")
MOST_LINE = 2**20
"""Bytes of a line of JSON above which it is not read."""


def score_program(
    source: Annotated[
        str,
        typer.Argument(
            metavar="NAME|DIR|FILE|TEXT|-",
            help="What candidates are compared with: a program, a release, a folder "
            "with a model, a file of RASP text, or RASP text. With -, each line of the "
            "candidates says its own reference.",
        ),
    ],
    candidate: Annotated[
        str,
        typer.Argument(
            metavar="TEXT|FILE|-",
            help="RASP text, a file of it, a file of JSON lines (.jsonl), or - for "
            "JSON lines from standard input. A line is RASP text as a JSON string, or "
            "an object with text, and maybe id and reference.",
        ),
    ],
    inputs: Annotated[
        int | None,
        typer.Option(help="Inputs to compare on; all, up to 100,000, if not given."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(help="Time that one candidate may take.")
    ] = 60.0,
    seed: Seed = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a candidate.")
    ] = False,
) -> None:
    """Say of programs whether they compute what another one does.

    A line a candidate: whether its outputs are equal on all inputs, or the first input
    on which they differ; whether it is the same program; and its number of variables
    beside that of the reference. A line of JSON that cannot be read is told by its
    number, and the others go on; the exit status is then 1.
    """
    from zoo.claims.candidates import CandidateJudge

    reference = None if source == "-" else source
    judge = CandidateJudge(reference, inputs, seconds, seed)
    malformed = 0
    for number, given in _candidates(candidate):
        try:
            if isinstance(given, InputError):
                raise given
            report = judge.score(given, number)
        except InputError as problem:
            malformed += 1
            print(f"line {number}: {problem}", file=sys.stderr)
            continue
        line = json.dumps(report.to_json(), allow_nan=False)
        print(line if as_json else report.text, flush=True)
    if malformed:
        raise typer.Exit(1)


def _candidates(text: str) -> Iterator[tuple[int, Any]]:
    """Yield (number, candidate), or in its place the error of a line."""
    path = Path(text)
    if text == "-":
        yield from _read_lines(sys.stdin.buffer)
    elif "\n" in text or ";" in text:
        yield 1, text
    elif path.suffix in LINES:
        with path.open("rb") as file:
            yield from _read_lines(file)
    elif path.is_file():
        from compiler.text.program import read_program_file

        yield 1, read_program_file(path)
    elif "=" in text or "(" in text:
        yield 1, text
    else:
        raise InputError(
            f"{text}: there is no such file, and it is no RASP text. Give a file, - "
            "for standard input, or text such as 'x = tokens;'"
        )


def _read_lines(file: Iterable[bytes]) -> Iterator[tuple[int, Any]]:
    """Yield (number, candidate) of lines of JSON; an empty line is none."""
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            yield number, read_candidate(line)
        except InputError as problem:
            yield number, problem


def read_candidate(line: bytes) -> str | dict[str, Any]:
    """Return the candidate of a line of JSON.

    Raises:
        InputError: it is none.
    """
    remedy = 'Write {"text": "x = tokens;"}'
    if len(line) > MOST_LINE:
        raise InputError(
            f"it has {len(line):,} bytes, and at most {MOST_LINE:,} are read"
        )
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"it is not JSON ({str(error)[:80]}). {remedy}") from None
    if isinstance(found, str):
        return found
    if not isinstance(found, dict) or not isinstance(found.get("text"), str):
        raise InputError(
            "it is neither a JSON string nor an object whose text is a string. "
            f"{remedy}"
        )
    for name, kinds in (("id", str | int), ("reference", str)):
        if not isinstance(found.get(name, ""), kinds):
            raise InputError(f"its {name} is {found[name]!r:.60}. {remedy}")
    return found
