"""In TransformerLens, every logit and every activation is ours.

These tests run with the version that is installed; `test_lens_3.py` runs them again
with version 3.
"""

from __future__ import annotations

import copy
import importlib
import io
import pickle
import warnings
from types import SimpleNamespace
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


def is_version_3(lens: Any) -> bool:
    return type(lens.cfg).__name__ == "HookedTransformerConfig"


def released(name: str) -> Model:
    return load_model(RELEASES / name)


# Every kind of attention, norm, positions and activation, and not every combination.
MODELS = {
    "compiled, rotated": lambda: compiled("sort", rotate=1),
    "trained": lambda: released("sort-siit"),
    "both ways, no norm, learned": lambda: untrained(),
    "both ways, rotary": lambda: untrained(norm="pre", positions="rotary", act="gelu"),
    "causal, learned": lambda: untrained(causal=True, norm="pre", act="gelu"),
    "as Llama": lambda: untrained(
        d_head=4,
        causal=True,
        norm="rms",
        positions="rotary",
        act="silu",
        gated=True,
        n_kv_heads=1,
        biases="qkv",
        rotary_base=100.0,
    ),
    "neighbours turned, no biases": lambda: untrained(
        positions="rotary",
        rotary_pairs="neighbours",
        act="gelu_new",
        biases="none",
        unembed_bias=False,
    ),
    "heads that do not fill d_model": lambda: untrained(d_head=4, positions="rotary"),
}


@pytest.mark.parametrize("name", MODELS)
def test_all_logits_and_activations_are_ours_whatever_the_length(name, torch):
    model = MODELS[name]()
    ids = model.encode_batch(inputs(model))
    logits, writes, z = run_parts(model.transformer, ids)
    lens = model.to_transformer_lens()
    hooked = is_version_3(lens)
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


@pytest.fixture(scope="module")
def shared(torch) -> SimpleNamespace:
    """Return a model that attends both ways, its export, and a batch with PAD."""
    model = untrained(causal=False)
    ids = model.encode_batch([list("abc"), list("b")])
    logits, _, _ = run_parts(model.transformer, ids)
    return SimpleNamespace(
        model=model,
        lens=model.to_transformer_lens(),
        ids=torch.tensor(ids).long(),
        logits=logits,
    )


def test_each_call_hides_its_own_pad(shared, torch):
    model, lens = shared.model, shared.lens
    for sequences in ("abc", "b"), ("ab", "ab"), ("a", "ca"):
        ids = model.encode_batch(list(map(list, sequences)))
        logits, _, _ = run_parts(model.transformer, ids)
        assert distance(lens(torch.tensor(ids).long()), logits) < CLOSE


def test_a_hook_of_the_users_changes_the_run_and_leaves_pad_hidden(shared, torch):
    model, lens = shared.model, shared.lens
    names, batch = model.config.names, model.encode_batch([list("abc"), list("cab")])
    clean, writes, _ = run_parts(model.transformer, batch)
    first, second = torch.tensor(batch).long()[:, None]
    patch = Patch.nodes(node_mask(names, ["m0"]), writes[1])
    expected = np.asarray(model.run(list("abc"), patch=patch).logits)
    _, cache = lens.run_with_cache(second)
    hook = names.source_hook("m0").name
    found = lens.run_with_hooks(
        first, fwd_hooks=[(hook, lambda value, hook: cache[hook.name])]
    )
    lens.reset_hooks()
    assert distance(found[0], expected) < CLOSE
    assert distance(lens(first)[0], clean[0]) < CLOSE


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
def test_pad_stays_hidden_in_copies_and_files(how, shared, torch):
    lens = shared.lens
    lens(shared.ids)
    found = again(lens, how, torch)
    lens(torch.tensor(shared.model.encode_batch([list("ca")])).long())
    assert type(found) is type(lens)
    assert distance(found(shared.ids), shared.logits) < CLOSE


def test_what_a_user_set_is_kept_in_files(shared, torch):
    lens = shared.model.to_transformer_lens().double().train()
    lens.embed.requires_grad_(False)
    lens.set_use_hook_mlp_in(True)
    found = again(lens, "pickle", torch)
    assert torch.equal(found(shared.ids), lens(shared.ids))
    kept = {name: p.requires_grad for name, p in lens.named_parameters()}
    assert {name: p.requires_grad for name, p in found.named_parameters()} == kept
    assert set(kept.values()) == {True, False}
    assert found.training and found.cfg.use_hook_mlp_in
    text = " ".join(map(str, shared.model.typed.vocab[:2]))
    assert torch.equal(found.to_tokens(text), lens.to_tokens(text))
    _, seen = found.run_with_cache(shared.ids)
    assert "blocks.0.hook_mlp_in" in seen


def test_what_a_file_would_not_keep_of_version_4_is_refused(shared, torch):
    if is_version_3(shared.lens):
        pytest.skip("version 3 keeps hooks in files, and has no compatibility mode")
    lens = again(shared.lens, "deepcopy", torch)
    lens.add_hook("blocks.0.hook_resid_pre", lambda value, hook: 0 * value)
    with pytest.raises(InputError, match=r"reset_hooks\(\)"):
        pickle.dumps(lens)
    assert torch.equal(again(lens, "deepcopy", torch)(shared.ids), lens(shared.ids))
    lens.reset_hooks()
    pickle.dumps(lens)
    handle = lens.unembed.register_forward_hook(lambda *_: None)
    with pytest.raises(InputError, match="has hooks"):
        pickle.dumps(lens)
    handle.remove()
    lens.enable_compatibility_mode(disable_warnings=True)
    with pytest.raises(InputError, match=r"call enable_compatibility_mode\(\) on"):
        pickle.dumps(lens)
    found = lens(shared.ids).log_softmax(-1)  # it moves all logits of a row alike
    assert distance(found, np.asarray(jax.nn.log_softmax(shared.logits))) < CLOSE


def test_pad_stays_hidden_when_hooks_are_reset(shared):
    shared.lens.reset_hooks(including_permanent=True)
    assert distance(shared.lens(shared.ids), shared.logits) < CLOSE


def plain_model(cfg: Any) -> Any:
    """Return a model of TransformerLens' own of the same shape."""
    lens: Any = importlib.import_module("transformer_lens")
    if type(cfg).__name__ == "HookedTransformerConfig":
        with warnings.catch_warnings():  # that version 4 has none
            warnings.simplefilter("ignore", DeprecationWarning)
            return lens.HookedTransformer(cfg)
    return lens.TransformerBridge.boot_native(cfg)


def test_a_plain_model_refuses_the_state_dict_and_an_export_takes_it(shared, torch):
    lens, nn = shared.lens, torch.nn
    plain = plain_model(lens.cfg)
    unexpected = pytest.raises(RuntimeError, match=r'Unexpected key.*"(\w+\.)?pad_id"')
    with unexpected:
        plain.load_state_dict(lens.state_dict())
    with pytest.raises(RuntimeError, match=r"Unexpected key.*pad_id"):
        nn.Sequential(plain).load_state_dict(nn.Sequential(lens).state_dict())
    if not is_version_3(lens):
        with unexpected:
            inner = lens.original_model.state_dict()
            plain.original_model.load_state_dict(inner)
    other = shared.model.to_transformer_lens()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    other.load_state_dict(lens.state_dict())
    assert distance(other(shared.ids), shared.logits) < CLOSE


def test_version_3_has_the_flags_that_eap_ig_asks_for(shared):
    if not is_version_3(shared.lens):
        pytest.skip("of version 3")
    flags = "attn_result", "split_qkv_input", "hook_mlp_in"
    assert all(getattr(shared.lens.cfg, f"use_{name}") for name in flags)
    assert shared.lens.cfg.ungroup_grouped_query_attention


def test_config_and_device_are_there_for_other_tools(shared, torch):
    assert shared.lens.config is shared.lens.cfg
    assert shared.lens.device == torch.device("cpu")
    moved = again(shared.lens, "deepcopy", torch).to("meta")
    assert moved.device == torch.device("meta")


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
    # A word that is unknown is taken for no other one: the model refuses its id.
    unknown = lens.to_tokens("nonsense")
    assert unknown.tolist() == [[model.config.bos_id, model.config.d_vocab]]
    with pytest.raises(IndexError):
        lens(unknown)


def test_a_run_may_start_at_a_layer(shared):
    lens, ids = shared.lens, shared.ids
    _, cache = lens.run_with_cache(ids)
    seen = cache["blocks.1.hook_resid_pre"]
    mask = (ids != shared.model.config.pad_id).long()
    found = lens(seen, start_at_layer=1, attention_mask=mask)
    assert distance(found, shared.logits) < CLOSE


def test_a_run_that_does_not_say_where_pad_is_is_refused(shared):
    lens = shared.lens
    seen = lens.run_with_cache(shared.ids)[1]["blocks.1.hook_resid_pre"]
    with pytest.raises(InputError, match="PAD is"):
        lens(seen[:, :3], start_at_layer=1)


def test_without_transformer_lens_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "transformer_lens", None)
    with pytest.raises(InputError, match=r"pip install 'circuitzoo\[torch\]'"):
        compiled("reverse").to_transformer_lens()
