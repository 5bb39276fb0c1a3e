"""Which node of the transformer computes each variable, and the resulting circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from compiler.errors import InputError
from compiler.machine.circuit import Circuit, Site
from compiler.machine.config import Config
from compiler.machine.names import Edge
from zoo.causal.model import (
    CausalModel,
    CausalVariable,
    Parent,
    computed_variables,
)
from zoo.training.recipe import Recipe


@dataclass(frozen=True)
class Placement:
    """Which node is trained to compute each variable of a causal model.

    Attributes:
        node: by variable, the name of the node that writes it.
        circuit: the edges that follow, and the variables on them.
    """

    node: Mapping[str, str]
    circuit: Circuit


def make_config(model: CausalModel, recipe: Recipe) -> Config:
    """Return the transformer's shape for a recipe whose sizes are filled in."""
    return Config(
        n_layers=recipe.n_layers,
        n_heads=recipe.n_heads,
        d_model=recipe.d_model,
        d_head=recipe.d_head,
        d_mlp=recipe.d_mlp,
        d_vocab=model.d_vocab,
        d_vocab_out=model.readout.size,
        n_ctx=model.n_ctx,
        act=recipe.act,
        norm=recipe.norm,
        positions=recipe.positions,
        ln_eps=recipe.ln_eps,
        n_kv_heads=recipe.n_kv_heads or None,
        gated=recipe.gated,
        biases=recipe.biases,
        tied=recipe.tied,
        unembed_bias=_unembed_bias(model, recipe),
        rotary_pairs=recipe.rotary_pairs,
        rotary_base=recipe.rotary_base,
        causal=model.causal,
        bos_id=model.bos_id,
        pad_id=model.pad_id,
    )


def writes_tokens(model: CausalModel) -> bool:
    """Return whether each logit stands for the token of the same id: a language model.

    The values of the output are then the vocabulary, followed by BOS and PAD.
    """
    vocab = getattr(model, "vocab", ())
    return model.readout.stands_for_tokens(vocab, model.d_vocab)


def _unembed_bias(model: CausalModel, recipe: Recipe) -> bool:
    """Return whether the logits have a bias; one that stands for a number needs it."""
    if model.readout.kind != "classes":
        return True
    return recipe.unembed_bias and not writes_tokens(model)


def place(model: CausalModel, config: Config, recipe: Recipe) -> Placement:
    """Return a node for each variable, in a layer that the order of variables allows.

    Each variable of a head gets a head of its own. Variables that MLPs compute share
    the MLP of their layer.

    Raises:
        InputError: the transformer is too small, which names the variable without a
            place; or no node computes the output.
    """
    if model.output not in {variable.name for variable in model.variables}:
        limits = " Positions see only themselves and earlier ones." * model.causal
        raise InputError(
            f"{model.name}: no head and no MLP is needed for its output, which is the "
            f"same for all inputs, or a token or position as it was read.{limits} "
            "Train a program whose outputs are computed from its inputs."
        )
    rng = np.random.default_rng(recipe.placement_seed)
    at_random = recipe.placement == "random"
    order = [
        rng.permutation(config.n_heads) if at_random else np.arange(config.n_heads)
        for _ in range(config.n_layers)
    ]
    layers = first_layers(model, config)
    if at_random and recipe.any_layer:
        layers = draw_layers(model, config, rng)
    used = [0] * config.n_layers
    node: dict[str, str] = {}
    for variable in computed_variables(model):
        layer = layers[variable.name]
        if variable.kind == "mlp":
            node[variable.name] = f"m{layer}"
            continue
        node[variable.name] = f"a{layer}.h{order[layer][used[layer]]}"
        used[layer] += 1
    return Placement(node, _circuit(model, config, node))


def first_layers(model: CausalModel, config: Config) -> dict[str, int]:
    """Return for each variable the first layer that it can be computed in.

    Raises:
        InputError: the transformer has too few layers, or too few heads in one.
    """
    used = [0] * config.n_layers
    for variable in computed_variables(model):
        if variable.layer >= config.n_layers:
            raise InputError(
                f"{model.name}: {variable.name!r} needs layer {variable.layer}, and "
                f"the model has {config.n_layers}. Raise n_layers."
            )
        if variable.kind == "mlp":
            continue
        if used[variable.layer] == config.n_heads:
            raise InputError(
                f"{model.name}: no head of layer {variable.layer} is left for "
                f"{variable.name!r}; all {config.n_heads} are taken. Raise n_heads."
            )
        used[variable.layer] += 1
    return {variable.name: variable.layer for variable in computed_variables(model)}


def draw_layers(
    model: CausalModel, config: Config, rng: np.random.Generator
) -> dict[str, int]:
    """Return for each variable a random layer, after those of all its parents.

    A layer is drawn evenly among those that are left by the variables before it, and
    that leave enough for the variables after it. Where heads run out, all are drawn
    again; after many draws without success the first layers are taken.

    Raises:
        InputError: the transformer is too small even for the first layers.
    """
    last = _last_times(model, config.n_layers)
    for _ in range(_DRAWS):
        layers: dict[str, int] = {}
        for variable in computed_variables(model):
            parents = [p.source for p in variable.parents if p.source in layers]
            ready = [_time(_kind(model, p), layers[p]) for p in parents]
            free = [
                layer
                for layer in range(variable.layer, config.n_layers)
                if max(ready, default=-1)
                < _time(variable.kind, layer)
                <= last[variable.name]
                and _heads_in(model, layers, layer) + (variable.kind == "head")
                <= config.n_heads
            ]
            if not free:
                break
            layers[variable.name] = int(rng.choice(free))
        if len(layers) == len(computed_variables(model)):
            return layers
    return first_layers(model, config)


_DRAWS = 200


def _time(kind: str, layer: int) -> int:
    """Return when a component runs: the heads of a layer, then its MLP, and so on."""
    return 2 * layer + (kind == "mlp")


def _last_times(model: CausalModel, n_layers: int) -> dict[str, int]:
    """Return for each variable the last time that leaves room for what reads it."""
    last: dict[str, int] = {}
    for variable in reversed(model.variables):
        if variable.kind == "logits":
            last[variable.name] = 2 * n_layers
            continue
        readers = [
            last[v.name]
            for v in model.variables
            if any(p.source == variable.name for p in v.parents)
        ]
        limit = min(readers, default=2 * n_layers) - 1
        fits = limit % 2 == (variable.kind == "mlp")
        last[variable.name] = limit if fits else limit - 1
    return last


def _kind(model: CausalModel, name: str) -> str:
    return next(v.kind for v in model.variables if v.name == name)


def _heads_in(model: CausalModel, layers: Mapping[str, int], layer: int) -> int:
    """Return how many heads of a layer are taken."""
    return sum(
        v.kind == "head" and layers.get(v.name) == layer for v in model.variables
    )


def _check_rotary(model: CausalModel, variable: CausalVariable, parent: Parent) -> None:
    """Raise InputError unless a rotary model can do without an edge from positions.

    A rotary head compares positions by itself. Nothing tells it, or an MLP, which
    position it is at.
    """
    if parent.slot not in ("q", "k"):
        raise InputError(
            f"{model.name}: {variable.name!r} is computed from the position itself "
            f"(slot {parent.slot!r}), and rotary positions only tell how far two "
            'positions are apart. Train it with positions="learned".'
        )


def _circuit(model: CausalModel, config: Config, node: Mapping[str, str]) -> Circuit:
    carries: dict[Edge, list[str]] = {}
    for variable in model.variables:
        for parent in variable.parents:
            if config.positions == "rotary" and parent.source == "positions":
                _check_rotary(model, variable, parent)
                continue
            source = node.get(parent.source, parent.source)
            at = node.get(variable.name, "logits")
            reader = at if parent.slot == "in" else f"{at}<{parent.slot}>"
            carries.setdefault(Edge(source, reader), []).append(parent.source)
    if model.output in node:
        edge = Edge(node[model.output], "logits")
        carries.setdefault(edge, []).append(model.output)
    sites = {name: Site(where) for name, where in node.items()}
    sites |= {name: Site(name) for name in ("tokens", "positions")}
    return Circuit(
        names=config.names,
        edges=tuple(carries),
        sites=sites,
        carries={e: tuple(dict.fromkeys(v)) for e, v in carries.items()},
    )
