"""A transformer as TransformerLens has it: the same weights, hooks and logits.

Version 3 gives a `HookedTransformer`, version 4 has only the `TransformerBridge`.
Neither knows our PAD: version 3 ignores attention masks where attention goes both
ways, version 4 takes one with every call. So the model that comes back hides PAD by
itself, from the tokens that it is called on, and every row equals ours.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np

from compiler.errors import InputError
from compiler.machine.config import Config
from compiler.machine.transformer import Transformer
from compiler.machine.weights import to_tensors

NORMS = {"none": None, "pre": "LN"}
POSITIONS = {"learned": "standard", "rotary": "rotary"}


def to_transformer_lens(transformer: Transformer, device: str) -> Any:
    """Return the transformer as the TransformerLens that is installed has it.

    Args:
        transformer: its shape and its arrays.
        device: where torch is to put them.

    Raises:
        InputError: TransformerLens is not installed.
    """
    config = transformer.config
    lens, torch = _import("transformer_lens"), _import("torch")
    options = _options(config)
    try:
        hooked = lens.HookedTransformer
    except (ImportError, AttributeError):  # version 4 refuses the name, and says why
        return _bridge(lens, torch, transformer, options, device)
    return _hooked(hooked, torch, transformer, options, device)


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"to_transformer_lens: {error.name} is not installed. "
            "Install the extra: pip install 'circuitzoo[torch]'."
        ) from None


def _options(config: Config) -> dict[str, Any]:
    """Return what both versions call the same."""
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
        "init_weights": False,
    }


# Version 3 ------------------------------------------------------------------------


def _hooked(
    hooked: Any,
    torch: Any,
    transformer: Transformer,
    options: dict[str, Any],
    device: str,
) -> Any:
    """Return a HookedTransformer."""
    config, weights = transformer.config, transformer.weights
    made = import_module("transformer_lens").HookedTransformerConfig
    with warnings.catch_warnings():  # that version 4 has none is no news here
        warnings.simplefilter("ignore", DeprecationWarning)
        model = hooked(made(**options, device=device))
    tensors = to_tensors(weights, config)
    state = {name: torch.tensor(array) for name, array in tensors.items()}
    # Masks and rotary tables are part of its state, and are not ours to say.
    model.load_state_dict({**model.state_dict(), **state})
    if config.pad_id is not None:
        hidden = _Hidden(torch, config.pad_id)
        model.embed.register_forward_pre_hook(hidden.see)
        for layer in range(config.n_layers):
            name = f"blocks.{layer}.attn.hook_attn_scores"
            model.add_hook(name, hidden.hide, is_permanent=True)
    return model


class _Hidden:
    """Hides the PAD positions of the tokens that were embedded last.

    Args:
        torch: the package.
        pad_id: the token that no other position attends to.
    """

    def __init__(self, torch: Any, pad_id: int) -> None:
        self.torch, self.pad_id, self.hidden = torch, pad_id, None

    def see(self, _: Any, inputs: tuple[Any, ...]) -> None:
        """Remember where PAD is; a hook in front of the embedding."""
        self.hidden = inputs[0] == self.pad_id  # [batch, seq]

    def hide(self, scores: Any, hook: Any) -> Any:
        """Return attention scores [batch, head, seq, key] without PAD keys."""
        batch, _, seq, keys = scores.shape
        if self.hidden is None or self.hidden.shape != (batch, keys) or seq != keys:
            raise InputError(
                f"{hook.name}: {batch} sequences of {keys} positions, and other tokens "
                "were embedded last, so PAD is not known. Call the model on tokens, "
                "without a key-value cache; then start_at_layer works on the same ones."
            )
        others = ~self.torch.eye(keys, dtype=bool, device=scores.device)
        return scores.masked_fill(self.hidden[:, None, None] & others, float("-inf"))


# Version 4 ------------------------------------------------------------------------


def _bridge(
    lens: Any,
    torch: Any,
    transformer: Transformer,
    options: dict[str, Any],
    device: str,
) -> Any:
    """Return a TransformerBridge around a native model."""
    config = transformer.config
    conversion = import_module("transformer_lens.utilities.tl_checkpoint_conversion")
    made = lens.TransformerBridgeConfig(**options, architecture="TransformerLensNative")
    if config.positions == "rotary":
        transformer = _pair_neighbours(transformer)
    tensors = to_tensors(transformer.weights, config)
    state = {name: torch.tensor(array) for name, array in tensors.items()}
    bridge = lens.TransformerBridge.boot_native(made, device=device)
    bridge.load_state_dict(conversion.convert_tl_checkpoint(state, made), strict=True)
    pad_id = config.pad_id

    def hide(_: Any, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
        ids, mask = (
            args[0] if args else given.get("input_ids"),
            given.get("attention_mask"),
        )
        if ids is None or (mask is not None and mask.ndim != 2):
            return None
        hidden = ids == pad_id if mask is None else (ids == pad_id) | ~mask.bool()
        others = ~torch.eye(ids.shape[1], dtype=bool, device=ids.device)
        # True hides: [batch, 1, seq, key]
        return args, {**given, "attention_mask": hidden[:, None, None] & others}

    if pad_id is not None:
        bridge.original_model.register_forward_pre_hook(hide, with_kwargs=True)
    return bridge


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
