"""Compiled models in other architectures compute the same, in the same circuit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.errors import InputError, NameLookupError
from compiler.families import FAMILIES, family_of
from compiler.ir.interpret import encode_batch
from compiler.lower.options import Options
from compiler.machine.forward import forward_batch
from compiler.machine.patch import Patch
from compiler.save import load_model, save_model
from tests.compiler.interchange.models import inputs
from tests.numpy_forward import run_inputs

SHAPES: dict[str, dict[str, Any]] = {
    "rms": {"norm": "rms"},
    "layer norm": {"norm": "pre"},
    "gelu": {"act": "gelu"},
    "gelu_new, rotated": {"act": "gelu_new", "norm": "rms", "rotate": 1},
    "silu, gated": {"act": "silu", "gated": True},
    "rms, gelu, gated": {"norm": "rms", "act": "gelu", "gated": True},
    "bert": {"like": "bert"},
    "bert, rotated, decoys": {"like": "bert", "rotate": 3, "decoys": 1},
    "gpt2": {"like": "gpt2"},
}
LOOK = ("rotate", "decoys")
CLOSE = 1e-5
"""Of the greatest logit: rounding of float32, and units that are smooth, not ReLU."""


# Every architecture once, and those whose parts are computed in other ways once more.
CASES = [("sort", shape) for shape in SHAPES] + [
    ("histogram", "rms, gelu, gated"),
    ("histogram", "gpt2"),
    ("rank", "bert, rotated, decoys"),
]


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_the_logits_are_those_of_the_plain_model(name, shape):
    options = SHAPES[shape]
    look = {k: v for k, v in options.items() if k in LOOK}
    causal = True if options.get("like") == "gpt2" else None
    plain = compile_model(programs.find(name), causal=causal, **look)
    model = compile_model(programs.find(name), **options)
    sequences = inputs(model)
    tokens, lengths = encode_batch(plain.typed, sequences)
    expected, _ = run_inputs(plain, tokens, lengths)
    found = np.asarray(model.logits_of(model.ids(tokens, lengths)))[:, 1:]
    live = np.arange(tokens.shape[1])[None, :] < lengths[:, None]
    found, expected = found[live], expected[live]
    assert np.abs(found - expected).max() < CLOSE * np.abs(expected).max()
    assert model.decode(found) == plain.decode(expected)
    assert model.circuit.edges == plain.circuit.edges


@pytest.mark.parametrize(
    "shape", ["layer norm", "gelu_new, rotated", "silu, gated", "bert", "gpt2"]
)
def test_variables_are_where_the_model_says(shape):
    """Setting a variable by its site does what setting it in the program does."""
    model = compile_model(programs.find("sort"), **SHAPES[shape])
    one, other = [3, 1, 2, 3], [4, 2, 2, 1]
    names, width = model.config.names, model.config.d_model
    zeros = np.zeros((len(names.sources), model.config.n_ctx, width), np.float32)
    basis = None if model.basis is None else model.basis.astype(np.float32)
    # With a patch that changes nothing, so that it is compiled once.
    donor = model.run(other, Patch.nodes(zeros, zeros, basis))
    for name in model.circuit.sites:
        if name in ("tokens", "positions") or name not in model.variables:
            continue
        held = model.interpreter(other)[name]
        expected = model.interpreter(one, {name: held})[model.output]
        logits = np.asarray(model.run(one, model.interchange(name, donor)).logits)
        assert model.decode(logits[1:5]) == expected


def test_rows_are_what_is_written(tmp_path):
    """Each value's row stands in the stream where the variable has that value."""
    model = compile_model(programs.find("sort"), norm="pre", act="gelu")
    tokens = [3, 1, 2, 3]
    writes = np.asarray(model.run(tokens).writes)
    held = model.interpreter(tokens)
    for name in model.rows:
        if name not in model.variables:
            continue
        site, values = model.sites[name], model.variables[name].values
        source, basis = model.config.names.source_index(site.node), site.basis
        assert basis is not None
        for place, value in enumerate(held[name]):
            row = model.rows[name][values.index(value)] @ basis.T
            inside = writes[source, place + 1] @ basis.T
            np.testing.assert_allclose(inside, row, atol=1e-3)
    again = load_model(save_model(model, tmp_path / "saved"))
    assert again.config == model.config and again(tokens) == model(tokens)


@pytest.mark.parametrize("like", ["bert", "gpt2"])
def test_a_compiled_model_of_an_architecture_is_of_its_family(like, tmp_path):
    model = compile_model(programs.find("histogram"), like=like)
    assert family_of(model.config, False) is FAMILIES[like]
    assert (save_model(model, tmp_path / "saved") / "tokenizer.json").exists()


def test_all_nodes_of_another_run_bring_its_outputs():
    """The constant is the same in every run, so that the norm divides by the same."""
    model = compile_model(programs.find("sort"), norm="rms")
    ids = model.encode_batch(inputs(model)[:6])
    run = forward_batch(model.transformer, ids)
    donor = np.asarray(run.writes)[::-1]
    mask = np.ones((6, len(model.config.names.sources)), np.float32)
    patched = np.asarray(model.logits_of(ids, Patch.nodes(mask, donor)))
    expected = np.asarray(run.logits)[::-1]
    same = (ids != model.config.pad_id) & (ids[::-1] != model.config.pad_id)
    assert np.abs(patched - expected)[same].max() < 1e-4


def test_options_that_were_not_there_are_not_written():
    known = {"rotate", "permute_heads", "decoys", "seed"}
    assert set(Options(rotate=1).to_json()) == known
    assert Options(norm="rms").to_json()["norm"] == "rms"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"norm": "layer"}, InputError, "norm is 'layer'; choose one of"),
        ({"act": "tanh"}, InputError, "act is 'tanh'; choose one of"),
        ({"gated": True}, InputError, "ReLU gives no gate that is open"),
        ({"like": "llama"}, InputError, "not compiled into Llama: its rotary"),
        ({"like": "gpt"}, NameLookupError, "gpt2"),
        ({"like": "gpt2", "causal": False}, InputError, "sort attends in both"),
        ({"like": "bert", "causal": True}, InputError, "to earlier positions only"),
    ],
)
def test_what_cannot_be_compiled_says_why(options: dict[str, Any], error, message):
    with pytest.raises(error, match=message):
        compile_model(programs.find("sort"), **options)
