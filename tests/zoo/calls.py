"""A call of the command line in this process, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """How a call ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """What was printed, each line read as JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


Call = Callable[..., Outcome]


def mistake(call: Call, *arguments: object) -> str:
    """Return the message of a call that must fail, all on stderr."""
    outcome = call(*arguments)
    assert outcome.status == 2
    assert outcome.out == ""
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1, "one line, and no traceback"
    return outcome.err.removeprefix("error: ").rstrip()
