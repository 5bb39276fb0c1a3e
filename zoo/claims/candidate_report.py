"""What `zoo.score_programs` returns of one candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compiler.errors import count
from compiler.rasp.values import show
from zoo.auditing.certificate import Rate
from zoo.claims.reports import ClaimCounterexample, show_row


@dataclass(frozen=True)
class CandidateReport:
    """Whether a program computes what another one does.

    Attributes:
        name: the candidate's: its `id`, or its number.
        reference: what it was compared with.
        error: why it cannot be used; None if it can.
        inputs: number of inputs on which outputs were compared.
        complete: whether these are all inputs.
        right: share of outputs, at all tokens, that are the reference's.
        exact: whether it is the same program but for the names of variables: the same
            variables, computed from the same ones by the same functions.
        size: its variables that take a component, the output included.
        shortest: those of the reference.
        counterexample: the first input, the shortest ones first, on which an output
            differs.
    """

    name: str
    reference: str
    error: str | None
    inputs: int = 0
    complete: bool = False
    right: Rate | None = None
    exact: bool = False
    size: int | None = None
    shortest: int = 0
    counterexample: ClaimCounterexample | None = None

    @property
    def equivalent(self) -> bool:
        """Whether it has the reference's outputs on all inputs that were compared."""
        return self.right is not None and self.counterexample is None

    @property
    def text(self) -> str:
        """The report in a line."""
        if self.error is not None or self.right is None:
            reason = " ".join((self.error or "").split())
            return f"{self.name}: cannot be used: {reason}"
        scope = "all" if self.complete else "a sample of"
        size = f"{count(self.size or 0, 'variable')}, known: {self.shortest}"
        wrong = self.counterexample
        if wrong is None:
            same = ", the same program" if self.exact else ""
            return f"{self.name}: equal on {scope} {self.inputs:,} inputs{same}; {size}"
        shown = f"{show_row(wrong.tokens)} gives {show(wrong.claimed)} at token"
        return (
            f"{self.name}: differs: {shown} {wrong.position}, not {show(wrong.true)}; "
            f"{self.right.share:.4f} right; {size}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        plain = ("reference", "error", "inputs", "complete", "exact", "size")
        wrong, right = self.counterexample, self.right
        return {
            "id": self.name,
            **{name: getattr(self, name) for name in plain},
            "shortest": self.shortest,
            "equivalent": self.equivalent,
            "right": None if right is None else right.share,
            "counterexample": None if wrong is None else wrong.to_json(),
        }
