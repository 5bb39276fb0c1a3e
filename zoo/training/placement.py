"""Which node of the transformer computes each variable, and the resulting circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from compiler.errors import InputError
from compiler.machine.circuit import Circuit, Site
from compiler.machine.config import Config
from compiler.machine.names import Edge
from zoo.causal.model import CausalModel
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
        causal=model.causal,
        bos_id=model.bos_id,
        pad_id=model.pad_id,
    )


def place(model: CausalModel, config: Config, recipe: Recipe) -> Placement:
    """Return a node for each variable, in the layer that the variable asks for.

    Each variable of a head gets a head of its own. Variables that MLPs compute share
    the MLP of their layer.

    Raises:
        InputError: the transformer is too small; names the variable without a place.
    """
    rng = np.random.default_rng(recipe.seed)
    order = [
        rng.permutation(config.n_heads)
        if recipe.placement == "random"
        else np.arange(config.n_heads)
        for _ in range(config.n_layers)
    ]
    used = [0] * config.n_layers
    node: dict[str, str] = {}
    for variable in model.variables:
        if variable.layer >= config.n_layers:
            raise InputError(
                f"{model.name}: {variable.name!r} needs layer {variable.layer}, and "
                f"the model has {config.n_layers}. Raise n_layers."
            )
        if variable.kind == "mlp":
            node[variable.name] = f"m{variable.layer}"
            continue
        if used[variable.layer] == config.n_heads:
            raise InputError(
                f"{model.name}: no head of layer {variable.layer} is left for "
                f"{variable.name!r}; all {config.n_heads} are taken. Raise n_heads."
            )
        head = order[variable.layer][used[variable.layer]]
        used[variable.layer] += 1
        node[variable.name] = f"a{variable.layer}.h{head}"
    return Placement(node, _circuit(model, config, node))


def _circuit(model: CausalModel, config: Config, node: Mapping[str, str]) -> Circuit:
    carries: dict[Edge, list[str]] = {}
    for variable in model.variables:
        for parent in variable.parents:
            source = node.get(parent.source, parent.source)
            at = node[variable.name]
            reader = at if parent.slot == "in" else f"{at}<{parent.slot}>"
            carries.setdefault(Edge(source, reader), []).append(parent.source)
    carries.setdefault(Edge(node[model.output], "logits"), []).append(model.output)
    sites = {name: Site(where) for name, where in node.items()}
    sites |= {name: Site(name) for name in ("tokens", "positions")}
    return Circuit(
        names=config.names,
        edges=tuple(carries),
        sites=sites,
        carries={e: tuple(dict.fromkeys(v)) for e, v in carries.items()},
    )
