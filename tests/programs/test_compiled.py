"""Every program of the library, compiled: it is its plain-Python reference.

Each is compiled for its usual setting and run in NumPy (XLA would take longer over
the shapes of hundreds of models than all else) on a seeded sample of inputs; then
each of its variables is interchanged between pairs of them.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.ir.interpret import encode_batch
from compiler.lower.readout import decode_indices
from compiler.model import Model
from compiler.verify import verify_interchange, verify_outputs
from programs.facts import facts_of
from tests.numpy_forward import Runs, wrong_positions
from tests.programs.check import agree, inputs_of
from tests.programs.write_facts import is_causal, sizes_of

# How many inputs, pairs of them for each variable, and variables of one program.
INPUTS, PAIRS, MOST_VARIABLES = 60, 12, 40
# Programs of several layers that are run in the jax machine as well.
IN_JAX = ("sort", "dyck2_balanced", "induction")


@cache
def references() -> dict:
    """Return the reference of every program, from the tests of the families."""
    found: dict = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.stem != Path(__file__).stem:
            module = importlib.import_module(f"tests.programs.{path.stem}")
            own = getattr(module, "REFERENCES", {})
            assert not found.keys() & own.keys(), f"{path.name}: a second reference"
            found |= own
    return found


def test_every_program_has_a_reference():
    assert set(programs.all_programs()) <= set(references())


@pytest.mark.slow
@pytest.mark.parametrize("name", programs.all_programs())
def test_compiled_program_is_its_reference(name):
    program = programs.find(name)
    model, tried = compile_model(program), inputs_of(program)
    chosen = random.Random(name).sample(tried, min(INPUTS, len(tried)))
    inputs = [program.example[0], *chosen]
    tokens, lengths = encode_batch(model.typed, inputs)
    runs = Runs(model, tokens, lengths)
    trace, found = runs.trace, decode_indices(model.readout, runs.logits)
    assert not wrong_positions(model, trace, runs.logits).any()
    for row, given in enumerate(inputs):
        expected = references()[name](list(given))
        assert agree(trace.decoded(model.typed.output, row), list(expected)), given
        if model.readout.kind == "classes":
            values = [model.readout.values[i] for i in found[row, : len(given)]]
            assert agree(values, list(expected)), given
    interchange_all(runs)
    check_facts(name, model, [program.example[0], *tried])


def check_facts(name: str, model: Model, tried: Sequence[Sequence[Any]]) -> None:
    """Fail unless the table of facts says of a program what can be measured."""
    causal = is_causal(tried, references()[name])
    found = {"causal": causal, **sizes_of(model)}
    stated = {column: getattr(facts_of(name), column) for column in found}
    assert stated == found, f"python -m tests.programs.write_facts {name} writes it"


def interchange_all(runs: Runs) -> None:
    """Fail unless every variable's site carries the variable, and nothing else.

    In pairs (base, source), the site takes what the source run wrote at the positions
    that both have; the interpreter overrides the variable likewise.
    """
    model, count = runs.model, len(runs.trace.lengths)
    base, source = np.random.default_rng(count).integers(count, size=(2, PAIRS))
    for name in [v for v in model.variables if v in model.sites][:MOST_VARIABLES]:
        wanted, logits = runs.interchange(name, base, source)
        assert not wrong_positions(model, wanted, logits).any(), name


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_JAX)
def test_deep_program_in_the_jax_machine(name):
    program = programs.find(name)
    model = compile_model(program)
    outputs = verify_outputs(model, limit=2000, sample=2000, accepts=program.accepts)
    assert outputs.wrong == 0, outputs.example
    for variable in model.circuit.sites:
        if model.typed.index(variable) >= 0:
            found = verify_interchange(
                model, variable, pairs=400, accepts=program.accepts
            )
            assert found.wrong == 0, found.example
