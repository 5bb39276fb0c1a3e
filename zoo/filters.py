"""Which programs and releases are listed: by what is known of each before it is opened.

Nothing here imports arrays. `zoo.catalogue` applies a filter to programs and
`zoo.commands.releases` to releases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from compiler.errors import InputError, NameLookupError, nearest
from programs.facts import OutputType, ProgramFacts, known_corpora

SIZES = ("layers", "heads", "nodes", "variables")

_RANGE = re.compile(r"(\d{0,6})(-?)(\d{0,6})")


@dataclass(frozen=True)
class ProgramFilter:
    """What a program has to be to be listed; None and "" ask for nothing.

    Attributes:
        difficulty: 1 to 5, as one number or a range such as `2-4`, `4-`, `-2`.
        output: its type of output.
        causal: whether no output depends on a token behind its position.
        corpus: a collection that uses it: a name, or a part of one.
        layers: layers, as a number or a range.
        heads: attention heads a layer, likewise.
        nodes: nodes of the circuit, likewise.
        variables: variables of the circuit, likewise.
        attention: whether its circuit has an attention head.
    """

    difficulty: str = ""
    output: OutputType | None = None
    causal: bool | None = None
    corpus: str = ""
    layers: str = ""
    heads: str = ""
    nodes: str = ""
    variables: str = ""
    attention: bool | None = None

    def __post_init__(self) -> None:
        for name in ("difficulty", *SIZES):
            within(getattr(self, name), 0, name)
        corpora_named(self.corpus)

    @property
    def asks(self) -> bool:
        """Whether it asks for anything at all."""
        return any(getattr(self, f.name) not in (None, "") for f in fields(self))

    def keeps(
        self, facts: ProgramFacts | None, sizes: Mapping[str, int] | None = None
    ) -> bool:
        """Return whether a program, or a model of it, is listed.

        Args:
            facts: what is known of the program; None of what is no known program.
            sizes: `layers`, `heads`, `nodes`, `attending`, `variables` of a model;
                those of the compiled program unless given.
        """
        known = dict(sizes or (vars(facts) if facts else {}))
        attends = known.get("attending", 0) > 0
        return (
            self.keeps_program(facts)
            and self.attention in (None, attends)
            and all(within(getattr(self, n), known.get(n, -1), n) for n in SIZES)
        )

    def keeps_program(self, facts: ProgramFacts | None) -> bool:
        """Return whether a program is as wanted, whatever its sizes are."""
        if facts is None:
            asked = (self.difficulty, self.output, self.causal, self.corpus)
            return all(wanted in (None, "") for wanted in asked)
        corpora = corpora_named(self.corpus)
        return (
            within(self.difficulty, facts.difficulty, "difficulty")
            and self.output in (None, facts.output)
            and self.causal in (None, facts.causal)
            and (not corpora or bool(corpora & set(facts.corpora)))
        )


def within(wanted: str, found: int, what: str) -> bool:
    """Return whether a number is the one wanted, or in the range that is wanted.

    Args:
        wanted: `3`, `1-3`, `3-` (3 or more), `-3` (at most 3), or nothing.
        found: the number.
        what: what it counts, for errors.

    Raises:
        InputError: what is wanted is no number and no range.
    """
    if not wanted:
        return True
    low, high = bounds(wanted, what)
    return low <= found <= high


def bounds(wanted: str, what: str) -> tuple[int, int]:
    """Return the least and the greatest number of a range; arguments as of `within`.

    Raises:
        InputError: what is wanted is no number and no range.
    """
    match = _RANGE.fullmatch(wanted.strip())
    if match is None or not (match[1] or match[3]):
        raise InputError(
            f"--{what}: {wanted!r} is no number and no range; write 3, 1-3, 3- or -3"
        )
    low, high = int(match[1] or 0), int(match[3] or 10**6)
    if not match[2]:
        high = low
    if low > high:
        raise InputError(f"--{what}: the range {wanted} is empty; write {high}-{low}")
    return low, high


def corpora_named(text: str) -> set[str]:
    """Return the corpora of a name: the one called so, or all that have it in theirs.

    Raises:
        NameLookupError: there is none; the message lists them.
    """
    if not text:
        return set()
    known = known_corpora()
    same = {name for name in known if name.lower() == text.lower()}
    found = same or {name for name in known if text.lower() in name.lower()}
    if not found:
        raise NameLookupError(
            f"no corpus has {text!r} in its name.{nearest(text, list(known))} The "
            f"corpora are: {', '.join(known)}"
        )
    return found


def family_named(text: str, families: Iterable[str]) -> set[str]:
    """Return the families that have a text in their name.

    Raises:
        NameLookupError: there is none; the message lists them.
    """
    known = list(dict.fromkeys(families))
    found = {family for family in known if text.lower() in family.lower()}
    if not found:
        raise NameLookupError(
            f"no family has {text!r} in its name. The families are: {', '.join(known)}"
        )
    return found
