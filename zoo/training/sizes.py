"""The derived sizes and seeds of a recipe, filled in for one causal model."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from zoo.causal.model import CausalModel, computed_variables
from zoo.training.recipe import Recipe

WIDTHS = (32, 48, 64, 96)
"""Widths that are derived. Few, so that a compiled function serves many models."""


def sized(recipe: Recipe, model: CausalModel) -> Recipe:
    """Return the recipe with every derived size and seed filled in."""
    seed = recipe.placement_seed
    recipe = replace(recipe, placement_seed=seed_of(model.name) if seed < 0 else seed)
    needed = 1 + max((v.layer for v in model.variables), default=0)
    heads: dict[int, int] = {}
    computed = computed_variables(model)
    for variable in computed:
        if variable.kind == "head":
            heads[variable.layer] = heads.get(variable.layer, 0) + 1
    n_layers = recipe.n_layers or max(2, needed) + _spare_layers(recipe)
    n_heads = recipe.n_heads or max(4, 2 * max(heads.values(), default=0))
    values = sum(min(v.size, 16) for v in computed)
    wanted = model.d_vocab + model.n_ctx // 2 + values
    fitting = [width for width in WIDTHS if width >= wanted]
    d_model = recipe.d_model or min(fitting, default=WIDTHS[-1])
    if recipe.norm != "none" and not recipe.n_heads:
        # As in GPT-2 and its successors, all heads together are as wide as the stream.
        n_heads = next(n for n in range(n_heads, d_model + 1) if d_model % n == 0)
    d_head = recipe.d_head or max(4, d_model // n_heads)
    if recipe.positions == "rotary" and not recipe.d_head:
        d_head += d_head % 2
    return replace(
        recipe,
        n_layers=n_layers,
        n_heads=n_heads,
        d_model=d_model,
        d_head=d_head,
        d_mlp=recipe.d_mlp or 4 * d_model,
    )


def seed_of(name: str) -> int:
    """Return a seed in [0, 2^31) that depends on a name and on nothing else."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:4], "big") % 2**31


def _spare_layers(recipe: Recipe) -> int:
    """Return how many layers a random placement adds, drawn from its seed."""
    if recipe.placement != "random" or not recipe.any_layer:
        return 0
    rng = np.random.default_rng([recipe.placement_seed, _SPARE])
    return int(rng.integers(recipe.spare_layers + 1))


_SPARE = 1
"""Keeps this draw apart from that of the placement, which has the same seed."""
