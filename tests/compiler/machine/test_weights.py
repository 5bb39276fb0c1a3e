"""Weights: shapes, names in files, and what a damaged file is told."""

import numpy as np
import pytest

from compiler.errors import FormatError
from compiler.machine.config import Config
from compiler.machine.weights import (
    Weights,
    expected_shapes,
    freeze,
    from_tensors,
    init,
    to_tensors,
)
from tests.compiler.machine.reference import CONFIGS, draw_transformer

every_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


@every_config
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tensors_read_back(config, dtype):
    drawn = draw_transformer(config, np.random.default_rng(0)).weights
    weights = Weights(*(array.astype(dtype) for array in drawn))
    again = from_tensors(to_tensors(weights, config), config)
    for field, before, after in zip(Weights._fields, weights, again, strict=True):
        np.testing.assert_array_equal(before, after, err_msg=field)
        assert before.dtype == after.dtype


def test_tensors_have_the_names_and_shapes_of_transformer_lens():
    config = CONFIGS["normed"]
    tensors = to_tensors(init(config, 0), config)
    shapes = {name: array.shape for name, array in tensors.items()}
    assert shapes["embed.W_E"] == (7, 6)
    assert shapes["pos_embed.W_pos"] == (5, 6)
    assert shapes["unembed.W_U"] == (6, 3) and shapes["unembed.b_U"] == (3,)
    assert shapes["ln_final.w"] == shapes["ln_final.b"] == (6,)
    layer = {
        **{f"attn.W_{x}": (2, 6, 4) for x in "QKV"},
        **{f"attn.b_{x}": (2, 4) for x in "QKV"},
        "attn.W_O": (2, 4, 6),
        "attn.b_O": (6,),
        "mlp.W_in": (6, 5),
        "mlp.b_in": (5,),
        "mlp.W_out": (5, 6),
        "mlp.b_out": (6,),
        **{f"ln{i}.{part}": (6,) for i in (1, 2) for part in "wb"},
    }
    for number in range(2):
        start = f"blocks.{number}."
        found = {n: shape for n, shape in shapes.items() if n.startswith(start)}
        assert found == {start + name: shape for name, shape in layer.items()}


def test_arrays_that_a_transformer_has_not_are_left_out():
    tensors = to_tensors(init(CONFIGS["plain"], 0), CONFIGS["plain"])
    assert not any("ln" in name for name in tensors)
    tensors = to_tensors(init(CONFIGS["rotary"], 0), CONFIGS["rotary"])
    assert "pos_embed.W_pos" not in tensors


def test_damaged_tensors_are_all_listed():
    config = CONFIGS["plain"]
    tensors = to_tensors(init(config, 0), config)
    del tensors["unembed.b_U"]
    tensors["blocks.2.attn.W_Q"] = tensors["blocks.0.attn.W_Q"]
    tensors["blocks.0.mlp.W_in"] = tensors["blocks.0.mlp.W_in"].T
    tensors["embed.W_E"] = tensors["embed.W_E"].astype(np.float16)
    with pytest.raises(FormatError) as error:
        from_tensors(tensors, config)
    assert "unembed.b_U is missing" in str(error.value)
    assert "blocks.2.attn.W_Q is unknown" in str(error.value)
    assert "blocks.0.mlp.W_in has shape (5, 6), expected (6, 5)" in str(error.value)
    assert "embed.W_E is float16; expected float32 or float64" in str(error.value)


def test_arrays_of_another_dtype_are_listed():
    config = CONFIGS["plain"]
    tensors = to_tensors(init(config, 0), config)
    tensors["unembed.b_U"] = tensors["unembed.b_U"].astype(np.float64)
    with pytest.raises(FormatError, match=r"b_U is float64, but embed.W_E is float32"):
        from_tensors(tensors, config)


def test_weights_of_another_shape_are_not_written():
    weights = init(CONFIGS["plain"], 0)._replace(b_U=np.zeros(4, np.float32))
    with pytest.raises(FormatError, match=r"b_U has shape \(4,\), expected \(3,\)"):
        to_tensors(weights, CONFIGS["plain"])


def test_frozen_weights_are_copies_that_cannot_be_written_to():
    weights = init(CONFIGS["plain"], 0)
    frozen = freeze(weights)
    with pytest.raises(ValueError, match="read-only"):
        frozen.W_E[0, 0] = 1
    weights.W_E[0, 0] = 5
    assert frozen.W_E[0, 0] != 5


@every_config
def test_initial_weights_are_a_function_of_the_seed(config):
    first, again, other = init(config, 1), init(config, 1), init(config, 2)
    shapes = expected_shapes(config)
    for field, a, b in zip(shapes, first, again, strict=True):
        assert a.shape == shapes[field] and a.dtype == np.float32
        np.testing.assert_array_equal(a, b)
    assert (first.W_E != other.W_E).any()


def test_initial_weights_keep_the_size_of_what_they_read():
    config = Config(
        n_layers=2,
        n_heads=4,
        d_model=64,
        d_head=16,
        d_mlp=256,
        d_vocab=64,
        d_vocab_out=64,
        n_ctx=64,
        norm="pre",
    )
    weights = init(config, 0)
    assert weights.W_E.std() == pytest.approx(1 / 8, rel=0.1)
    assert weights.W_Q.std() == pytest.approx(1 / 8, rel=0.1)
    assert weights.W_out.std() == pytest.approx(1 / 32, rel=0.1)  # 1 / sqrt(256 * 4)
    assert not weights.b_in.any() and (weights.ln1_w == 1).all()
