"""The choices that activation patching leaves open, by name; nothing is imported here.

ablation    what stands in the place of a patched write (`ablation.py`)
loss        what the effect of a patch is measured by (`losses.py`)
positions   at which outputs
direction   noise: ablated writes into the clean run; denoise: clean writes into the run
            whose embeddings are ablated (Heimersheim and Nanda 2024; `directions.py`)
"""

from __future__ import annotations

ABLATIONS = ("resample", "replacement", "gaussian", "mean", "zero", "optimal")
LOSSES = ("difference", "probability", "divergence")
POSITIONS = ("all", "one")
DIRECTIONS = ("noise", "denoise")

CHOICES = {
    "ablation": ABLATIONS,
    "loss": LOSSES,
    "positions": POSITIONS,
    "direction": DIRECTIONS,
}
"""What a case can be set to; the first of each is the default."""

NOISE = 3.0
"""Standard deviations of the embeddings that noise has, as in Meng et al. 2022."""
