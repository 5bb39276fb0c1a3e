"""A transformer as TransformerLens has it: the same weights, hooks and logits.

Version 3 gives a `HookedTransformer`, version 4 has only the `TransformerBridge`.
Neither knows our PAD: version 3 ignores attention masks where attention goes both
ways, version 4 takes one with every call. So the model that comes back hides PAD by
itself, from the tokens that it is called on, and every row equals ours. `hooked.py` has
how version 3 does it, and `bridge.py` version 4, so that it outlives copies, files and
`reset_hooks`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np

from compiler.interchange.extra import import_extra
from compiler.interchange.tokenizer import make_tokenizer
from compiler.machine.config import Config
from compiler.machine.transformer import Transformer
from compiler.machine.weights import to_tensors

NORMS = {"none": None, "pre": "LN", "rms": "RMS"}
FLAGS = ("use_attn_result", "use_split_qkv_input", "use_hook_mlp_in")
"""Of version 3: a hook for each source and reader, as EAP-IG needs them."""
POSITIONS = {"learned": "standard", "rotary": "rotary"}


def to_transformer_lens(
    transformer: Transformer, device: str, words: Sequence[str] | None = None
) -> Any:
    """Return the transformer as the TransformerLens that is installed has it.

    Args:
        transformer: its shape and its arrays.
        device: where torch is to put them.
        words: the text of each token, for its tokenizer; without one if None.

    Raises:
        InputError: TransformerLens is not installed.
    """
    config = transformer.config
    lens, torch = (
        import_extra(name, "to_transformer_lens")
        for name in ("transformer_lens", "torch")
    )
    options = _options(config)
    tokenizer = None if words is None else make_tokenizer(words, config)
    try:
        hooked = lens.HookedTransformer
    except (ImportError, AttributeError):  # version 4 refuses the name, and says why
        return _bridge(lens, torch, transformer, options, device, tokenizer)
    return _hooked(hooked, torch, transformer, options, device, tokenizer)


def _options(config: Config) -> dict[str, Any]:
    """Return what both versions call the same.

    Keys and values that query heads share are given to each of them, so that every
    head has its own hooks.
    """
    return {
        "n_layers": config.n_layers,
        "n_heads": config.n_heads,
        "d_model": config.d_model,
        "d_head": config.d_head,
        "d_mlp": config.d_mlp,
        "d_vocab": config.d_vocab,
        "d_vocab_out": config.d_vocab_out,
        "n_ctx": config.n_ctx,
        "act_fn": config.act,  # both mean the exact one by "gelu"
        "eps": config.ln_eps,
        "normalization_type": NORMS[config.norm],
        "positional_embedding_type": POSITIONS[config.positions],
        "attention_dir": "causal" if config.causal else "bidirectional",
        "rotary_dim": config.d_head if config.positions == "rotary" else None,
        "rotary_base": config.rotary_base,
        "gated_mlp": config.gated,
        "init_weights": False,
    }


# Version 3 ------------------------------------------------------------------------


def _hooked(
    hooked: Any,
    torch: Any,
    transformer: Transformer,
    options: dict[str, Any],
    device: str,
    tokenizer: Any,
) -> Any:
    """Return a HookedTransformer."""
    config, weights = transformer.config, transformer.weights
    made = import_module("transformer_lens").HookedTransformerConfig
    flags: dict[str, bool] = dict.fromkeys(FLAGS, True)
    flags["rotary_adjacent_pairs"] = config.rotary_pairs == "neighbours"
    with warnings.catch_warnings():  # that version 4 has none is no news here
        warnings.simplefilter("ignore", DeprecationWarning)
        model = hooked(made(**options, **flags, device=device), tokenizer)
    exported = import_module("compiler.interchange.hooked")
    model.__class__ = exported.ExportedTransformer
    model.cfg.ungroup_grouped_query_attention = True  # EAP-IG asks for it too
    tensors = to_tensors(weights, config, whole=True)
    state = {name: torch.tensor(array) for name, array in tensors.items()}
    # Masks and rotary tables are part of its state, and are not ours to say.
    model.load_state_dict({**model.state_dict(), **state})
    if config.pad_id is not None:
        exported.hide_pad(model, config.pad_id)
    return model


# Version 4 ------------------------------------------------------------------------


def _bridge(
    lens: Any,
    torch: Any,
    transformer: Transformer,
    options: dict[str, Any],
    device: str,
    tokenizer: Any,
) -> Any:
    """Return a TransformerBridge around a native model."""
    config = transformer.config
    conversion = import_module("transformer_lens.utilities.tl_checkpoint_conversion")
    bridge = import_module("compiler.interchange.bridge")
    made = lens.TransformerBridgeConfig(**options, architecture=bridge.ARCHITECTURE)
    if config.positions == "rotary" and config.rotary_pairs == "halves":
        transformer = _pair_neighbours(transformer)
    tensors = to_tensors(transformer.weights, config, whole=True)
    # Version 4 has no biases in a gated MLP, version 3 wants their zeros.
    unknown = ("mlp.b_in", "mlp.b_out") if config.gated else ()
    state = {
        name: torch.tensor(array, device=device)
        for name, array in tensors.items()
        if not name.endswith(unknown)
    }
    state = conversion.convert_tl_checkpoint(state, made)
    if config.pad_id is not None:
        state["pad_id"] = torch.tensor(config.pad_id)
    return bridge.make_bridge(made, state, tokenizer)


def _pair_neighbours(transformer: Transformer) -> Transformer:
    """Return a transformer whose rotary pairs are neighbours, as version 4 turns them.

    We turn coordinate i with i + d_head / 2. Queries and keys are reordered alike,
    so that all scores, and all that follows, stay the same.
    """
    weights = transformer.weights
    order = np.arange(transformer.config.d_head).reshape(2, -1).T.ravel()
    turned = {name: getattr(weights, name) for name in ("W_Q", "W_K", "b_Q", "b_K")}
    return transformer.with_arrays(
        **{n: np.asarray(a)[..., order] for n, a in turned.items()}
    )
