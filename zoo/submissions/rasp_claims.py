"""RASP text in a submission: read as a program, never looked up as a name or a file."""

from __future__ import annotations

from compiler.pipeline import read_source
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from compiler.text.bounds import TextBounds
from compiler.text.printer import Printed, print_program
from compiler.text.program import read_program
from compiler.text.source import SourceText
from zoo.lookup import find_program
from zoo.submissions.claim_task import ClaimTask

_BOUNDS = TextBounds(characters=65_536)


def is_rasp_text(claim: str) -> bool:
    """Return whether a text is RASP text, and no name of a program or a file."""
    return ";" in claim or "\n" in claim


def read_claimed_text(text: str) -> Program:
    """Return the program of RASP text; it can load no file.

    Raises:
        RaspError: it cannot be read, or goes over a bound.
    """
    return read_program(SourceText(text), bounds=_BOUNDS)


def claim_as_text(task: ClaimTask, claim: str | Program | SOp) -> str:
    """Return a claimed program as RASP text.

    Args:
        task: its model says tokens and lengths.
        claim: RASP text, a program's name or file, a program, or an expression.

    Raises:
        NameLookupError: no program has that name.
        InputError: RASP text has no words for it.
    """
    if isinstance(claim, str) and is_rasp_text(claim):
        return claim
    typed = task.model.typed
    read = read_source(find_program(claim), list(typed.vocab), typed.max_len)
    inputs = read.vocab, read.max_len, read.causal
    return print_program(Printed(read.expression, read.name, *inputs, ""))
