"""What is asked of the releases of a large folder, as SQL over the tables of its index.

`zoo/release/shelf_index.py` has the tables: `releases`, with names and versions, and
`shapes`, with all that many releases have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal


@dataclass(frozen=True)
class Condition:
    """What releases of an index have to be, as SQL.

    Attributes:
        text: an expression over the columns of one table.
        values: what stands in the place of its question marks.
        inside: whether it asks for `norm`, `nodes` or `attending`.
        table: `shapes`, or `releases` if it asks for a name or a version.
        named: whether it asks for a name.
    """

    text: str = "1"
    values: tuple[Any, ...] = ()
    inside: bool = False
    table: Literal["shapes", "releases"] = "shapes"
    named: bool = False

    def __and__(self, other: Condition) -> Condition:
        """Return the condition that both hold."""
        return join("AND", [self, other])

    def __invert__(self) -> Condition:
        """Return the condition that this one does not hold."""
        return replace(self, text=f"NOT ({self.text})")

    def of_releases(self) -> Condition:
        """Return the same condition over the columns of `releases`."""
        if self.table == "releases" or self.text == "1":
            return replace(self, table="releases")
        text = f"shape IN (SELECT id FROM shapes WHERE {self.text})"
        return replace(self, text=text, table="releases")


def join(word: Literal["AND", "OR"], parts: Sequence[Condition]) -> Condition:
    """Return the condition that all, or some, of several conditions hold."""
    if any(part.table == "releases" for part in parts):
        parts = [part.of_releases() for part in parts]
    return Condition(
        f" {word} ".join(f"({part.text})" for part in parts),
        tuple(value for part in parts for value in part.values),
        any(part.inside for part in parts),
        parts[0].table,
        any(part.named for part in parts),
    )


EVERY, NEWEST = Condition(), Condition("newest = 1", table="releases")
