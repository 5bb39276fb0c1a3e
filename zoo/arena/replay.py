"""A log, played again: are its answers and its verdict those of the model?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compiler.errors import FormatError
from compiler.notation import LocatedJson
from zoo.arena.models import make_hidden
from zoo.arena.record import read_log
from zoo.arena.session import ArenaSession

CLOSE = 1e-3
"""By how much numbers may differ, as a share of 1 and their size: machines add in
different orders."""


@dataclass(frozen=True)
class ReplayReport:
    """What playing a log again has found.

    Attributes:
        calls: calls of the log.
        spent: forward passes that they cost.
        differing: the numbers of the calls, from 1, whose answers were others.
        verdict: the verdict, measured again; None if nothing was submitted.
    """

    calls: int
    spent: int
    differing: tuple[int, ...]
    verdict: dict[str, Any] | None

    @property
    def holds(self) -> bool:
        """Whether every answer was the model's."""
        return not self.differing

    def __repr__(self) -> str:
        return f"<ReplayReport: {self.text.splitlines()[0]}>"

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The report in sentences."""
        same = self.calls - len(self.differing)
        lines = [f"{same} of {self.calls} calls gave the same answer again."]
        if self.differing:
            shown = ", ".join(map(str, self.differing[:8]))
            lines.append(f"Other answers came from the calls {shown}.")
        lines.append(f"{self.spent} forward passes were used.")
        return "\n".join([*lines, *verdict_lines(self.verdict)])


def verdict_lines(verdict: dict[str, Any] | None) -> list[str]:
    """Return a verdict as lines of text."""
    if verdict is None:
        return ["Nothing was submitted."]
    edges, roles, said = (verdict[k] for k in ("edges", "roles", "descriptions"))
    program = verdict["program"] or {"gained": 0.0, "structure": 0.0}
    return [
        f"edges: AP {edges['ap']:.3f} (chance {edges['chance']:.3f}), "
        f"F1 {edges['f1']:.3f}",
        f"roles: {roles['right']} of {roles['of']}",
        f"descriptions: {said['share']:.3f} over {said['of']} nodes",
        f"program: behaviour gained {program['gained']:.3f}, "
        f"structure {program['structure']:.3f}",
    ]


def verify_log(path: str | Path, pool: str | Path | None = None) -> ReplayReport:
    """Return what playing a log again finds.

    Args:
        path: of the log.
        pool: the folder of trained releases that it was played with, if one was given.

    Raises:
        FormatError: it is no log, was altered, or the model of the pool has changed.
        InputError: there is no such file.
    """
    header, logged = read_log(Path(path))
    folder = None if pool is None else Path(pool)
    hidden = make_hidden(header.kind, header.seed, folder, header.layers)
    if hidden.origin != header.origin:
        raise FormatError(
            f"{path}: it was played with a model that this pool does not give for its "
            "seed. Give the --pool that it was played with"
        )
    session = ArenaSession(hidden, header.budget)
    differing = []
    for number, line in enumerate(logged, 1):
        if line.arguments is None:  # a fault was noted
            continue
        request = {"call": line.call, **line.arguments}
        answer = session.answer(LocatedJson("call", request))
        if not _agree(answer.get("result"), line.result) or (
            session.spent != line.spent
        ):
            differing.append(number)
    return ReplayReport(len(logged), session.spent, tuple(differing), session.verdict)


def _agree(one: Any, other: Any) -> bool:
    """Return whether two results are the same, numbers but for rounding."""
    if type(one) is float or type(other) is float:
        if not isinstance(one, int | float) or not isinstance(other, int | float):
            return False
        return abs(one - other) <= CLOSE * (1 + max(abs(one), abs(other)))
    if isinstance(one, list) and isinstance(other, list):
        same = len(one) == len(other)
        return same and all(map(_agree, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        same = one.keys() == other.keys()
        return same and all(_agree(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other
