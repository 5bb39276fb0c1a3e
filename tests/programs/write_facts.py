"""Write `programs/facts.tsv` again: python -m tests.programs.write_facts [NAME ..].

What is collected by hand (difficulty, output type, corpora) stays; what the compiled
programs and the references say is measured, of the programs named or of all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import programs
from compiler.api import compile_model
from compiler.model import Model
from programs.facts import COLUMNS, TABLE, ProgramFacts, all_facts
from tests.programs.check import inputs_of


def sizes_of(model: Model) -> dict[str, int]:
    """Return the columns of the table that say how large a compiled program is."""
    nodes = [n for n in model.circuit.nodes if n not in ("tokens", "positions")]
    return {
        "layers": model.config.n_layers,
        "heads": model.config.n_heads,
        "nodes": len(nodes),
        "attending": sum(node.startswith("a") for node in nodes),
        "variables": len(list(model.variables)),
    }


def is_causal(
    inputs: Iterable[Sequence[Any]], reference: Callable[[list[Any]], Sequence[Any]]
) -> bool:
    """Return whether no output of some inputs depends on what comes later.

    Two inputs that begin alike must have the same outputs there.
    """
    outputs: dict[tuple[Any, ...], Any] = {}
    for tokens in inputs:
        for i, value in enumerate(reference(list(tokens))):
            if outputs.setdefault(tuple(tokens[: i + 1]), value) != value:
                return False
    return True


def measured(facts: ProgramFacts) -> ProgramFacts:
    """Return the facts with every column that can be measured."""
    from tests.programs.test_compiled import references

    program = programs.find(facts.program)
    inputs = [program.example[0], *inputs_of(program)]
    causal = is_causal(inputs, references()[facts.program])
    return replace(facts, causal=causal, **sizes_of(compile_model(program)))


def main(names: Sequence[str]) -> None:
    """Write the table."""
    chosen = names or list(all_facts())
    rows = [
        measured(facts) if facts.program in chosen else facts
        for facts in sorted(all_facts().values(), key=lambda facts: facts.program)
    ]
    lines = ["\t".join(COLUMNS), *(row.line() for row in rows)]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
