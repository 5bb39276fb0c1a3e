"""Llama (Touvron et al. 2023) and Qwen2: RMSNorm, rotary positions, gated MLPs."""

from __future__ import annotations

from typing import Any

from compiler.families.family import (
    CAUSAL,
    FILLS,
    GATED,
    RMS_NORM,
    ROTARY,
    Family,
    Need,
)
from compiler.families.gpt2 import head_tensors
from compiler.families.tensors import (
    Order,
    Tensor,
    heads_bias,
    heads_in,
    heads_out,
    same,
    transposed,
)
from compiler.machine.config import Config


def _entries(config: Config) -> dict[str, Any]:
    return {
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads or config.n_heads,
        "hidden_size": config.d_model,
        "intermediate_size": config.d_mlp,
        "vocab_size": config.d_vocab,
        "max_position_embeddings": config.n_ctx,
        "hidden_act": config.act,
        "rms_norm_eps": config.ln_eps,
        # transformers 4 reads the first, 5 the second
        "rope_theta": config.rotary_base,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": config.rotary_base,
        },
        "attention_dropout": 0.0,
        "classifier_dropout": 0.0,
    }


def _llama_entries(config: Config) -> dict[str, Any]:
    return {
        **_entries(config),
        "head_dim": config.d_head,
        "attention_bias": config.biases == "all",
        "mlp_bias": False,
    }


def _qwen2_entries(config: Config) -> dict[str, Any]:
    return {**_entries(config), "use_sliding_window": False}


def halves_order(config: Config) -> Order:
    """Return the order in which a head's rotary pairs are i and i + d_head / 2.

    Queries and keys are put into it alike, so that all scores stay the same.
    """
    if config.rotary_pairs == "halves":
        return None
    return (*range(0, config.d_head, 2), *range(1, config.d_head, 2))


def _layer(config: Config, layer: int) -> list[Tensor]:
    at, order = f"model.layers.{layer}.", halves_order(config)
    found: list[Tensor] = []
    for letter, turned in (("Q", order), ("K", order), ("V", None)):
        name = f"{at}self_attn.{letter.lower()}_proj"
        found.append(heads_in(f"{name}.weight", f"W_{letter}", layer, turned))
        if config.biases != "none":
            found.append(heads_bias(f"{name}.bias", f"b_{letter}", layer, turned))
    found.append(heads_out(f"{at}self_attn.o_proj.weight", layer))
    if config.biases == "all":
        found.append(same(f"{at}self_attn.o_proj.bias", "b_O", layer))
    return [
        *found,
        transposed(f"{at}mlp.gate_proj.weight", "W_gate", layer),
        transposed(f"{at}mlp.up_proj.weight", "W_in", layer),
        transposed(f"{at}mlp.down_proj.weight", "W_out", layer),
        same(f"{at}input_layernorm.weight", "ln1_w", layer),
        same(f"{at}post_attention_layernorm.weight", "ln2_w", layer),
    ]


def _tensors(config: Config, language: bool) -> tuple[Tensor, ...]:
    found = [same("model.embed_tokens.weight", "W_E")]
    for layer in range(config.n_layers):
        found += _layer(config, layer)
    found.append(same("model.norm.weight", "lnf_w"))
    return (*found, *head_tensors(config, language, "score"))


_OPTIONS = {
    "norm": "rms",
    "positions": "rotary",
    "act": "silu",
    "gated": True,
    "n_kv_heads": 2,
    "ln_eps": 1e-6,
}
_NEEDS = (CAUSAL, RMS_NORM, ROTARY, GATED)

LLAMA = Family(
    name="llama",
    title="Llama",
    model_type="llama",
    language_class="LlamaForCausalLM",
    token_class="LlamaForTokenClassification",
    options={**_OPTIONS, "biases": "none"},
    needs=(
        *_NEEDS,
        Need("biases of queries, keys and values only", lambda c: c.biases != "qkv"),
    ),
    entries=_llama_entries,
    tensors=_tensors,
)
QWEN2 = Family(
    name="qwen2",
    title="Qwen2",
    model_type="qwen2",
    language_class="Qwen2ForCausalLM",
    token_class="Qwen2ForTokenClassification",
    options={**_OPTIONS, "biases": "qkv"},
    needs=(
        *_NEEDS,
        Need("biases {config.biases!r} and not 'qkv'", lambda c: c.biases == "qkv"),
        FILLS,
    ),
    entries=_qwen2_entries,
    tensors=_tensors,
)
