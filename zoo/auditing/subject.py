"""The subject of an audit: a transformer, its causal model and its circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

import programs
from compiler.errors import InputError
from compiler.lower.readout import Readout
from compiler.machine.circuit import Circuit
from compiler.machine.config import Config
from compiler.machine.transformer import Transformer
from compiler.machine.weights import Weights
from compiler.model import Model
from compiler.passes.check import Accepts
from zoo import tasks
from zoo.auditing.claims import TRAINED_CLAIMS, thresholds
from zoo.causal.by_hand import fitting, task_of
from zoo.causal.model import CausalModel, Task
from zoo.causal.outputs import unscaled
from zoo.causal.saved import tabular_of
from zoo.causal.superposed import superposed_of
from zoo.causal.tabular import TabularModel


@dataclass(frozen=True, eq=False)
class Group:
    """Variables that can only be interchanged together.

    Attributes:
        variables: indices into the causal model's variables.
        name: the names of the variables, joined by commas.
        source: index of the source that writes them.
        directions: [d_model] which named directions belong to them; None for everything
            that the source writes.
    """

    variables: tuple[int, ...]
    name: str
    source: int
    directions: Bool[np.ndarray, " d_model"] | None


@dataclass(frozen=True, eq=False)
class Subject:
    """The claim that these weights compute this causal model by this circuit.

    Attributes:
        name: name of the program.
        causal: the causal model that the transformer should compute.
        config: the transformer's shape.
        weights: its arrays; where the output is a number, logit 0 is that number.
        readout: how logits are turned into values of the output.
        circuit: the claimed circuit.
        groups: the variables, grouped by where they are written.
        basis: [d_model, d_model] rows are the named directions; None where these are
            the axes of the stream.
        claims: by name, the share of outputs, in [0, 1], that each claim has to reach.
        facts: further facts about the program.
    """

    name: str
    causal: CausalModel
    config: Config
    weights: Weights
    readout: Readout
    circuit: Circuit
    groups: tuple[Group, ...]
    basis: Float[np.ndarray, "d_model d_model"] | None
    claims: Mapping[str, float]
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def transformer(self) -> Transformer:
        """The configuration and the arrays as one value, a pytree."""
        return Transformer(self.config, self.weights)

    @property
    def outside(self) -> Bool[np.ndarray, "reader source"]:
        """Entries of an edge mask that are in the transformer, not in the circuit."""
        return self.config.names.visible & ~self.circuit.mask()

    @property
    def others(self) -> Int[np.ndarray, " node"]:
        """Indices of the heads and MLPs that are no node of the circuit."""
        names = self.config.names.sources
        return np.array(
            [i for i, n in enumerate(names) if i > 1 and n not in self.circuit.nodes],
            dtype=np.int64,
        )

    def node_masks(self) -> dict[str, Bool[np.ndarray, "reader source"]]:
        """Return the edges out of each head and MLP that is no node of the circuit."""
        names = self.config.names
        columns = np.arange(len(names.sources))
        return {names.sources[n]: names.visible & (columns == n) for n in self.others}


@runtime_checkable
class Trained(Protocol):
    """A finished training, as `zoo.training.outcome.Result` is."""

    @property
    def causal(self) -> CausalModel:
        """The causal model that it was trained on."""
        ...

    @property
    def config(self) -> Config:
        """The transformer's shape."""
        ...

    @property
    def weights(self) -> Weights:
        """Its arrays; where the output is a number, logit 0 is its place in 0..1."""
        ...

    @property
    def circuit(self) -> Circuit:
        """The circuit that is claimed."""
        ...

    @property
    def model(self) -> Model:
        """The same as a model, where the causal model has words for its tokens."""
        ...


def subject_of(model: Model | Trained, causal: Task | None = None) -> Subject:
    """Return the subject of an audit of a compiled, loaded or trained model.

    Args:
        model: the model to audit.
        causal: the causal model that it should compute, if that is neither a program
            nor a task of the zoo.

    Raises:
        InputError: the circuit has variables that the causal model does not have.
    """
    if not isinstance(model, Model):
        return _subject_of_training(model)
    held_to = causal_of(model) if causal is None else fitting(causal, model)
    return Subject(
        name=model.name,
        causal=held_to,
        config=model.config,
        weights=model.weights,
        readout=model.readout,
        circuit=model.circuit,
        groups=groups_of(held_to, model.circuit, model.basis),
        basis=model.basis,
        claims=thresholds(str(model.facts.get("kind", "compiled"))),
        facts=model.facts,
    )


def causal_of(model: Model) -> TabularModel | Task:
    """Return the causal model of a saved model: its program, or the task it names.

    Raises:
        InputError: it names a causal model that somebody wrote by hand elsewhere.
    """
    if (superposed := superposed_of(model)) is not None:
        return superposed
    name = task_of(model)
    if name is None:
        return tabular_of(model, accepts_of(model))
    if name not in tasks.all_tasks():
        raise InputError(
            f"{model.name}: its causal model {name!r} was written by hand, and is no "
            "task of the zoo. Give it: zoo.audit(model, causal=...)"
        )
    return fitting(tasks.find(name), model)


def _subject_of_training(result: Trained) -> Subject:
    source, circuit = result.causal, result.circuit
    if isinstance(source, TabularModel):
        return subject_of(result.model)
    if isinstance(source, Task):
        return subject_of(result.model, source)
    return Subject(
        name=source.name,
        causal=source,
        config=result.config,
        weights=unscaled(result.weights, source.readout),
        readout=source.readout,
        circuit=circuit,
        groups=groups_of(source, circuit, None),
        basis=None,
        claims=TRAINED_CLAIMS,
    )


def accepts_of(model: Model) -> Accepts | None:
    """Return which inputs a model is for: as it says, or the library's program.

    The predicate is code and is in no saved model.
    """
    if (superposed := superposed_of(model)) is not None:
        return superposed.accepts
    found = programs.program_of(model.name, model.facts.get("family"))
    return model.accepts if found is None else found.accepts


def has_program(model: Model) -> bool:
    """Return whether a model was made of the library's program of its name."""
    return programs.program_of(model.name, model.facts.get("family")) is not None


def groups_of(
    causal: CausalModel, circuit: Circuit, basis: np.ndarray | None
) -> tuple[Group, ...]:
    """Return the variables by site: a subspace each, or all of one node together."""
    place = {v.name: i for i, v in enumerate(causal.variables)}
    sites = {
        name: site
        for name, site in circuit.sites.items()
        if site.node not in ("tokens", "positions")
    }
    if missing := sorted(set(sites) - set(place)):
        raise InputError(
            f"{causal.name}: the circuit has a variable {missing[0]!r}, and the "
            f"program has {', '.join(place)}. The two do not belong together"
        )
    whole: dict[str, list[str]] = {}
    groups = []
    for name, site in sites.items():
        source = circuit.names.source_index(site.node)
        if site.basis is None:
            whole.setdefault(site.node, []).append(name)
            continue
        size = site.basis.shape[1]
        axes = np.eye(size) if basis is None else basis
        directions = np.abs(axes @ site.basis.T).max(axis=1) > 0.5
        groups.append(Group((place[name],), name, source, directions))
    for node, names in whole.items():
        source = circuit.names.source_index(node)
        indices = tuple(place[n] for n in names)
        groups.append(Group(indices, ", ".join(names), source, None))
    order = [place[name] for name in sites]
    return tuple(sorted(groups, key=lambda g: [order.index(v) for v in g.variables]))
