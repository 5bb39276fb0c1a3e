"""In TransformerLens, every logit and every activation is ours.

These tests run with the version that is installed; `test_lens_3.py` runs them again
with version 3.
"""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import jax
import numpy as np
import pytest

from compiler.errors import InputError
from compiler.machine.patch import Patch, node_mask
from compiler.model import Model
from compiler.save import load_model
from tests.compiler.interchange.models import (
    RELEASES,
    compiled,
    distance,
    inputs,
    needs,
    run_parts,
    untrained,
)

CLOSE = 1e-5

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def torch() -> Any:
    needs("transformer_lens")
    return needs("torch")


def released(name: str) -> Model:
    return load_model(RELEASES / name)


MODELS = {
    "compiled": lambda: compiled("reverse"),
    "compiled, rotated": lambda: compiled("sort", rotate=1),
    "compiled, causal": lambda: compiled("histogram", causal=True),
    "trained": lambda: released("sort-siit"),
    **{
        f"{'causal' * causal or 'both ways'}, norm {norm}, {positions}, {act}": (
            lambda causal=causal, norm=norm, positions=positions, act=act: untrained(
                causal=causal, norm=norm, positions=positions, act=act
            )
        )
        for causal in (False, True)
        for norm, positions, act in (
            ("none", "learned", "relu"),
            ("pre", "learned", "gelu"),
            ("pre", "rotary", "gelu"),
        )
    },
    "heads that do not fill d_model": lambda: untrained(d_head=4, positions="rotary"),
}


@pytest.mark.parametrize("name", MODELS)
def test_all_logits_and_activations_are_ours_whatever_the_length(name, torch):
    model = MODELS[name]()
    ids = model.encode_batch(inputs(model))
    logits, writes, z = run_parts(model.transformer, ids)
    lens = model.to_transformer_lens()
    hooked = type(lens).__name__ == "HookedTransformer"
    if hooked:  # version 4 has no hook_result in models of its own making
        lens.set_use_attn_result(True)
    found, cache = lens.run_with_cache(torch.tensor(ids).long())
    assert distance(found, logits) < CLOSE
    for layer in range(model.config.n_layers):
        theirs = cache[f"blocks.{layer}.attn.hook_z"].swapaxes(1, 2)
        assert distance(theirs, z[:, layer]) < CLOSE
    names = model.config.names
    for index, source in enumerate(names.sources):
        hook = names.source_hook(source)
        rotary = source == "positions" and model.config.positions == "rotary"
        if rotary or (hook.head is not None and not hooked):
            continue
        wrote = cache[hook.name]
        wrote = wrote if hook.head is None else wrote[:, :, hook.head]
        wrote = wrote.expand(len(ids), -1, -1).detach().numpy()  # positions: once
        # A small write is a difference of large reads: the stream is the measure.
        assert np.abs(wrote - writes[:, index]).max() < CLOSE * np.abs(writes).max()


@pytest.mark.parametrize(
    ("program", "options"),
    [("sort", {"rotate": 1, "decoys": 2}), ("dyck2_balanced", {})],
)
def test_in_double_precision_nothing_differs(program, options, torch):
    """Decoys and steep steps enlarge the rounding of float32; that is no fault."""
    model = compiled(program, **options)
    ids = model.encode_batch(inputs(model))
    with jax.enable_x64(True):
        double = model.transformer.cast(lambda array: np.asarray(array, np.float64))
        logits, _, z = run_parts(double, ids)
    lens = model.to_transformer_lens().double()
    found, cache = lens.run_with_cache(torch.tensor(ids).long())
    assert distance(found, logits) < 1e-12
    for layer in range(model.config.n_layers):
        theirs = cache[f"blocks.{layer}.attn.hook_z"].swapaxes(1, 2)
        assert distance(theirs, z[:, layer]) < 1e-12


def test_ids_without_pad_give_the_same(torch):
    model = compiled("reverse")
    lens = model.to_transformer_lens()
    ids = torch.tensor(model.encode_batch([list("abc"), list("bca")])).long()
    assert distance(lens(ids[:, :4]), lens(ids)[:, :4].detach().numpy()) < CLOSE


def test_each_call_hides_its_own_pad(torch):
    model = untrained()
    lens = model.to_transformer_lens()
    for sequences in ([list("abc"), list("b")], [list("ab")], [list("a"), list("ca")]):
        ids = model.encode_batch(sequences)
        logits, _, _ = run_parts(model.transformer, ids)
        assert distance(lens(torch.tensor(ids).long()), logits) < CLOSE


def test_a_hook_of_the_users_changes_the_run_and_leaves_pad_hidden(torch):
    model = untrained()
    names, donor = model.config.names, list("cab")
    lens = model.to_transformer_lens()
    first, second = (
        torch.tensor(model.encode_batch([tokens])).long() for tokens in ("abc", donor)
    )
    mask = node_mask(names, ["m0"])
    patch = Patch.nodes(mask, model.run(donor).writes)
    expected = np.asarray(model.run(list("abc"), patch=patch).logits)
    _, cache = lens.run_with_cache(second)
    hook = names.source_hook("m0").name
    found = lens.run_with_hooks(
        first, fwd_hooks=[(hook, lambda value, hook: cache[hook.name])]
    )
    lens.reset_hooks()
    assert distance(found[0], expected) < CLOSE
    clean = np.asarray(model.run(list("abc")).logits)
    assert distance(lens(first)[0], clean) < CLOSE


def again(model: Any, how: str, torch: Any) -> Any:
    """Return a model that was copied, or written and read."""
    if how == "deepcopy":
        return copy.deepcopy(model)
    file = io.BytesIO()
    if how == "pickle":
        return pickle.loads(pickle.dumps(model))
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("how", ["deepcopy", "pickle", "torch.save"])
def test_pad_stays_hidden_in_copies_and_files(how, torch):
    model = untrained(causal=False)
    lens = model.to_transformer_lens()
    if how != "deepcopy" and type(lens).__name__ != "HookedTransformer":
        pytest.skip("version 4 pickles none of its bridges: they hold local functions")
    ids = model.encode_batch([list("abc"), list("b")])
    logits, _, _ = run_parts(model.transformer, ids)
    lens(torch.tensor(ids).long())
    found = again(lens, how, torch)
    lens(torch.tensor(model.encode_batch([list("ca")])).long())
    assert distance(found(torch.tensor(ids).long()), logits) < CLOSE


def test_pad_stays_hidden_when_hooks_are_reset(torch):
    model = untrained(causal=False)
    lens = model.to_transformer_lens()
    lens.reset_hooks(including_permanent=True)
    ids = model.encode_batch([list("abc"), list("b")])
    logits, _, _ = run_parts(model.transformer, ids)
    assert distance(lens(torch.tensor(ids).long()), logits) < CLOSE


def test_a_plain_model_refuses_the_state_dict_and_an_export_takes_it(torch):
    model = untrained(causal=False)
    lens = model.to_transformer_lens()
    if type(lens).__name__ != "HookedTransformer":
        pytest.skip("of version 3")
    plain = type(lens)(lens.cfg)
    with pytest.raises(RuntimeError, match=r'Unexpected key.*"embed.pad_id"'):
        plain.load_state_dict(lens.state_dict())
    other = model.to_transformer_lens()
    other.load_state_dict(lens.state_dict())
    flags = "attn_result", "split_qkv_input", "hook_mlp_in"
    assert all(getattr(lens.cfg, f"use_{name}") for name in flags)
    assert lens.cfg.ungroup_grouped_query_attention


def test_text_becomes_the_ids_of_encode(torch):
    model = compiled("sort")
    lens = model.to_transformer_lens()
    tokens = model.typed.vocab[:3]
    text = " ".join(map(str, tokens))
    expected = model.encode(list(tokens))[: len(tokens) + 1]
    assert lens.to_tokens(text).tolist() == [expected.tolist()]
    both = lens.to_tokens([text, str(tokens[0])])
    length = len(tokens) + 1
    batch = model.encode_batch([list(tokens), [tokens[0]]])[:, :length]
    assert both.tolist() == batch.tolist()
    with pytest.raises(Exception, match="UNK"):
        lens.to_tokens("nonsense")


def test_a_run_may_start_at_a_layer(torch):
    model = untrained(causal=False)
    lens = model.to_transformer_lens()
    ids = torch.tensor(model.encode_batch([list("abc"), list("ba")])).long()
    logits, cache = lens.run_with_cache(ids)
    seen = cache["blocks.1.hook_resid_pre"]
    mask = (ids != model.config.pad_id).long()
    found = lens(seen, start_at_layer=1, attention_mask=mask)
    live = mask.bool()
    assert distance(found[live], logits[live].detach().numpy()) < CLOSE


def test_without_transformer_lens_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "transformer_lens", None)
    with pytest.raises(InputError, match=r"pip install 'circuitzoo\[torch\]'"):
        compiled("reverse").to_transformer_lens()
