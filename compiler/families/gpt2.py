"""GPT-2 (Radford et al. 2019): LayerNorm in front, learned positions, plain MLPs."""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.families.family import (
    CAUSAL,
    EVERY_BIAS,
    FILLS,
    LAYER_NORM,
    LEARNED,
    OWN_KEYS,
    PLAIN,
    Family,
)
from compiler.families.tensors import Arrays, Tensor, same, transposed, zeros
from compiler.machine.config import Config


def _entries(config: Config) -> dict[str, Any]:
    return {
        "n_layer": config.n_layers,
        "n_head": config.n_heads,
        "n_embd": config.d_model,
        "n_inner": config.d_mlp,
        "vocab_size": config.d_vocab,
        "n_positions": config.n_ctx,
        "activation_function": config.act,  # they have our four under our names
        "layer_norm_epsilon": config.ln_eps,
        **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0),
        "classifier_dropout": 0.0,
    }


def _joined(part: str, layer: int) -> Tensor:
    """Return queries, keys and values side by side, [.., 3 * head * d_head]."""
    fields = tuple(f"{part}_{x}" for x in "QKV")

    def flat(array: Arrays) -> Arrays:  # [head, d_model, d_head] or [head, d_head]
        return np.moveaxis(array, 0, -2).reshape(*array.shape[1:-1], -1)

    def pack(*arrays: Arrays) -> Arrays:
        return np.concatenate([flat(array) for array in arrays], axis=-1)

    def unpack(found: Arrays, shapes: list[tuple[int, ...]]) -> tuple[Arrays, ...]:
        heads, *rest, d_head = shapes[0]
        thirds = np.split(found, 3, axis=-1)
        return tuple(
            np.moveaxis(third.reshape(*rest, heads, d_head), -2, 0) for third in thirds
        )

    ending = "weight" if part == "W" else "bias"
    name = f"transformer.h.{layer}.attn.c_attn.{ending}"
    return Tensor(name, fields, layer, pack, unpack)


def _layer(layer: int) -> list[Tensor]:
    at = f"transformer.h.{layer}."
    found = [_joined("W", layer), _joined("b", layer)]
    found.append(
        Tensor(
            f"{at}attn.c_proj.weight",
            ("W_O",),
            layer,
            lambda W: W.reshape(-1, W.shape[-1]),
            lambda found, shapes: (found.reshape(shapes[0]),),
        )
    )
    arrays = {
        "ln_1.weight": "ln1_w",
        "ln_1.bias": "ln1_b",
        "attn.c_proj.bias": "b_O",
        "ln_2.weight": "ln2_w",
        "ln_2.bias": "ln2_b",
        "mlp.c_fc.weight": "W_in",
        "mlp.c_fc.bias": "b_in",
        "mlp.c_proj.weight": "W_out",
        "mlp.c_proj.bias": "b_out",
    }
    return found + [same(at + name, field, layer) for name, field in arrays.items()]


def _tensors(config: Config, language: bool) -> tuple[Tensor, ...]:
    found = [
        same("transformer.wte.weight", "W_E"),
        same("transformer.wpe.weight", "W_pos"),
        same("transformer.ln_f.weight", "lnf_w"),
        same("transformer.ln_f.bias", "lnf_b"),
    ]
    for layer in range(config.n_layers):
        found += _layer(layer)
    return (*found, *head_tensors(config, language, "classifier"))


def head_tensors(config: Config, language: bool, classifier: str) -> list[Tensor]:
    """Return the tensors that make the logits, the same in every family.

    Args:
        config: the transformer's shape.
        language: whether the logits stand for the tokens.
        classifier: the name of the head where they do not.
    """
    if language:
        return [] if config.tied else [transposed("lm_head.weight", "W_U")]
    name, none = f"{classifier}.bias", (config.d_vocab_out,)
    bias = same(name, "b_U") if config.unembed_bias else zeros(name, none)
    return [transposed(f"{classifier}.weight", "W_U"), bias]


GPT2 = Family(
    name="gpt2",
    title="GPT-2",
    model_type="gpt2",
    language_class="GPT2LMHeadModel",
    token_class="GPT2ForTokenClassification",
    options={"norm": "pre", "positions": "learned", "act": "gelu_new"},
    needs=(CAUSAL, LAYER_NORM, LEARNED, PLAIN, EVERY_BIAS, OWN_KEYS, FILLS),
    entries=_entries,
    tensors=_tensors,
)
