"""How a model is trained: its size, its schedule, its thresholds. One frozen type.

`recipe_file.py` reads and writes recipes as TOML, `sizes.py` fills in derived sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from compiler.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """Every choice of a training run.

    Attributes:
        n_layers: layers; 0 for the larger of 2 and what the circuit needs, and with a
            random placement up to `spare_layers` more.
        n_heads: heads a layer; 0 for the larger of 4 and twice what it needs.
        d_model: width; 0 to derive it from the circuit.
        d_head: 0 for d_model / n_heads.
        d_mlp: 0 for 4 * d_model.
        act: `relu`, `gelu` (exact), `gelu_new` (by tanh, as in GPT-2) or `silu`.
        norm: `none`, `pre` (LayerNorm) or `rms` (RMSNorm), in front of every reader.
        positions: `learned` or `rotary`. Rotary heads see how far two positions are
            apart without an edge from `positions`, which writes nothing then.
        n_kv_heads: heads that have keys and values of their own, each for n_heads /
            n_kv_heads query heads; 0 for all.
        gated: whether MLPs are gated (with `silu`, SwiGLU).
        biases: which projections have a bias: `all`, `qkv` or `none`.
        tied: whether the unembedding is the transposed embedding; for language models,
            whose logits stand for their tokens.
        unembed_bias: whether the logits have a bias; language models never have one.
        rotary_pairs: which coordinates are turned together: `halves` or `neighbours`.
        rotary_base: the longest wavelength of the rotation over 2 pi.
        ln_eps: what a norm adds under its square root.
        placement: `identity` or `random`: whether variables take the first heads of
            their layers, or heads at random.
        any_layer: whether a random placement also chooses the layer of each variable,
            among those that the order of the variables allows.
        spare_layers: the most layers that a random placement adds to the number that
            the circuit needs; how many is drawn from `placement_seed`.
        placement_seed: seed of a random placement; -1 to derive it from the name of the
            program, so that models of different programs have different circuits.
        seed: seed of the weights and the batches.
        inputs_seed: seed of the inputs that are trained on and of those held out.
        steps: the most optimizer steps.
        batch: examples of a step.
        learning_rate: its peak, after `warmup` steps; a cosine falls to a hundredth.
        warmup: steps over which the learning rate rises to its peak.
        weight_decay: of AdamW.
        clip: gradients of a greater global norm are scaled down to this norm.
        average: the weights of the result are an exponential moving average over the
            steps with this decay, and so are those that are checked; 0 for the weights
            of the last step.
        circuit_steps: the most steps of the first phase, the circuit-only phase. In
            all of its examples every edge outside the circuit is patched.
        open_at: the circuit-only phase ends earlier once accuracy, with every edge
            outside the circuit patched, reaches this value.
        opening_steps: steps of the second phase, over which the share of such fully
            patched examples is lowered from 1 to `keep`.
        keep: share of fully patched examples after the second phase.
        behaviour: share of the other examples in which nothing is patched.
        interchange: share of examples in which variables of the circuit are set from
            a donor run, the run of another input.
        strict_nodes: share of examples in which random nodes outside the circuit are
            set from a donor run.
        strict_edges: share of examples in which random edges outside the circuit are
            set from a donor run.
        replay: share of all examples that are hard ones, found at the checks: inputs
            with the smallest margins, and patches that an adversary found.
        zeros: share of the strict examples in which what is patched is set to zero,
            and not to the writes of a donor run.
        means: share of the strict examples in which what is patched is set to the mean
            of the donor runs.
        mixed: share of the strict examples patched from donor runs in which each node
            takes its write from a donor run of its own, and half of these nodes at each
            position from another one.
        alive: weight of losses that keep what is outside the circuit as lively as the
            circuit: the deviation of writes and the norms of virtual weights are to
            have the same distribution.
        alive_attention: weight of the same loss for attention patterns, their deviation
            and their entropy.
        alive_within: difference from these distributions that costs nothing, in nats.
        margin: by how much the logit of the right class should exceed every other one,
            with or without a patch; 0 for no such loss. For outputs that are classes.
        margin_weight: weight of the loss for smaller margins.
        decoding: weight of a loss that reads each variable linearly off its node. It
            counts in full in the first phase, and ever less over the second.
        attending: weight of a loss on heads that do not attend to what the program
            selects. It falls as `decoding` does, and is there only where the causal
            model says what is selected.
        donor_gradient: whether gradients also flow through the donor run.
        same_length: share of donor inputs that are drawn as long as their base input,
            so that the two can differ at one place only.
        check_every: steps between checks on held-out inputs, each with a checkpoint.
        pairs: held-out pairs of a check.
        stratified: whether inputs are drawn evenly over lengths, structures and values
            of variables, from all inputs there are; otherwise over lengths and results,
            from at most `inputs`.
        behaviour_at_least: threshold of the accuracy with nothing patched, and of the
            share of all inputs trained on that are right. Training ends when every
            threshold is met; an audit asks for a little less, of many more pairs.
        interchange_at_least: threshold of the accuracy with the worst variable set.
        nodes_at_least: threshold with the worst node outside the circuit patched.
        edges_at_least: threshold with the worst edge outside the circuit patched, and
            with all of them patched at once, in the worst group of structured inputs.
        ablations_at_least: threshold with the worst node outside the circuit, all of
            them, or all edges outside set to zero or to a mean.
        adversary_at_least: threshold of the share of pairs that stay right when an
            adversary chooses which edges outside the circuit are patched.
        inputs: the most inputs that are drawn from, unless `stratified`.
    """

    n_layers: int = 0
    n_heads: int = 0
    d_model: int = 0
    d_head: int = 0
    d_mlp: int = 0
    act: str = "gelu"
    norm: str = "none"
    positions: str = "learned"
    n_kv_heads: int = 0
    gated: bool = False
    biases: str = "all"
    tied: bool = False
    unembed_bias: bool = True
    rotary_pairs: str = "halves"
    rotary_base: float = 10000.0
    ln_eps: float = 1e-5
    placement: str = "identity"
    any_layer: bool = False
    spare_layers: int = 0
    placement_seed: int = -1
    seed: int = 0
    inputs_seed: int = 0
    steps: int = 12_000
    batch: int = 48
    learning_rate: float = 3e-3
    warmup: int = 300
    weight_decay: float = 1e-2
    clip: float = 1.0
    average: float = 0.0
    circuit_steps: int = 3000
    open_at: float = 0.97
    opening_steps: int = 2500
    keep: float = 0.0
    behaviour: float = 0.125
    interchange: float = 0.375
    strict_nodes: float = 0.25
    strict_edges: float = 0.25
    replay: float = 0.0
    zeros: float = 0.0
    means: float = 0.0
    mixed: float = 0.0
    alive: float = 0.0
    alive_attention: float = 0.0
    alive_within: float = 0.2
    margin: float = 0.0
    margin_weight: float = 0.1
    decoding: float = 1.0
    attending: float = 0.0
    donor_gradient: bool = True
    same_length: float = 0.0
    check_every: int = 500
    pairs: int = 1024
    stratified: bool = False
    behaviour_at_least: float = 0.998
    interchange_at_least: float = 0.998
    nodes_at_least: float = 0.998
    edges_at_least: float = 0.995
    ablations_at_least: float = 0.0
    adversary_at_least: float = 0.0
    inputs: int = 50_000

    def __post_init__(self) -> None:
        from compiler.machine.config import CHOICES  # it imports NumPy

        problems = [
            f"{name} is {getattr(self, name)!r}; it must be at least {least}"
            for name, least in _LEAST.items()
            if getattr(self, name) < least
        ]
        problems += [
            f"{name} is {getattr(self, name)!r}; it is a share, at most 1"
            for name in _SHARES
            if getattr(self, name) > 1
        ]
        if self.zeros + self.means > 1:
            problems.append(
                f"zeros and means are {self.zeros} and {self.means}; they are shares "
                "of the strict examples, at most 1 together"
            )
        shares = [
            self.behaviour,
            self.interchange,
            self.strict_nodes,
            self.strict_edges,
        ]
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
            problems.append(
                f"behaviour, interchange, strict_nodes and strict_edges are {shares}; "
                "they must be shares that sum to 1"
            )
        problems += [
            f"{name} is {getattr(self, name)!r}; choose {' or '.join(map(repr, few))}"
            for name, few in {**CHOICES, "placement": ("identity", "random")}.items()
            if getattr(self, name) not in few
        ]
        if self.positions == "rotary" and self.d_head % 2:
            problems.append(
                f"d_head is {self.d_head}; rotary positions need an even one"
            )
        if self.n_kv_heads and self.n_heads % self.n_kv_heads:
            problems.append(
                f"n_kv_heads is {self.n_kv_heads}; it must divide n_heads, "
                f"{self.n_heads}"
            )
        if problems:
            raise InputError("recipe: " + "; ".join(problems) + ".")


_SHARES = ("keep", "same_length", "average", "replay", "zeros", "means", "mixed")

_LEAST = {
    "n_layers": 0,
    "n_kv_heads": 0,
    "rotary_base": 1,
    "ln_eps": 1e-12,
    "n_heads": 0,
    "d_model": 0,
    "d_head": 0,
    "d_mlp": 0,
    "steps": 1,
    "batch": 4,
    "warmup": 0,
    "circuit_steps": 0,
    "open_at": 0,
    "opening_steps": 0,
    "keep": 0,
    "average": 0,
    "replay": 0,
    "zeros": 0,
    "means": 0,
    "mixed": 0,
    "alive": 0,
    "alive_attention": 0,
    "alive_within": 0,
    "margin": 0,
    "margin_weight": 0,
    "spare_layers": 0,
    "placement_seed": -1,
    "same_length": 0,
    "decoding": 0,
    "attending": 0,
    "check_every": 1,
    "pairs": 1,
    "inputs": 2,
    "learning_rate": 1e-8,
    "clip": 1e-8,
    "weight_decay": 0,
}

EARLIER = {
    "placement": "identity",
    "any_layer": False,
    "spare_layers": 0,
    "average": 0.0,
    "replay": 0.0,
    "zeros": 0.0,
    "means": 0.0,
    "mixed": 0.0,
    "alive": 0.0,
    "alive_attention": 0.0,
    "margin": 0.0,
    "stratified": False,
    "behaviour_at_least": 0.998,
    "ablations_at_least": 0.0,
    "adversary_at_least": 0.0,
}
"""What recipes meant before these keys existed, or had these defaults. The recipe that
a run saved lists every key of its time; for a key that is missing there, this holds."""


def twin_recipe(recipe: Recipe) -> Recipe:
    """Return the recipe of the natural twin: the same in all, but behaviour only."""
    return replace(
        recipe,
        behaviour=1.0,
        interchange=0.0,
        strict_nodes=0.0,
        strict_edges=0.0,
        circuit_steps=0,
        opening_steps=0,
        keep=0.0,
        replay=0.0,
        alive=0.0,
        alive_attention=0.0,
        margin=0.0,
        decoding=0.0,
        attending=0.0,
        interchange_at_least=0.0,
        nodes_at_least=0.0,
        edges_at_least=0.0,
        ablations_at_least=0.0,
        adversary_at_least=0.0,
    )


def is_twin(recipe: Mapping[str, Any]) -> bool:
    """Return whether a recipe, by key, trains behaviour alone: a natural twin."""
    shares = ("interchange", "strict_nodes", "strict_edges")
    return all(recipe.get(share, 1) == 0 for share in shares)
