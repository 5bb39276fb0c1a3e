"""A kind of claim: what is asked, what is stored of an answer, how it is measured.

    ask(train, test, seed)        what the method is given, what its answer is about
    store(about, answer)          the entries of the file, as plain JSON values
    restore(about, entry)         the answer again, from the file alone
    measure(method, answer, about)  the figures

`store` and `restore` check all that they are given and run none of it. The figures of
whoever submits and those of a judge both come from `restore`, so they are the same.
Each kind is one `ClaimKind` in a file of its own; `kinds.py` has the list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from compiler.errors import InputError
from compiler.notation import render
from zoo.cases.case import Case
from zoo.methods.method import Method
from zoo.release.schema import Document
from zoo.scoring.cells import CellKind, FigureTable
from zoo.submissions.digests import digest_of_model
from zoo.submissions.record import SubmittedRun

Stored = dict[str, Any]
"""Fields that a kind adds to `SubmittedRun`, as plain JSON values."""


def no_methods() -> Mapping[str, Callable[..., Any]]:
    """Return the built-in methods of a kind that has none."""
    return {}


@dataclass(frozen=True)
class ClaimKind(CellKind):
    """A kind of claim; see the module.

    Attributes:
        about: what a method is given and returns, in a line.
        record: the type of a run's file, a `SubmittedRun` with fields of the claim.
        store: see the module.
        restore: see the module.
        methods: returns the built-in methods by name, as functions of what is given
            and a seed.
        comparable: returns of stored fields those that a repeated run must have too.
    """

    about: str
    record: type[SubmittedRun]
    store: Callable[[Any, Any], Stored]
    restore: Callable[[Any, Any], Any]
    methods: Callable[[], Mapping[str, Callable[..., Any]]] = no_methods
    comparable: Callable[[Stored], Any] = dict

    @property
    def document(self) -> Document:
        """The file of a run."""
        name = f"circuitzoo.submitted-{self.name}"
        about = f"What one run of a method that returns {self.name} came to."
        return Document("entry.json", about, self.record, name, (1,))

    def entry_bytes(self, run: SubmittedRun, stored: Stored | None = None) -> bytes:
        """Return the file of a run.

        Args:
            run: what it came to; of its fields, those that all kinds have count.
            stored: the fields of the claim; those of no claim if None.
        """
        shared = {
            field.name: getattr(run, field.name) for field in fields(SubmittedRun)
        }
        version = {"format": self.document.format, "format_version": 1}
        return render({**version, **asdict(self.record(**shared)), **(stored or {})})

    def stored_in(self, entry: SubmittedRun) -> Stored:
        """Return the fields of the claim that a run's file holds."""
        shared = {field.name for field in fields(SubmittedRun)}
        own = [field.name for field in fields(entry) if field.name not in shared]
        return {name: getattr(entry, name) for name in own}


class ClaimRecording:
    """A kind of claim whose last question and stored answer are kept.

    Args:
        kind: it.

    Attributes:
        kind: the same, which also keeps the other attributes when it is used.
        digest: of the model that was asked about last; None before any.
        stored: what was stored of the last answer; None without one.
        entry: the same as it is read from a file.
    """

    def __init__(self, kind: ClaimKind) -> None:
        self._kind = kind
        self.kind = replace(kind, ask=self._ask, measure=self._measure)
        self.forget()

    def forget(self) -> None:
        """Forget what was asked and answered."""
        self.digest: str | None = None
        self.stored: Stored | None = None
        self.entry: SubmittedRun | None = None

    def _ask(self, train: Case, test: Case, seed: int) -> tuple[Any, Any]:
        self.forget()
        self.digest = digest_of_model(train.model)
        return self._kind.ask(train, test, seed)

    def _measure(
        self, method: Method, answer: Any, about: Any
    ) -> tuple[FigureTable, tuple[str, ...]]:
        stored = self._kind.store(about, answer)
        data = self._kind.entry_bytes(_NO_RUN, stored)
        entry = self._kind.document.parse(data, "the claim")
        restored = self._kind.restore(about, entry)
        found = self._kind.measure(method, restored, about)
        self.stored, self.entry = stored, entry  # last: what has no figures is no claim
        return found


_NO_RUN = SubmittedRun("", "", 0, "ok", "", 0.0)


def distance(stated: Any, found: Any) -> float:
    """Return how far two stored claims are apart, as a share of the greatest number.

    What is no number has to be equal, else they are infinitely far apart.
    """
    pairs: list[tuple[float, float]] = []
    if not _collect(stated, found, pairs):
        return float("inf")
    if not pairs:
        return 0.0
    numbers = np.array(pairs, np.float64)
    size = max(float(np.abs(numbers[:, 1]).max()), 1e-12)
    return float(np.abs(numbers[:, 0] - numbers[:, 1]).max()) / size


def _collect(one: Any, other: Any, pairs: list[tuple[float, float]]) -> bool:
    """Collect the numbers of both; return whether all else is equal."""
    if isinstance(one, np.ndarray | Sequence) and not isinstance(one, str):
        if isinstance(other, str) or not isinstance(other, np.ndarray | Sequence):
            return False
        if len(one) != len(other):
            return False
        both = zip(one, other, strict=True)
        return all(_collect(a, b, pairs) for a, b in both)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if one.keys() != other.keys():
            return False
        return all(_collect(one[name], other[name], pairs) for name in one)
    if isinstance(one, int | float) and not isinstance(one, bool):
        if isinstance(other, bool) or not isinstance(other, int | float):
            return False
        pairs.append((float(one), float(other)))
        return True
    return type(one) is type(other) and one == other


def named_claims(answer: Any, expected: str) -> Mapping[str, Any]:
    """Return an answer that must be a dictionary with names.

    Raises:
        InputError: it is none, or empty.
    """
    if not isinstance(answer, Mapping) or not answer:
        raise InputError(
            f"claims: found {type(answer).__name__}, expected a dictionary, not "
            f"empty: {expected}"
        )
    if bad := [name for name in answer if not isinstance(name, str)]:
        raise InputError(f"claims: found the name {bad[0]!r}, expected text")
    return answer


def mean_figures(
    found: Sequence[Mapping[str, float | None]], names: Sequence[str], asked: int
) -> dict[str, float | None]:
    """Return means over what was asked; what has no claim, or no value, counts as 0.

    Args:
        found: the figures of each claim.
        names: of the figures.
        asked: number of claims that are expected.
    """
    total = max(asked, 1)
    return {name: sum(one[name] or 0.0 for one in found) / total for name in names}
