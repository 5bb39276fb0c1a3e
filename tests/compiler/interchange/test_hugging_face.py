"""What Hugging Face transformers loads gives the same logits, and reads back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from compiler.errors import FormatError, InputError
from compiler.families import FAMILIES, family_of
from compiler.interchange.hugging_face import read_folder, tokenizer_files
from compiler.interchange.tokenizer import tokenizer_json
from compiler.model import Model
from tests.compiler.interchange.models import (
    compiled,
    distance,
    family_options,
    inputs,
    language_model,
    needs,
    untrained,
)

GPT2 = {"causal": True, "norm": "pre", "positions": "learned"}


NEIGHBOURS = {"rotary_pairs": "neighbours", "rotary_base": 100.0, "ln_eps": 1e-3}
# Of every family, as a model of values at tokens and as a language model; then options.
SHAPED = [
    ("gpt2", False, {"act": "relu"}),
    ("gpt2", True, {"tied": True}),
    ("llama", False, {}),
    ("llama", True, NEIGHBOURS),
    ("llama", True, {"biases": "all", "d_head": 4, "act": "gelu"}),
    ("qwen2", False, {**NEIGHBOURS, "unembed_bias": False}),
    ("qwen2", True, {"tied": True, "n_kv_heads": None}),
    ("bert", False, {"act": "gelu_new"}),
]


def shaped(family: str, language: bool, changes: dict[str, Any]) -> Model:
    """A model with random weights of a family."""
    options = {**family_options(family), **changes}
    if language:
        return language_model(**options)
    return untrained(**options, causal=family != "bert")


@pytest.mark.slow
@pytest.mark.parametrize(("family", "language", "changes"), SHAPED)
def test_transformers_gives_the_same_logits(tmp_path, family, language, changes):
    torch, transformers = needs("torch"), needs("transformers")
    model = shaped(family, language, changes)
    folder = model.to_hf(tmp_path / "hf")
    auto = f"AutoModelFor{'CausalLM' if language else 'TokenClassification'}"
    loaded = getattr(transformers, auto).from_pretrained(folder)
    assert type(loaded).__name__ == FAMILIES[family].architecture(language)
    ids = model.encode_batch(inputs(model))
    live = ids != model.config.pad_id
    expected = np.asarray(model.logits_of(ids))
    in_memory = model.to_transformers()
    with torch.no_grad():
        mask = torch.tensor(live).long()
        found = in_memory(torch.tensor(ids).long(), attention_mask=mask).logits
    assert type(in_memory) is type(loaded)
    assert distance(found.numpy()[live], expected[live]) < 1e-5
    masks: list[Any] = [{"attention_mask": torch.tensor(live).long()}]
    if model.config.causal:
        masks.append({})  # PAD is behind the tokens, which do not see it
    for given in masks:
        with torch.no_grad():
            found = loaded(torch.tensor(ids).long(), **given).logits.numpy()
        assert distance(found[live], expected[live]) < 1e-5
    if not language:
        labels = {0: "None", 1: "'a'", 2: "'b'", 3: "'c'", 4: "'d'"}
        assert loaded.config.id2label == labels


@pytest.mark.parametrize(("family", "language", "changes"), SHAPED)
def test_every_family_reads_back(tmp_path, family, language, changes):
    model = shaped(family, language, changes)
    assert family_of(model.config, language) is FAMILIES[family]
    again = read_folder(model.to_hf(tmp_path / "one"))
    assert again.config == model.config
    for found, expected in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_folder_reads_back_and_is_the_same_bytes_every_time(tmp_path):
    model = untrained(act="gelu", **GPT2)
    again = read_folder(model.to_hf(tmp_path / "one"))
    assert again.config == model.config
    for found, expected in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(found, expected)
    model.to_hf(tmp_path / "two")
    for file in ("config.json", "model.safetensors"):
        one, two = ((tmp_path / n / file).read_bytes() for n in ("one", "two"))
        assert one == two


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"causal": False, "norm": "none"}, "encoder, and .*: no LayerNorm"),
        ({"norm": "none"}, "GPT-2, and this model differs from it: no LayerNorm"),
        ({"positions": "rotary"}, "rotary positions"),
        ({"gated": True}, "gated MLPs"),
        ({"biases": "none"}, "biases 'none' and not 'all'"),
        ({"n_kv_heads": 1}, "1 key heads for 2 query heads"),
        ({"d_head": 4}, "2 heads of 4, which make 8 and not the 12 of d_model"),
    ],
)
def test_what_gpt2_has_not_is_named(tmp_path, changes, named):
    model = untrained(**{**GPT2, **changes})
    with pytest.raises(InputError, match=named):
        model.to_hf(tmp_path / "hf")
    assert not (tmp_path / "hf").exists()


def test_all_that_does_not_fit_is_named_at_once(tmp_path):
    with pytest.raises(InputError, match=r"no LayerNorm.*heads of.*to_transform"):
        compiled("reverse").to_hf(tmp_path / "hf")


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        untrained(**GPT2).to_hf(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(FormatError, match="no model of Hugging Face's"):
        read_folder(tmp_path)
    folder = untrained(**GPT2).to_hf(tmp_path / "hf")
    entries = json.loads((folder / "config.json").read_text())
    ours = entries["circuitzoo"]
    for changes, message in (
        ({"circuitzoo": None, "model_type": "bert"}, "model_type 'bert'"),
        ({"circuitzoo": {**ours, "n_ctx": 4}}, "n_positions is 9, and 4 by the key"),
        ({"circuitzoo": {**ours, "width": 4}}, r"unknown keys \['width'\]"),
        ({"n_positions": 4}, "n_positions is 4, and 9 by the key"),
        ({"architectures": ["Llama"]}, "its architecture is 'Llama'"),
        ({"circuitzoo": None, "n_positions": 4}, r"transformer\.wpe\.weight missing"),
    ):
        (folder / "config.json").write_text(json.dumps({**entries, **changes}))
        with pytest.raises(FormatError, match=message):
            read_folder(folder)
    (folder / "config.json").write_text(json.dumps({**entries, "circuitzoo": None}))
    read_folder(folder)  # as it was written before that key


def test_a_tokenizer_comes_with_the_folder(tmp_path):
    tokenizers = needs("tokenizers")
    model = untrained(**GPT2)
    folder = model.to_hf(tmp_path / "hf")
    read = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokens = [model.typed.vocab[i] for i in (2, 0, 1)]
    text = " ".join(map(str, tokens))
    assert read.encode(text).ids == model.encode(tokens)[:4].tolist()
    transformers = needs("transformers")
    auto = transformers.AutoTokenizer.from_pretrained(folder)
    assert auto(text)["input_ids"] == model.encode(tokens)[:4].tolist()
    assert auto.pad_token_id == model.config.pad_id
    # An id that the model does not have, and so no other token.
    assert auto("elephant")["input_ids"] == [model.config.bos_id, model.config.d_vocab]


@pytest.mark.parametrize(
    "words", [["a b", "c"], ["a", "a"], ["[PAD]", "a"], ["[UNK]"], [""]]
)
def test_words_that_text_cannot_tell_apart_have_no_tokenizer(words):
    config = untrained().config
    assert tokenizer_json(words, config) is None
    assert tokenizer_json(["a", "b"], config) is not None


@pytest.mark.parametrize(("words", "most"), [(["a", "EOS"], None), (["a", "b"], 1)])
def test_a_language_model_generates_one_token_or_until_eos(words, most):
    config = untrained().config
    files = tokenizer_files(words, config, language=True)
    said = json.loads(files["generation_config.json"])
    assert said.get("max_new_tokens") == most
    assert said["eos_token_id"] == (None if most else 1)
    assert set(tokenizer_files(words, config, language=False)) == set(files) - {
        "generation_config.json"
    }
