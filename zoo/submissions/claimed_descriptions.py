"""What each head or MLP is said to compute: the kind `descriptions`.

RASP text is stored as it is. Of a function, a table or a program, what it says on the
inputs of the task is stored, so that nobody has to run it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compiler.errors import InputError
from compiler.notation import value_to_json
from compiler.rasp.program import Program
from compiler.rasp.values import Value
from zoo.claims.claimed import ClaimedValues, claim_values
from zoo.claims.description import SECONDS, score_claimed_values, variable_at
from zoo.methods.method import Method
from zoo.scoring.cells import FigureTable
from zoo.submissions.claim_kind import ClaimKind, Stored, mean_figures, named_claims
from zoo.submissions.claim_task import ClaimTask, ask_about_variables
from zoo.submissions.rasp_claims import is_rasp_text, read_claimed_text
from zoo.submissions.record import SubmittedRun

NAME = "descriptions"
FIGURES = ("gained", "information", "same", "cause", "model")


@dataclass(frozen=True)
class SubmittedDescription:
    """What a variable is said to hold: RASP text, or values.

    Attributes:
        text: a program; "" if values are given.
        values: those that occur.
        held: [input][ctx] index of the value at each token of the task's inputs, -1
            where there is none.
    """

    text: str
    values: tuple[Value, ...]
    held: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class SubmittedDescriptions(SubmittedRun):
    """The descriptions of one run.

    Attributes:
        descriptions: by variable.
    """

    descriptions: Mapping[str, SubmittedDescription] = field(default_factory=dict)


def _store(task: ClaimTask, answer: Any) -> Stored:
    expected = "a node or a variable -> a function, a table or a RASP program"
    stored = {}
    for node, claim in named_claims(answer, expected).items():
        variable = variable_at(task.model, task.population, node)
        if variable in stored:
            raise InputError(f"descriptions: found two of {variable!r}; give one")
        if isinstance(claim, str) and is_rasp_text(claim):
            read_claimed_text(claim)
            stored[variable] = {"text": claim, "values": [], "held": []}
            continue
        said = claim_values(task.population, claim, SECONDS)
        values = [value_to_json(value) for value in said.values]
        held = said.held.tolist()
        stored[variable] = {"text": "", "values": values, "held": held}
    return {"descriptions": stored}


def _restore(
    task: ClaimTask, entry: SubmittedDescriptions
) -> Mapping[str, Program | ClaimedValues]:
    found = {}
    for node, said in entry.descriptions.items():
        variable = variable_at(task.model, task.population, node)
        if variable in found:
            raise InputError(f"descriptions: found two of {variable!r}, expected one")
        found[variable] = (
            read_claimed_text(said.text) if said.text else _values_of(task, said)
        )
    return found


def _values_of(task: ClaimTask, said: SubmittedDescription) -> ClaimedValues:
    """Return values that were stored.

    Raises:
        InputError: they are of other inputs than the task's, or an index is no value's.
    """
    shape, last = task.population.ids.shape, len(said.values) - 1
    wrong = len(said.held) != shape[0] or any(len(r) != shape[1] for r in said.held)
    if wrong or any(not -1 <= i <= last for row in said.held for i in row):
        raise InputError(
            f"descriptions: found values of {len(said.held)} inputs, expected indices "
            f"[input, ctx] = {shape} from -1 to {last}, for the inputs of the task"
        )
    return ClaimedValues("table", np.array(said.held, np.int32), said.values)


def _measure(
    method: Method, claims: Mapping[str, Program | ClaimedValues], task: ClaimTask
) -> tuple[FigureTable, tuple[str, ...]]:
    """Return means over all variables that heads and MLPs compute."""
    found = []
    for variable, claim in claims.items():
        said = (
            claim_values(task.population, claim, SECONDS)
            if isinstance(claim, Program)
            else claim
        )
        report = score_claimed_values(
            task.model, task.case.name, task.population, variable, said, seed=task.seed
        )
        values, effects = report.values["claimed"], report.effects["claimed"]
        found.append(
            {
                "gained": values.gained,
                "information": values.information,
                "same": values.same.share,
                "cause": None if effects.cause is None else effects.cause.share,
                "model": effects.model.share,
            }
        )
    return {NAME: mean_figures(found, FIGURES, len(task.variables))}, ()


KIND = ClaimKind(
    name=NAME,
    ask=ask_about_variables,
    measure=_measure,
    about="a ClaimTask -> {node or variable: a function, a table or RASP text}",
    record=SubmittedDescriptions,
    store=_store,
    restore=_restore,
)
