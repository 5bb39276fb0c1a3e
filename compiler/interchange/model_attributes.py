"""Attributes that tools of other makers read from a model and TransformerLens lacks.

`hooked.py` (TransformerLens 3) and `bridge.py` (4) give them to what they export.
"""

from __future__ import annotations

from typing import Any


class ModelAttributes:
    """Gives a model the two attributes by which pyvene, and transformers, know one."""

    @property
    def config(self: Any) -> Any:
        """The configuration, which TransformerLens calls `cfg`."""
        return self.cfg

    @property
    def device(self: Any) -> Any:
        """The torch.device that holds the weights."""
        return next(self.parameters()).device
