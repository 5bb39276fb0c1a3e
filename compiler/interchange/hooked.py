"""The two parts of a HookedTransformer (TransformerLens 3) that hide PAD by themselves.

They are classes, and nothing is hooked: so PAD stays hidden in a copy, in a pickled or
saved model, and after `reset_hooks(including_permanent=True)`. The state dict has one
entry more than a plain model's, `embed.pad_id`, so that a plain model, which would
attend to PAD, refuses it: "Unexpected key(s) in state_dict".

Imports torch and TransformerLens, so `lens.py` imports it where it is needed only. A
pickled model names these classes, and needs this package when it is read.
"""

from __future__ import annotations

from typing import Any

import torch  # type: ignore[import-not-found]
from transformer_lens.components import (  # type: ignore[attr-defined]
    Attention,
    Embed,
)

from compiler.errors import InputError


class Hidden:
    """Where PAD is in the tokens that were embedded last; a model's parts share it.

    Copies and files do not keep these positions, for they belong to one call.
    """

    def __init__(self) -> None:
        self.at: Any = None  # [batch, seq]

    def __getstate__(self) -> dict[str, Any]:
        return {"at": None}


class NotingEmbed(Embed):
    """An embedding that notes where the tokens are PAD."""

    def forward(self, tokens: Any) -> Any:
        """Return the embeddings, [batch, seq, d_model]."""
        self.hidden.at = tokens == self.pad_id
        return super().forward(tokens)


class HidingAttention(Attention):
    """Attention in which no other position sees a PAD key."""

    def calculate_attention_scores(self, q: Any, k: Any) -> Any:
        """Return attention scores [batch, head, seq, key], -inf where PAD is hidden."""
        scores = super().calculate_attention_scores(q, k)
        batch, _, seq, keys = scores.shape
        at = self.hidden.at
        if at is None or at.shape != (batch, keys) or seq != keys:
            raise InputError(
                f"blocks.{self.layer_id}.attn: {batch} sequences of {keys} positions, "
                "and other tokens were embedded last, so PAD is not known. Call the "
                "model on tokens, without a key-value cache; then start_at_layer works "
                "on the same ones."
            )
        others = ~torch.eye(keys, dtype=torch.bool, device=scores.device)
        hidden = at.to(scores.device)[:, None, None] & others
        return scores.masked_fill(hidden, float("-inf"))


def hide_pad(model: Any, pad_id: int) -> None:
    """Make a HookedTransformer's attention leave out PAD, whatever happens to hooks."""
    hidden = Hidden()
    model.embed.__class__ = NotingEmbed
    model.embed.hidden = hidden
    model.embed.register_buffer("pad_id", torch.tensor(pad_id, device=model.cfg.device))
    for block in model.blocks:
        block.attn.__class__ = HidingAttention
        block.attn.hidden = hidden
