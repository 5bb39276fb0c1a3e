"""The steps of a program travel with its model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compiler.api import compile_model
from compiler.errors import FormatError, InputError
from compiler.ir import typed as t
from compiler.ir.interpret import interpret
from compiler.model import Model
from compiler.passes.check import sample_inputs
from compiler.rasp import EQ, LT, Select, SelectorWidth, indices, tokens
from compiler.save import CONFIG, FILES, PROGRAM, load_model, save_model
from compiler.tabulated import typed_to_json
from zoo.causal.saved import steps_of


@pytest.fixture(scope="module")
def model() -> Model:
    """A width that two heads count."""
    either = Select(tokens, tokens, EQ) | Select(indices, indices, LT)
    return compile_model(SelectorWidth(either), vocab="ab", max_len=3)


def change(folder: Path, name: str, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Change the JSON of a file, and the digests with it."""
    data = json.loads((folder / name).read_text())
    edit(data)
    (folder / name).write_text(json.dumps(data))
    sums = [
        f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n"
        for n in sorted(FILES)
    ]
    (folder / "SHA256SUMS").write_text("".join(sums))


def test_steps_are_saved_and_loaded(model: Model, tmp_path: Path) -> None:
    assert model.steps is not None
    folder = save_model(model, tmp_path / "model")
    assert json.loads((folder / CONFIG).read_text())["format_version"] == 3
    found = load_model(folder).steps
    assert found is not None
    assert typed_to_json(found) == typed_to_json(model.steps)


def test_steps_compute_the_program(model: Model) -> None:
    assert model.steps is not None
    words, lengths, _ = sample_inputs(model.typed, 100, 0)
    live = np.arange(words.shape[1])[None, :] < lengths[:, None]
    expected, found = (interpret(p, words, lengths) for p in (model.typed, model.steps))
    assert (expected.output == found.output)[live].all()
    cases = [v for v in model.steps.variables if ".case" in v.name]
    assert len(cases) == 2 and all(isinstance(v.operation, t.Width) for v in cases)


def test_a_model_that_needs_no_steps_is_saved_as_before(
    model: Model, tmp_path: Path
) -> None:
    folder = save_model(replace(model, steps=None), tmp_path / "model")
    assert json.loads((folder / CONFIG).read_text())["format_version"] == 1
    assert "steps" not in json.loads((folder / PROGRAM).read_text())


@pytest.mark.parametrize(
    ("key", "value"), [("causal", True), ("numerical", True), ("vocab", ["a", "c"])]
)
def test_steps_over_other_inputs_are_refused(
    model: Model, tmp_path: Path, key: str, value: Any
) -> None:
    folder = save_model(model, tmp_path / "model")
    change(folder, PROGRAM, lambda data: data["steps"].update({key: value}))
    with pytest.raises(FormatError, match=r"program\.json"):
        load_model(folder)


def test_steps_that_compute_something_else_are_refused(model: Model) -> None:
    assert model.steps is not None
    last = model.steps.variables[model.steps.output]
    assert isinstance(last.operation, t.Table)
    table = np.roll(last.operation.table, 1, axis=0)
    wrong = replace(last, operation=replace(last.operation, table=table))
    steps = replace(
        model.steps,
        variables=tuple(wrong if v is last else v for v in model.steps.variables),
    )
    with pytest.raises(InputError, match="its steps compute other values"):
        steps_of(replace(model, steps=steps))
