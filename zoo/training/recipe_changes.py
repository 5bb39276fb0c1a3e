"""The fields of a recipe as keyword arguments, for editors and type checkers."""

from __future__ import annotations

from typing import TypedDict


class RecipeChanges(TypedDict, total=False):
    """Fields of a `Recipe`, as keyword arguments: what each means is said there."""

    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    act: str
    norm: str
    positions: str
    n_kv_heads: int
    gated: bool
    biases: str
    tied: bool
    unembed_bias: bool
    rotary_pairs: str
    rotary_base: float
    ln_eps: float
    placement: str
    any_layer: bool
    spare_layers: int
    placement_seed: int
    seed: int
    inputs_seed: int
    steps: int
    batch: int
    learning_rate: float
    warmup: int
    weight_decay: float
    clip: float
    average: float
    circuit_steps: int
    open_at: float
    opening_steps: int
    keep: float
    behaviour: float
    interchange: float
    strict_nodes: float
    strict_edges: float
    replay: float
    zeros: float
    means: float
    mixed: float
    alive: float
    alive_attention: float
    alive_within: float
    margin: float
    margin_weight: float
    decoding: float
    attending: float
    donor_gradient: bool
    same_length: float
    check_every: int
    pairs: int
    stratified: bool
    behaviour_at_least: float
    interchange_at_least: float
    nodes_at_least: float
    edges_at_least: float
    ablations_at_least: float
    adversary_at_least: float
    inputs: int
