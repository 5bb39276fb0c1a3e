"""What Hugging Face transformers loads gives the same logits, and reads back."""

from __future__ import annotations

import json

import numpy as np
import pytest

from compiler.errors import FormatError, InputError
from compiler.interchange.hugging_face import read_folder
from compiler.interchange.tokenizer import tokenizer_json
from tests.compiler.interchange.models import (
    compiled,
    distance,
    inputs,
    needs,
    untrained,
)

GPT2 = {"causal": True, "norm": "pre", "positions": "learned"}


@pytest.mark.slow
@pytest.mark.parametrize("act", ["gelu", "relu"])
def test_transformers_gives_the_same_logits(tmp_path, act):
    torch, transformers = needs("torch"), needs("transformers")
    model = untrained(act=act, **GPT2)
    folder = model.to_hf(tmp_path / "hf")
    loaded = transformers.AutoModelForTokenClassification.from_pretrained(folder)
    sequences = inputs(model)
    ids = model.encode_batch(sequences)
    live = ids != model.config.pad_id
    expected = np.asarray(model.logits_of(ids))
    for given in ({}, {"attention_mask": torch.tensor(live).long()}):
        with torch.no_grad():
            found = loaded(torch.tensor(ids).long(), **given).logits.numpy()
        assert distance(found[live], expected[live]) < 1e-5
    assert loaded.config.id2label == {0: "None", 1: "'a'", 2: "'b'", 3: "'c'", 4: "'d'"}


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
        ({"causal": False}, "attention in both directions"),
        ({"norm": "none"}, "no LayerNorm"),
        ({"positions": "rotary"}, "rotary positions"),
        ({"d_head": 4}, "2 heads of 4, which make 8 and not the 12 of d_model"),
    ],
)
def test_what_gpt2_has_not_is_named(tmp_path, changes, named):
    model = untrained(**{**GPT2, **changes})
    with pytest.raises(InputError, match=named):
        model.to_hf(tmp_path / "hf")
    assert not (tmp_path / "hf").exists()


def test_all_that_does_not_fit_is_named_at_once(tmp_path):
    with pytest.raises(
        InputError, match=r"both directions.*no LayerNorm.*to_transform"
    ):
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
    (folder / "config.json").write_text(json.dumps({**entries, "model_type": "bert"}))
    with pytest.raises(FormatError, match="model_type 'bert'"):
        read_folder(folder)
    (folder / "config.json").write_text(json.dumps({**entries, "n_positions": 4}))
    with pytest.raises(FormatError, match=r"transformer\.wpe\.weight missing"):
        read_folder(folder)


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


@pytest.mark.parametrize("words", [["a b", "c"], ["a", "a"], ["[PAD]", "a"], ["", "a"]])
def test_words_that_text_cannot_tell_apart_have_no_tokenizer(words):
    config = untrained().config
    assert tokenizer_json(words, config) is None
    assert tokenizer_json(["a", "b"], config) is not None
