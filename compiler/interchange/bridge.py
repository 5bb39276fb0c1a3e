"""A transformer as a TransformerBridge, which is all that TransformerLens 4 has.

The native model inside hides PAD from the ids that it is called on, so no attention
mask is needed, and copies and `reset_hooks` change nothing about it. The state dict
has one entry more than a plain bridge's, `pad_id`, so that a plain bridge, which would
attend to PAD, refuses it: "Unexpected key(s) in state_dict".

Imports torch and TransformerLens, so `lens.py` imports it where it is needed only. A
pickled model names `make_bridge`, and needs this package when it is read.
"""

from __future__ import annotations

import copy
from typing import Any

import torch  # type: ignore[import-not-found]
from transformer_lens.model_bridge import (  # type: ignore[import-not-found]
    TransformerBridge,
)
from transformer_lens.model_bridge.sources import (  # type: ignore[import-not-found]
    build_bridge_from_module,
)
from transformer_lens.model_bridge.sources.native import (  # type: ignore[import-not-found]
    NativeModel,
)

from compiler.errors import InputError
from compiler.interchange.model_attributes import ModelAttributes

ARCHITECTURE = "TransformerLensNative"
HOOKS = "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"
"""Where a torch.nn.Module keeps the functions that it calls besides itself."""


class HidingModel(NativeModel):
    """A native model in which no other position attends to a PAD key.

    Args:
        cfg: the TransformerBridgeConfig.
        pad_id: the token to hide; it is kept in the state dict.
    """

    def __init__(self, cfg: Any, pad_id: int) -> None:
        super().__init__(cfg)
        self.register_buffer("pad_id", torch.tensor(pad_id))

    def forward(
        self, input_ids: Any = None, attention_mask: Any = None, **given: Any
    ) -> Any:
        """Return logits [batch, seq, d_vocab_out]; masks are as in NativeModel."""
        if attention_mask is None or attention_mask.ndim == 2:
            attention_mask = self._hide(input_ids, attention_mask)
        return super().forward(input_ids, attention_mask, **given)

    def _hide(self, ids: Any, live: Any) -> Any:
        """Return a mask [batch, 1, seq, key] that is True at what is hidden."""
        if ids is None and live is None:
            raise InputError(
                "TransformerBridge: a call without token ids does not say where PAD "
                "is. Give it attention_mask=, [batch, seq]: 0 at PAD and 1 elsewhere."
            )
        hidden = ~live.bool() if ids is None else ids == self.pad_id
        if live is not None:
            hidden = hidden | ~live.bool()
        others = ~torch.eye(hidden.shape[1], dtype=torch.bool, device=hidden.device)
        return hidden[:, None, None] & others


class ExportedBridge(ModelAttributes, TransformerBridge):
    """A TransformerBridge that can be pickled: as its configuration and weights.

    TransformerLens' own bridges hold functions that pickle cannot name.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how pickle makes it again.

        Raises:
            InputError: it has changed in a way that a file would not keep.
        """
        if self._has_hooks():
            raise InputError(
                "TransformerBridge: it has hooks, which a file would not keep. Remove "
                "them first, reset_hooks() for those of add_hook(), and add them to "
                "what is read."
            )
        if self.compatibility_mode:
            raise InputError(
                "TransformerBridge: enable_compatibility_mode() has changed its "
                "weights and hooks, which a file would not keep. Save it before, and "
                "call enable_compatibility_mode() on what is read."
            )
        frozen = [n for n, p in self.named_parameters() if not p.requires_grad]
        state = {name: value.detach() for name, value in self.state_dict().items()}
        return make_bridge, (self.cfg, state, self.tokenizer, frozen, self.training)

    def _has_hooks(self) -> bool:
        """Return whether there are hooks besides those of TransformerLens' own."""
        if any(hook.fwd_hooks or hook.bwd_hooks for hook in self.hook_dict.values()):
            return True
        parts = [*self.modules(), *self.original_model.modules()]
        called = (f for p in parts for name in HOOKS for f in getattr(p, name).values())
        makers = (getattr(function, "__module__", None) or "" for function in called)
        return not all(maker.startswith("transformer_lens.") for maker in makers)

    def __deepcopy__(self, memo: dict[int, Any]) -> ExportedBridge:
        """Return a copy of all that it has, hooks included."""
        made = type(self).__new__(type(self))
        memo[id(self)] = made
        made.__setstate__(copy.deepcopy(self.__dict__, memo))
        return made


def make_bridge(
    cfg: Any,
    state: dict[str, Any],
    tokenizer: Any = None,
    frozen: list[str] | None = None,
    training: bool = False,
) -> ExportedBridge:
    """Return a bridge that has these weights.

    Args:
        cfg: the TransformerBridgeConfig.
        state: its state dict, with `pad_id` if the model has PAD; where its arrays
            are, and their precision, are the bridge's.
        tokenizer: a tokenizer that puts BOS first; none if None.
        frozen: the names of the parameters that get no gradient; None for none.
        training: whether it is in training mode.
    """
    kind = state["embed.weight"]
    pad = state.get("pad_id")
    inner = NativeModel(cfg) if pad is None else HidingModel(cfg, int(pad))
    inner = inner.to(device=kind.device, dtype=kind.dtype)
    bridge: Any = build_bridge_from_module(
        inner, ARCHITECTURE, tl_config=cfg, device=kind.device, model_name="native"
    )
    bridge.__class__ = ExportedBridge
    bridge.load_state_dict(state, strict=True)
    if tokenizer is not None:  # at boot it would be tried on a letter, maybe unknown
        bridge.tokenizer = tokenizer
        bridge.cfg.tokenizer_prepends_bos = True
        bridge.cfg.tokenizer_appends_eos = False
    if getattr(cfg, "use_hook_mlp_in", False):
        bridge.set_use_hook_mlp_in(True)
    parameters = dict(bridge.named_parameters())
    for name in frozen or ():
        parameters[name].requires_grad_(False)
    bridge.train(training)
    return bridge
