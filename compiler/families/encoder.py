"""A BERT-like encoder: attention in both directions, learned positions, plain MLPs.

BERT itself (Devlin et al. 2019) has its LayerNorm behind each sublayer, on the sum of
the stream and what the sublayer writes. Then no later reader sees a sum of what the
components wrote, so that an edge between two components is not defined. Encoders since
have the norm in front, as GPT-2 has. The class of transformers that is this and nothing
more is XLM-RoBERTa-XL (Goyal et al. 2021), so that is what `bert` is saved as.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.families.family import (
    BOTH_WAYS,
    EVERY_BIAS,
    FILLS,
    LAYER_NORM,
    LEARNED,
    OWN_KEYS,
    PLAIN,
    Family,
    Need,
)
from compiler.families.gpt2 import head_tensors
from compiler.families.tensors import (
    Arrays,
    Tensor,
    heads_bias,
    heads_in,
    heads_out,
    same,
    transposed,
    zeros,
)
from compiler.machine.config import Config


def _first_position(config: Config) -> int:
    """Return the row of the first position's embedding: they count from PAD's id on."""
    assert config.pad_id is not None, "`needs` names it"
    return config.pad_id + 1


def _entries(config: Config) -> dict[str, Any]:
    return {
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "hidden_size": config.d_model,
        "intermediate_size": config.d_mlp,
        "vocab_size": config.d_vocab,
        "max_position_embeddings": _first_position(config) + config.n_ctx,
        "type_vocab_size": 1,
        "hidden_act": config.act,
        "layer_norm_eps": config.ln_eps,
        **dict.fromkeys(("hidden_dropout_prob", "attention_probs_dropout_prob"), 0.0),
        "classifier_dropout": 0.0,
    }


def _positions(config: Config) -> Tensor:
    before = _first_position(config)

    def pack(W_pos: Arrays) -> Arrays:
        return np.concatenate(
            [np.zeros_like(W_pos, shape=(before, W_pos.shape[1])), W_pos]
        )

    name = "roberta.embeddings.position_embeddings.weight"
    return Tensor(name, ("W_pos",), None, pack, lambda found, _: (found[before:],))


def _layer(layer: int) -> list[Tensor]:
    at = f"roberta.encoder.layer.{layer}."
    parts = {"query": "Q", "key": "K", "value": "V"}
    found: list[Tensor] = []
    for part, letter in parts.items():
        here = f"{at}attention.self.{part}"
        found.append(heads_in(f"{here}.weight", f"W_{letter}", layer))
        found.append(heads_bias(f"{here}.bias", f"b_{letter}", layer))
    return [
        *found,
        same(f"{at}attention.self_attn_layer_norm.weight", "ln1_w", layer),
        same(f"{at}attention.self_attn_layer_norm.bias", "ln1_b", layer),
        heads_out(f"{at}attention.output.dense.weight", layer),
        same(f"{at}attention.output.dense.bias", "b_O", layer),
        same(f"{at}LayerNorm.weight", "ln2_w", layer),
        same(f"{at}LayerNorm.bias", "ln2_b", layer),
        transposed(f"{at}intermediate.dense.weight", "W_in", layer),
        same(f"{at}intermediate.dense.bias", "b_in", layer),
        transposed(f"{at}output.dense.weight", "W_out", layer),
        same(f"{at}output.dense.bias", "b_out", layer),
    ]


def _tensors(config: Config, language: bool) -> tuple[Tensor, ...]:
    types = (1, config.d_model)
    found = [
        same("roberta.embeddings.word_embeddings.weight", "W_E"),
        zeros("roberta.embeddings.token_type_embeddings.weight", types),
        _positions(config),
    ]
    for layer in range(config.n_layers):
        found += _layer(layer)
    return (
        *found,
        same("roberta.encoder.LayerNorm.weight", "lnf_w"),
        same("roberta.encoder.LayerNorm.bias", "lnf_b"),
        *head_tensors(config, language, "classifier"),
    )


ENCODER = Family(
    name="bert",
    title="a BERT-like encoder",
    model_type="xlm-roberta-xl",
    language_class=None,
    token_class="XLMRobertaXLForTokenClassification",
    options={"norm": "pre", "positions": "learned", "act": "gelu"},
    needs=(
        BOTH_WAYS,
        LAYER_NORM,
        LEARNED,
        PLAIN,
        EVERY_BIAS,
        OWN_KEYS,
        FILLS,
        Need("no PAD", lambda config: config.pad_id is not None),
    ),
    entries=_entries,
    tensors=_tensors,
)
