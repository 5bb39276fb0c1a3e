"""A program that is said to be a model's: the kind `programs`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from compiler.errors import InputError
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from zoo.cases.case import Case
from zoo.claims.program import score_program
from zoo.methods.method import Method
from zoo.scoring.cells import FigureTable
from zoo.submissions.claim_kind import ClaimKind, Stored
from zoo.submissions.claim_task import (
    INPUTS,
    ClaimTask,
    ask_about_variables,
    check_of_program,
)
from zoo.submissions.rasp_claims import claim_as_text, read_claimed_text
from zoo.submissions.record import SubmittedRun

NAME = "programs"
AlignedProgram = tuple[Program, Mapping[str, str] | None]


@dataclass(frozen=True)
class SubmittedProgram(SubmittedRun):
    """The program of one run.

    Attributes:
        text: RASP text.
        alignment: by variable of the program, the node or the model's variable that
            it is at; None if that is to be searched.
    """

    text: str = ""
    alignment: Mapping[str, str] | None = field(default=None)


def _ask(train: Case, test: Case, seed: int) -> tuple[ClaimTask, ClaimTask]:
    check_of_program(train)
    return ask_about_variables(train, test, seed)


def _store(task: ClaimTask, answer: Any) -> Stored:
    claim, alignment = answer if isinstance(answer, tuple) else (answer, None)
    if not isinstance(claim, str | Program | SOp):
        raise InputError(
            f"programs: found {type(claim).__name__}, expected RASP text or a RASP "
            "program, alone or with an alignment {variable: node} behind it"
        )
    text = claim_as_text(task, claim)
    read_claimed_text(text)
    return {"text": text, "alignment": None if alignment is None else dict(alignment)}


def _restore(task: ClaimTask, entry: SubmittedProgram) -> AlignedProgram:
    return read_claimed_text(entry.text), entry.alignment


def _measure(
    method: Method, claim: AlignedProgram, task: ClaimTask
) -> tuple[FigureTable, tuple[str, ...]]:
    """Return figures; a program without inner variables has all the structure it says.

    So what ranks also asks what of the behaviour a constant output does not have.
    """
    program, alignment = claim
    report = score_program(
        task.model, program, alignment, inputs=INPUTS, seed=task.seed
    )
    behaviour, constant = report.behaviour.share, report.constant
    gained = (behaviour - constant) / (1 - constant) if constant < 1 else 0.0
    figures = {
        "explained": report.structure * max(gained, 0.0),
        "structure": report.structure,
        "behaviour": behaviour,
        "constant": constant,
        "size": float(report.size),
    }
    return {NAME: figures}, ()


KIND = ClaimKind(
    name=NAME,
    ask=_ask,
    measure=_measure,
    about="a ClaimTask -> RASP text, or (RASP text, {variable: node})",
    record=SubmittedProgram,
    store=_store,
    restore=_restore,
)
