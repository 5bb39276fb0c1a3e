"""What is known of each program beside its code: how hard it is, who uses it, its size.

The table `facts.tsv` has a line a program. Difficulty, output type and corpora were
collected by hand; `python -m tests.programs.write_facts` measures the other columns
again, and the tests compare every one of them with the compiled programs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from compiler.errors import unknown_name

TABLE = Path(__file__).with_name("facts.tsv")
COLUMNS = (
    "program",
    "difficulty",
    "output",
    "causal",
    "layers",
    "heads",
    "nodes",
    "attending",
    "variables",
    "corpora",
)

OutputType = Literal["categorical", "numerical", "boolean"]


@dataclass(frozen=True)
class ProgramFacts:
    """What is known of a program beside its code.

    Attributes:
        program: its name.
        difficulty: 1 (each token by itself) to 5 (a loop over the sequence).
        output: `boolean` (two values, 0 and 1 too), `numerical` or `categorical`.
        causal: whether no output depends on a token behind its position.
        layers: of its compiled model, for the usual vocabulary and length.
        heads: attention heads a layer of that model.
        nodes: attention heads and MLPs of its circuit.
        attending: attention heads of its circuit.
        variables: of its circuit.
        corpora: the collections of programs and the papers that use it.
    """

    program: str
    difficulty: int
    output: OutputType
    causal: bool
    layers: int
    heads: int
    nodes: int
    attending: int
    variables: int
    corpora: tuple[str, ...]

    def line(self) -> str:
        """Return its line of the table."""
        cells = (*vars(self).values(),)[:-1]
        return "\t".join([*map(_cell, cells), "; ".join(self.corpora)])


def _cell(value: str | int | bool) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def read_line(line: str) -> ProgramFacts:
    """Return the facts that a line of the table states."""
    program, difficulty, output, causal, *sizes, corpora = line.split("\t")
    assert output in ("categorical", "numerical", "boolean"), line
    layers, heads, nodes, attending, variables = map(int, sizes)
    return ProgramFacts(
        program=program,
        difficulty=int(difficulty),
        output=output,
        causal=causal == "yes",
        layers=layers,
        heads=heads,
        nodes=nodes,
        attending=attending,
        variables=variables,
        corpora=tuple(filter(None, corpora.split("; "))),
    )


@cache
def all_facts() -> dict[str, ProgramFacts]:
    """Return the facts of every program by its name."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    return {facts.program: facts for facts in map(read_line, lines)}


def facts_of(name: str) -> ProgramFacts:
    """Return what is known of the program called `name`.

    Raises:
        NameLookupError: there is none; the message offers the nearest names.
    """
    if name not in all_facts():
        raise unknown_name("program", name, all_facts())
    return all_facts()[name]


def known_corpora() -> dict[str, int]:
    """Return how many programs each corpus uses, the greatest number first."""
    used = [corpus for facts in all_facts().values() for corpus in facts.corpora]
    counts = {corpus: used.count(corpus) for corpus in set(used)}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
