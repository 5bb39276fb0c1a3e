"""A tokenizer for the tokens of a program, as Hugging Face and TransformerLens read it.

A word is a token: "3 1 2" becomes BOS, 3, 1, 2. The file is JSON and is written here;
the package `tokenizers` is needed to use it and not to write it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from compiler.machine.config import Config

BOS, PAD = "[BOS]", "[PAD]"
UNKNOWN = "[UNK]"
"""What an unknown word becomes: an id behind the last one that the model has.

A model refuses that id ("index out of range"), so an unknown word is never taken for
another one. Tools that try a tokenizer on a text of their own can do so.
"""
EOS = "EOS"
"""The word of a vocabulary that ends a text, where it has this word."""
FILE, ABOUT = "tokenizer.json", "tokenizer_config.json"


def tokenizer_json(words: Sequence[str], config: Config) -> dict[str, Any] | None:
    """Return what tokenizer.json holds; None where text cannot stand for the tokens.

    Args:
        words: the text of each token, in the order of their ids.
        config: where BOS and PAD are.

    Text cannot stand for them where two are spelled alike, one has white space in it
    or is empty, or one is spelled as BOS, PAD or an unknown word are here.
    """
    if config.bos_id is None or config.pad_id is None:
        return None
    plain = all(word.split() == [word] for word in words)
    if not plain or len({*words, BOS, PAD, UNKNOWN}) != len(words) + 3:
        return None
    vocab = {word: place for place, word in enumerate(words)}
    vocab |= {BOS: config.bos_id, PAD: config.pad_id, UNKNOWN: config.d_vocab}
    special = {BOS: config.bos_id, PAD: config.pad_id}
    special |= {EOS: vocab[EOS]} if EOS in vocab else {}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": place,
                "content": text,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for text, place in special.items()
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": BOS, "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
            ],
            "pair": [
                {"SpecialToken": {"id": BOS, "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 0}},
            ],
            "special_tokens": {
                BOS: {"id": BOS, "ids": [config.bos_id], "tokens": [BOS]}
            },
        },
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": UNKNOWN},
    }


def about(config: Config, words: Sequence[str]) -> dict[str, Any]:
    """Return what tokenizer_config.json holds.

    Args:
        config: the transformer's shape.
        words: the text of each token.
    """
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": config.n_ctx,
        "padding_side": "right",
        "add_bos_token": True,
        "clean_up_tokenization_spaces": False,
        "bos_token": BOS,
        "eos_token": EOS if EOS in words else BOS,
        "model_input_names": ["input_ids", "attention_mask"],
        "pad_token": PAD,
    }


def make_tokenizer(words: Sequence[str], config: Config) -> Any | None:
    """Return a PreTrainedTokenizerFast; None where text cannot stand for the tokens."""
    entries = tokenizer_json(words, config)
    if entries is None:
        return None
    from tokenizers import Tokenizer  # type: ignore[import-not-found]
    from transformers import PreTrainedTokenizerFast  # type: ignore[import-not-found]

    made = Tokenizer.from_str(json.dumps(entries))
    options = {k: v for k, v in about(config, words).items() if k != "tokenizer_class"}
    return PreTrainedTokenizerFast(
        tokenizer_object=made, name_or_path="circuitzoo", **options
    )
