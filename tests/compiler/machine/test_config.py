"""Configurations: what they refuse, and that they read back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.errors import FormatError, InputError
from compiler.machine.config import CHOICES, Config
from compiler.machine.weights import init, reduced

SIZES: dict[str, Any] = dict(n_layers=2, n_heads=3, d_model=8, d_head=4, d_mlp=16)
SIZES = SIZES | dict(d_vocab=5, d_vocab_out=4, n_ctx=6)

options = st.fixed_dictionaries(
    {name: st.integers(3, 9) for name in SIZES}
    | dict(
        d_head=st.sampled_from([2, 4]),
        n_heads=st.sampled_from([2, 4]),
        act=st.sampled_from(CHOICES["act"]),
        norm=st.sampled_from(CHOICES["norm"]),
        n_kv_heads=st.sampled_from([None, 1, 2]),
        gated=st.booleans(),
        biases=st.sampled_from(CHOICES["biases"]),
        unembed_bias=st.booleans(),
        rotary_pairs=st.sampled_from(CHOICES["rotary_pairs"]),
        rotary_base=st.floats(2.0, 1e6),
        positions=st.sampled_from(["learned", "rotary"]),
        causal=st.booleans(),
        bos_id=st.sampled_from([None, 0]),
        pad_id=st.sampled_from([None, 1]),
        ln_eps=st.floats(1e-8, 1e-2),
    )
)


@given(options)
def test_config_reads_back(options):
    config = Config(**options)
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config


@given(options)
def test_n_params_counts_every_weight(options):
    config = Config(**options)
    parameters = reduced(init(config, 0), config)
    assert config.n_params == sum(array.size for array in parameters)


def test_equal_configs_are_one_key_of_a_cache():
    first, second = Config(**SIZES), Config(**SIZES)
    assert first.names.sources and hash(first) == hash(second)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(n_layers=0), "n_layers is 0; give an integer of at least 1"),
        (dict(d_head=3, positions="rotary"), "need an even d_head, not 3"),
        (
            dict(act="tanh"),
            r"act is 'tanh'; choose one of \('relu', 'gelu', 'gelu_new', 'silu'\)",
        ),
        (dict(norm="post"), "norm is 'post'"),
        (dict(positions="none"), "positions is 'none'"),
        (dict(pad_id=5), r"pad_id is 5; give a token in 0..4 or None"),
        (dict(bos_id=-1), "bos_id is -1"),
        (dict(bos_id=1, pad_id=1), "bos_id and pad_id are both 1"),
        (dict(ln_eps=0.0), "ln_eps is 0.0; give a positive number"),
        (dict(n_kv_heads=2), "n_kv_heads is 2; .* divides n_heads, 3, or None"),
        (dict(n_kv_heads=0), "n_kv_heads is 0; .* divides n_heads"),
        (dict(tied=True), "tied needs as many logits .* d_vocab_out is 4 .* is 5"),
        (dict(biases="some"), r"biases is 'some'; choose one of \('all', 'qkv', "),
        (dict(rotary_base=-1.0), "rotary_base is -1.0; give a positive number"),
    ],
)
def test_impossible_config_says_what_to_change(change, message):
    with pytest.raises(InputError, match=message):
        Config(**{**SIZES, **change})


def test_all_problems_come_in_one_error():
    with pytest.raises(InputError, match=r"d_mlp is 0.*n_ctx is -1.*act is 'x'"):
        Config(**{**SIZES, "d_mlp": 0, "n_ctx": -1, "act": "x"})


def test_what_came_later_is_not_written_where_it_is_the_default():
    data = Config(**SIZES).to_json()
    assert not {"gated", "n_kv_heads", "rotary_base"} & set(data)
    assert Config.from_json(data) == Config(**SIZES)
    assert Config(**SIZES, n_kv_heads=3).to_json()["n_kv_heads"] == 3


def test_unknown_and_missing_keys_are_refused():
    data = Config(**SIZES).to_json()
    data["n_layer"] = data.pop("n_layers")
    with pytest.raises(FormatError, match=r"\['n_layer'\], missing \['n_layers'\]"):
        Config.from_json(data)
