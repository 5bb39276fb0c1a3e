"""Models of an architecture: saved as a folder that transformers loads, and loaded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.errors import FormatError
from compiler.save import load_model, save_model, to_files
from compiler.sealed import SUMS, sums_of
from tests.compiler.interchange.models import (
    distance,
    family_options,
    inputs,
    language_model,
    needs,
    untrained,
)

MODELS = {
    "gpt2": lambda: untrained(**family_options("gpt2"), causal=True),
    "llama": lambda: language_model(**family_options("llama")),
    "qwen2": lambda: untrained(**family_options("qwen2"), causal=True),
    "bert": lambda: untrained(**family_options("bert")),
}
every_family = pytest.mark.parametrize("name", MODELS)


def rewrite(folder: Path, name: str, data: bytes) -> None:
    """Put other bytes into a file, with the digest of these bytes."""
    (folder / name).write_bytes(data)
    files = {p.name: p.read_bytes() for p in folder.iterdir() if p.name != SUMS}
    (folder / SUMS).write_bytes(sums_of(files))


@every_family
def test_a_model_reads_back_bit_by_bit(tmp_path, name):
    model = MODELS[name]()
    again = load_model(save_model(model, tmp_path / "saved"))
    assert again.config == model.config and again.readout == model.readout
    for one, other in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert to_files(again) == to_files(model)
    # Over itself, tokenizer and all.
    save_model(again, tmp_path / "saved", overwrite=True)


@pytest.mark.slow
@every_family
def test_transformers_loads_the_saved_folder(tmp_path, name):
    torch, transformers = needs("torch"), needs("transformers")
    model = MODELS[name]()
    folder = save_model(model, tmp_path / "saved")
    language = "CausalLM" if model.writes_tokens else "TokenClassification"
    loaded = getattr(transformers, f"AutoModelFor{language}").from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    sequences = inputs(model)
    texts = [" ".join(map(str, tokens)) for tokens in sequences]
    given = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        found = loaded(**given).logits.numpy()
    ids = model.encode_batch(sequences)[:, : found.shape[1]]
    assert given["input_ids"].tolist() == ids.tolist()
    live = ids != model.config.pad_id
    expected = np.asarray(model.logits_of(ids))
    assert distance(found[live], expected[live]) < 1e-5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act: found 'relu', expected 'silu'"),
        ({"eos_token_id": 0}, "eos_token_id: found 0, expected"),
        ({"architectures": ["GPT2LMHeadModel"]}, "architectures: found"),
        ({"extra": 1}, "extra: found 1"),
    ],
)
def test_entries_that_say_something_else_than_ours_are_refused(
    tmp_path, changes, message
):
    folder = save_model(MODELS["llama"](), tmp_path / "saved")
    entries = json.loads((folder / "config.json").read_text())
    rewrite(folder, "config.json", json.dumps({**entries, **changes}).encode())
    with pytest.raises(FormatError, match=message):
        load_model(folder)


def test_a_label_far_behind_what_an_error_shows_is_compared(tmp_path):
    model = compile_model(programs.find("reverse"), vocab="abcdefghij", like="bert")
    folder = save_model(model, tmp_path / "saved")
    entries = json.loads((folder / "config.json").read_text())
    entries["id2label"]["9"] = "'z'"
    rewrite(folder, "config.json", json.dumps(entries).encode())
    with pytest.raises(FormatError, match="id2label: found"):
        load_model(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_kv_heads": 0}, "n_kv_heads"),
        ({"gated": "yes"}, "gated"),
        ({"rotary_base": -1}, "rotary_base"),
        ({"norm": "pre", "gated": False}, "bytes|of an architecture"),
        ({"format_version": 99}, "newer release"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(tmp_path, changes, message):
    folder = save_model(MODELS["llama"](), tmp_path / "saved")
    entries = json.loads((folder / "config.json").read_text())
    entries["circuitzoo"] |= changes
    rewrite(folder, "config.json", json.dumps(entries).encode())
    with pytest.raises(FormatError, match=message):
        load_model(folder)


def test_a_model_of_no_architecture_is_saved_as_before():
    model = MODELS["gpt2"]()
    plain = replace(model, config=replace(model.config, biases="none", act="relu"))
    zero = {n: np.zeros_like(getattr(model.weights, n)) for n in ("b_Q", "b_K", "b_V")}
    zero |= {n: np.zeros_like(getattr(model.weights, n)) for n in ("b_O", "b_in")}
    zero["b_out"] = np.zeros_like(model.weights.b_out)
    plain = replace(plain, weights=model.weights._replace(**zero))
    files = to_files(plain)
    assert "tokenizer.json" not in files
    assert json.loads(files["config.json"])["format"] == "circuitzoo.model"
