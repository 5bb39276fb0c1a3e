"""The weights as a sum of parts, and the folder for tools that decompose them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import zoo
from compiler.errors import InputError, NameLookupError
from compiler.machine.weights import init
from compiler.model import Model
from compiler.parts import matrix_of, matrix_places


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.compile("reverse", ["a", "b"], 4)


@pytest.fixture(scope="module")
def rotated() -> Model:
    return zoo.compile("reverse", ["a", "b"], 4, rotate=0)


@pytest.mark.parametrize("turned", [False, True])
def test_the_parts_of_a_matrix_add_up_to_it(
    model: Model, rotated: Model, turned: bool
) -> None:
    made = rotated if turned else model
    for name in matrix_places(made.config):
        matrix = matrix_of(made, name)
        total = sum((p.array for p in made.parts if p.matrix == name), matrix * 0)
        assert np.allclose(total, matrix, atol=1e-5 * np.abs(matrix).max() + 1e-12)


def test_a_rotation_changes_directions_and_no_names(
    model: Model, rotated: Model
) -> None:
    assert {p.name for p in model.parts} <= {p.name for p in rotated.parts}
    basis = rotated.basis
    assert basis is not None
    for part in model.parts:
        if part.matrix == "m0.W_in":
            other = next(p for p in rotated.parts if p.name == part.name)
            assert np.allclose(basis @ other.left, part.left, atol=1e-5)


def test_parts_say_what_is_read_and_what_it_serves(model: Model) -> None:
    names = {part.name for part in model.parts}
    assert "m0.W_in: length -> opposite_index" in names
    assert "W_U: output=a -> output" in names
    assert any(n.startswith("a1.h0.W_Q: opposite_index=") for n in names)


def test_models_without_named_dimensions_have_no_parts(model: Model) -> None:
    weights = init(model.config, 0)
    fields = ("name", "typed", "config", "readout", "circuit", "rows")
    facts = {"kind": "trained"}
    own = {f: getattr(model, f) for f in fields}
    trained = Model(**own, weights=weights, facts=facts)
    with pytest.raises(InputError, match="was trained: the dimensions"):
        _ = trained.parts
    with pytest.raises(NameLookupError, match=r"Did you mean 'm0\.W_in'"):
        matrix_of(model, "m0.W_im")


def test_a_folder_for_spd_has_weights_inputs_and_parts(
    rotated: Model, tmp_path: Path
) -> None:
    folder = rotated.to_spd(tmp_path / "spd")
    parts, told = (
        load_file(folder / "parts.safetensors"),
        json.loads((folder / "parts.json").read_text()),
    )
    held = load_file(folder / "model.safetensors")
    for name, matrix in told["matrices"].items():
        total = parts[f"{name}.u"].T @ parts[f"{name}.v"]
        assert np.allclose(total, held[f"{matrix['module']}.weight"].T, atol=1e-3)
        assert len(matrix["parts"]) == len(parts[f"{name}.u"])
    inputs = load_file(folder / "inputs.safetensors")
    again = rotated.logits_of(inputs["ids"].astype(np.int32))
    assert np.allclose(inputs["logits"], again, atol=1e-4)
    with pytest.raises(InputError, match="is there already"):
        rotated.to_spd(folder)


def test_torch_modules_have_the_same_logits(rotated: Model, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    module = rotated.to_linear_modules()
    ids = rotated.encode_batch([list("abab"), list("ba")])
    with torch.no_grad():
        found = module(torch.tensor(ids).long()).numpy()
    live = ids != rotated.config.pad_id
    assert np.allclose(found[live], np.asarray(rotated.logits_of(ids))[live], atol=1e-3)
    linear = [n for n, m in module.named_modules() if isinstance(m, torch.nn.Linear)]
    assert len(linear) == len(matrix_places(rotated.config))
