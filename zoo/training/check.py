"""The figures of a model at one moment of its training, against its thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from zoo.training.recipe import Recipe


@dataclass(frozen=True)
class Check:
    """Accuracies over positions of held-out pairs, fractions in [0, 1].

    Attributes:
        step: number of optimizer steps before the check.
        loss: mean training loss since the last check.
        behaviour: accuracy without a patch.
        interchange: by node of the circuit, accuracy with its variables interchanged.
        nodes: by node outside the circuit, accuracy with the node patched.
        worst_edge: the edge outside the circuit that harms most when patched alone.
        edges: accuracy with that edge patched; None if other figures are so low that
            single edges were not tried.
        all_edges: accuracy with all edges outside the circuit patched at once.
        structured: by group of structured inputs, such as donor inputs of one token
            repeated, accuracy with all edges outside the circuit patched at once.
        ablations: accuracy with the worst node outside the circuit, with all of them,
            or with all edges outside set to zero or to a mean.
        wrong: number of inputs with a wrong output, of those that were searched.
        searched: number of inputs that were searched; 0 if none were.
        adversary: share of pairs that stay right when an adversary chooses which edges
            outside the circuit are patched; None if there was no adversary.
    """

    step: int
    loss: float
    behaviour: float
    interchange: dict[str, float]
    nodes: dict[str, float]
    worst_edge: str
    edges: float | None
    all_edges: float
    structured: dict[str, float] = field(default_factory=dict)
    ablations: dict[str, float] = field(default_factory=dict)
    wrong: int = 0
    searched: int = 0
    adversary: float | None = None

    @property
    def worst_interchange(self) -> float:
        """The worst node of the circuit."""
        return min(self.interchange.values(), default=1.0)

    @property
    def worst_node(self) -> float:
        """The worst node outside the circuit."""
        return min(self.nodes.values(), default=1.0)

    @property
    def worst_all_edges(self) -> float:
        """The accuracy with all edges outside patched, in the worst group of inputs."""
        return min(self.all_edges, *self.structured.values(), 1.0)

    @property
    def worst_ablation(self) -> float:
        """The worst of the ablations by constants."""
        return min(self.ablations.values(), default=1.0)

    @property
    def right_inputs(self) -> float:
        """The share of inputs all of whose outputs are right, of those searched."""
        return 1.0 - self.wrong / self.searched if self.searched else 1.0

    def passes(self, recipe: Recipe) -> bool:
        """Return whether every worst case meets the recipe's thresholds."""
        return all((found or 0.0) >= least for _, found, least in self.rows(recipe))

    def rows(self, recipe: Recipe) -> Iterator[tuple[str, float | None, float]]:
        """Yield (name, figure, threshold) of all figures that a recipe asks for."""
        edges = recipe.edges_at_least
        yield "behaviour", self.behaviour, recipe.behaviour_at_least
        if self.searched:
            yield "inputs", self.right_inputs, recipe.behaviour_at_least
        yield "variables", self.worst_interchange, recipe.interchange_at_least
        yield "nodes", self.worst_node, recipe.nodes_at_least
        yield "edges", self.edges, edges
        yield "all edges", self.worst_all_edges, edges
        if recipe.ablations_at_least:
            yield "ablations", self.worst_ablation, recipe.ablations_at_least
        if recipe.adversary_at_least:
            yield "adversary", self.adversary, recipe.adversary_at_least
