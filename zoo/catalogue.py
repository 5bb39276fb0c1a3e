"""The programs and the tasks of the zoo, by name: what they are, and which comes first.

Nothing here imports arrays, so that lists and unknown names are answered at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import programs
from compiler.errors import NameLookupError, nearest, unknown_name
from compiler.rasp.program import Program
from compiler.rasp.several import JOIN
from compiler.rasp.tuples import SIDE_BY_SIDE
from programs import texts
from programs.facts import OutputType, ProgramFacts, all_facts
from zoo import tasks
from zoo.causal import FAMILY
from zoo.filters import ProgramFilter, family_named

if TYPE_CHECKING:
    from zoo.causal.model import Task

CatalogueKind = Literal["program", "text", "task"]


@dataclass(frozen=True)
class CatalogueEntry:
    """A line of the catalogue.

    Attributes:
        name: of the program or the task.
        kind: `program` (can be compiled and trained), `text` (likewise, in a file of
            RASP text) or `task` (can be trained).
        family: the group that it is listed under.
        meaning: one sentence on what it computes.
        tokens: how many tokens its usual vocabulary has.
        max_len: its usual greatest number of tokens.
        inputs: what holds of the inputs that a program is for; "" if it is for all.
        facts: what else is known of a program; None of a task.
    """

    name: str
    kind: CatalogueKind
    family: str
    meaning: str
    tokens: int
    max_len: int
    inputs: str = ""
    facts: ProgramFacts | None = None


def entries() -> list[CatalogueEntry]:
    """Return every program by family, those in RASP text, then every task."""
    listed = [
        CatalogueEntry(
            p.name,
            "program",
            p.family,
            p.meaning,
            len(p.vocab),
            p.max_len,
            p.inputs,
            all_facts().get(p.name),
        )
        for p in programs.all_programs().values()
    ]
    listed += [
        CatalogueEntry(t.name, "text", texts.FAMILY, t.meaning, t.tokens, t.max_len)
        for t in texts.all_texts()
    ]
    return listed + [
        CatalogueEntry(t.name, "task", FAMILY, t.meaning, t.tokens, t.max_len)
        for t in tasks.SUMMARIES
    ]


def list_entries(
    text: str = "",
    family: str = "",
    *,
    difficulty: str | int = "",
    output: OutputType | None = None,
    causal: bool | None = None,
    corpus: str = "",
    layers: str | int = "",
    heads: str | int = "",
    nodes: str | int = "",
    variables: str | int = "",
    attention: bool | None = None,
) -> list[CatalogueEntry]:
    """Return the programs and tasks in which a text occurs.

    Of tasks and of programs in RASP text only the name, the meaning and the family are
    known, so that none is listed where something else is asked for.

    Args:
        text: what the name or the meaning has to contain; upper case is as lower.
        family: what the name of the family has to contain.
        difficulty: 1 to 5: a number, or a range such as `"2-4"`, `"4-"` or `"-2"`.
        output: `categorical`, `numerical` or `boolean`.
        causal: whether no output depends on a token behind its position.
        corpus: a collection of programs that uses it: its name or a part of that.
        layers: layers of the compiled program, as a number or a range.
        heads: attention heads a layer, likewise.
        nodes: nodes of the circuit, likewise.
        variables: variables of the circuit, likewise.
        attention: whether the circuit has an attention head.

    Raises:
        NameLookupError: there is none; the message offers the nearest names.
        InputError: a range is none.
    """
    every = entries()
    families = family_named(family, (e.family for e in every))
    of_family = [e for e in every if e.family in families]
    wanted = text.lower()
    chosen = [e for e in of_family if wanted in f"{e.name}\n{e.meaning}".lower()]
    if not chosen:
        hint = nearest(text, [e.name for e in of_family])
        where = f" of the families {family!r}" if family else ""
        raise NameLookupError(
            f"nothing{where} has {text!r} in its name or meaning.{hint} `zoo list` "
            "prints all"
        )
    chooses = ProgramFilter(
        difficulty=str(difficulty),
        output=output,
        causal=causal,
        corpus=corpus,
        layers=str(layers),
        heads=str(heads),
        nodes=str(nodes),
        variables=str(variables),
        attention=attention,
    )
    return [e for e in chosen if _is_chosen(e, chooses)]


def _is_chosen(entry: CatalogueEntry, chooses: ProgramFilter) -> bool:
    if not chooses.asks:
        return True
    return entry.facts is not None and chooses.keeps(entry.facts)


def names() -> list[str]:
    """Return the names of all programs and tasks."""
    return [*programs.all_programs(), *(t.name for t in tasks.SUMMARIES)]


def kinds_of(name: str) -> Sequence[CatalogueKind]:
    """Return what has a name here: a program comes before a task of the same name."""
    found: list[CatalogueKind] = []
    if programs.has(name):
        found.append("program")
    if any(task.name == name for task in tasks.SUMMARIES):
        found.append("task")
    return found


def define(name: str) -> Program | Task:
    """Return the program of that name, or else the task.

    Raises:
        NameLookupError: there is neither; the message offers the nearest names.
    """
    kinds = kinds_of(name)
    if not kinds and (JOIN in name or SIDE_BY_SIDE in name):
        return programs.find(name)
    if not kinds:
        raise unknown_name("program or task", name, names())
    return programs.find(name) if kinds[0] == "program" else tasks.find(name)
