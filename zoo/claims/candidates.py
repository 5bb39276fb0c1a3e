"""Programs that are said to compute what another one does, as many as there are.

`zoo.score_programs` compares outputs by the interpreter alone: it runs no transformer,
so that a decompiler's answers take milliseconds each. `zoo.score_program` also asks
where in a model the variables of one program are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError, ZooError
from compiler.ir import typed as t
from compiler.ir.interpret import interpret
from compiler.model import Model
from compiler.passes.check import Accepts, sample_inputs
from compiler.pipeline import read_source
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from compiler.rasp.values import Value
from compiler.text.bounds import TextBounds
from compiler.text.printer import is_same
from compiler.text.program import read_program
from compiler.text.source import SourceText
from zoo.auditing.certificate import Rate, rate
from zoo.auditing.subject import causal_of
from zoo.causal.population import MOST
from zoo.causal.tabular import TabularModel
from zoo.claims.bounded import time_limit
from zoo.claims.candidate_report import CandidateReport
from zoo.claims.claimed import type_over
from zoo.claims.program import SECONDS, computed_variables
from zoo.claims.renaming import own_names, rename
from zoo.claims.reports import ClaimCounterexample
from zoo.lookup import MODELS, look_up, open_model
from zoo.own_file import split_file

Reference = str | Path | Model | Program | SOp
ProgramCandidate = str | Program | Mapping[str, Any]
_BOUNDS = TextBounds()


@dataclass(frozen=True, eq=False)
class ProgramReference:
    """What candidates are compared with.

    Attributes:
        label: what reports call it.
        typed: the program.
        accepts: which inputs it is for.
        tokens: [input, max_len] the inputs, the shortest first.
        lengths: [input] their lengths.
        complete: whether these are all inputs.
        outputs: [input, max_len] the program's outputs, -1 where it has none.
        size: its variables that take a component.
    """

    label: str
    typed: t.Typed
    accepts: Accepts | None
    tokens: Int[np.ndarray, "input seq"]
    lengths: Int[np.ndarray, " input"]
    complete: bool
    outputs: Int[np.ndarray, "input seq"]
    size: int


def score_programs(
    source: Reference,
    candidates: ProgramCandidate | Iterable[ProgramCandidate],
    *,
    inputs: int | None = None,
    seconds: float = SECONDS,
    seed: int = 0,
) -> list[CandidateReport]:
    """Return for each candidate whether it computes what a program does.

    A candidate that cannot be used gets a report that says why, and the others go on.

    Args:
        source: what they are compared with: a program's or a release's name, a folder,
            RASP text, a program, or a model.
        candidates: RASP text, a `Program`, or a mapping with `text`, maybe an `id`, and
            maybe a `reference` (RASP text or a name) in the place of `source`; or
            several of these.
        inputs: how many inputs outputs are compared on; all, up to 100,000, if None.
        seconds: the time that one candidate may take.
        seed: of the inputs, where they are not all.

    Raises:
        NameLookupError: nothing has the name.
        InputError: the model has no RASP program, or a number cannot be used.
    """
    one = isinstance(candidates, str | Program | Mapping)
    several = cast("Iterable[ProgramCandidate]", [candidates] if one else candidates)
    judge = CandidateJudge(source, inputs, seconds, seed)
    return [judge.score(each, number) for number, each in enumerate(several, start=1)]


class CandidateJudge:
    """Scores candidates one by one; keeps the reference from one to the next.

    Args:
        source: as of `score_programs`; None where each candidate says its own.
        inputs: as of `score_programs`.
        seconds: as of `score_programs`.
        seed: as of `score_programs`.
    """

    def __init__(
        self, source: Reference | None, inputs: int | None, seconds: float, seed: int
    ) -> None:
        if inputs is not None and inputs < 1:
            raise InputError(f"inputs is {inputs}; give at least 1")
        if not seconds > 0:
            raise InputError(f"seconds is {seconds}; give more than 0")
        self.inputs, self.seconds, self.seed = inputs, seconds, seed
        self.own = None if source is None else self.open(source)
        self.other: tuple[str, ProgramReference] | None = None

    def open(self, source: Reference) -> ProgramReference:
        """Return what a name, a program or a model stands for, with its outputs."""
        return open_reference(source, self.inputs, self.seed)

    def score(self, candidate: ProgramCandidate, number: int) -> CandidateReport:
        """Return what a candidate is worth; its number is its name if it has none."""
        given: Mapping[str, Any] = {"text": candidate}
        if isinstance(candidate, Mapping):
            given = candidate
        name = str(given.get("id", number))
        if not isinstance(given.get("text"), str | Program):
            raise InputError(
                f"{name}: its text is {given.get('text')!r:.60}. Give RASP text"
            )
        if self.own is None and given.get("reference") is None:
            raise InputError(
                f"{name}: it says no reference, and there is none for all. Give a "
                "NAME, or an entry reference"
            )
        try:
            reference = self.reference(given.get("reference"))
            with time_limit(self.seconds, "the candidate"):
                typed = _typed(given["text"], reference)
                return _compare(name, typed, reference, self.seed)
        except ZooError as error:
            known = self.own if given.get("reference") is None else None
            return CandidateReport(
                name=name,
                reference=known.label if known else "",
                error=str(error),
                shortest=known.size if known else 0,
            )

    def reference(self, named: str | None) -> ProgramReference:
        """Return what one candidate is compared with."""
        if named is None:
            assert self.own is not None
            return self.own
        if self.other is None or self.other[0] != named:
            _check_reference(named)
            self.other = named, self.open(named)
        return self.other[1]


def _check_reference(named: str) -> None:
    """Refuse a candidate's reference that is a file: it may come from anywhere.

    A file of Python would be run, and an address fetched.

    Raises:
        InputError: it is one.
    """
    is_text = ";" in named or "\n" in named
    if not is_text and ("/" in named or split_file(named) is not None):
        raise InputError(
            f"its reference is {named[:60]!r}, a file or an address; give RASP text, "
            "or the name of a program or a release"
        )


def open_reference(
    source: Reference, inputs: int | None = None, seed: int = 0
) -> ProgramReference:
    """Return a program with its outputs on all inputs, or on a sample.

    Raises:
        NameLookupError: nothing has that name.
        InputError: the model has no RASP program.
    """
    label, typed, accepts = _program_of(source)
    wanted = MOST if inputs is None else inputs
    tokens, lengths, complete = sample_inputs(typed, wanted, seed, accepts)
    order = np.argsort(lengths, kind="stable")
    tokens, lengths = tokens[order], lengths[order]
    outputs = interpret(typed, tokens, lengths).output
    live = np.arange(tokens.shape[1])[None, :] < lengths[:, None]
    return ProgramReference(
        label=label,
        typed=typed,
        accepts=accepts,
        tokens=tokens,
        lengths=lengths,
        complete=complete,
        outputs=np.where(live, outputs, -1),
        size=len(computed_variables(typed)) + 1,
    )


def _program_of(source: Reference) -> tuple[str, t.Typed, Accepts | None]:
    """Return (label, the program, which inputs it is for)."""
    if isinstance(source, str | Path):
        target = look_up(source, MODELS)
        source = target.define() if target.kind == "program" else open_model(target)
    if isinstance(source, Model):
        causal = causal_of(source)
        if not isinstance(causal, TabularModel):
            raise InputError(
                f"{source.name}: its causal model was written by hand and is no RASP "
                "program, so there is nothing to compare with. Choose a model that was "
                "made from a program"
            )
        return source.name, source.typed, causal.accepts
    read = read_source(source)
    inputs = read.vocab, read.max_len, read.causal
    return read.name, type_over(source, *inputs, read.accepts), read.accepts


def _typed(candidate: str | Program, reference: ProgramReference) -> t.Typed:
    """Return a candidate over the inputs of what it is compared with."""
    program = candidate
    if isinstance(candidate, str):
        program = read_program(SourceText(candidate), bounds=_BOUNDS)
    there = reference.typed
    inputs = there.vocab, there.max_len, there.causal
    return type_over(program, *inputs, reference.accepts)  # type: ignore[arg-type]


def _compare(
    name: str, typed: t.Typed, reference: ProgramReference, seed: int
) -> CandidateReport:
    """Return what a typed candidate is worth."""
    outputs = interpret(typed, reference.tokens, reference.lengths).output
    held = [p.variables[p.output].domain.values for p in (typed, reference.typed)]
    said = rename(outputs, own_names(*held))
    asked = reference.outputs >= 0
    wrong = asked & (said != reference.outputs)
    return CandidateReport(
        name=name,
        reference=reference.label,
        error=None,
        inputs=len(reference.lengths),
        complete=reference.complete,
        right=_rate(asked & ~wrong, asked),
        exact=_is_exact(typed, reference.typed),
        size=len(computed_variables(typed)) + 1,
        shortest=reference.size,
        counterexample=_first_wrong(wrong, outputs, held[0], reference),
    )


def _rate(right: np.ndarray, asked: np.ndarray) -> Rate:
    return rate(int(right.sum()), int(asked.sum()))


def _is_exact(one: t.Typed, other: t.Typed) -> bool:
    """Return whether two programs are one, but for the names of variables."""
    if len(one.variables) != len(other.variables) or one.output != other.output:
        return False
    if one.causal != other.causal:
        return False
    pairs = zip(one.variables, other.variables, strict=True)
    return all(
        is_same(a.operation, b.operation) and a.domain.values == b.domain.values
        for a, b in pairs
    )


def _first_wrong(
    wrong: np.ndarray,
    outputs: np.ndarray,
    values: tuple[Value, ...],
    reference: ProgramReference,
) -> ClaimCounterexample | None:
    if not wrong.any():
        return None
    row, place = (int(i) for i in np.argwhere(wrong)[0])
    typed, said = reference.typed, int(outputs[row, place])
    right = typed.variables[typed.output].domain.values
    cells = reference.tokens[row, : reference.lengths[row]]
    return ClaimCounterexample(
        what="outputs",
        tokens=tuple(typed.vocab[c] for c in cells),
        position=place,
        claimed=None if said < 0 else values[said],
        true=right[reference.outputs[row, place]],
    )
