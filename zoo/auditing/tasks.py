"""The tasks of a model that computes several programs at once, each as a model.

The logits read the output of each task by itself. So a task has a model of its own: the
same transformer, of which the logits are the task's, with its part of the circuit. What
holds of the task is an ordinary audit, case or score of that model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from compiler.errors import InputError, unknown_name
from compiler.ir import typed as t
from compiler.lower.readout import Readout
from compiler.lower.tuple_logits import of_task
from compiler.machine.circuit import Circuit
from compiler.machine.names import Edge
from compiler.model import Model
from zoo.auditing.subject import Subject, accepts_of, groups_of, subject_of
from zoo.causal.model import CausalModel
from zoo.causal.tabular import TabularModel


def tasks_of(subject: Subject) -> tuple[str, ...]:
    """Return the programs that a model computes all at once; () of any other model."""
    causal = subject.causal
    if not isinstance(causal, TabularModel) or not causal.task_sizes:
        return ()
    return tuple(causal.facts["tasks"])


def subject_of_task(subject: Subject, task: str) -> Subject:
    """Return the subject of an audit of one task.

    Args:
        subject: of the model of several programs that are computed at once.
        task: the name of one of the programs.

    Raises:
        InputError: the model has no tasks.
        NameLookupError: it has no such task; the others are listed.
    """
    names, whole = tasks_of(subject), subject.causal
    if not names or not isinstance(whole, TabularModel):
        raise InputError(f"{subject.name} is no model of several programs at once")
    if task not in names:
        raise unknown_name("task", task, names)
    place, sizes = names.index(task), whole.task_sizes
    facts = _facts_of(subject.facts, subject.name, task)
    steps = None if whole.own_steps is None else _part(whole.own_steps, place)
    causal = TabularModel(_part(whole.typed, place), steps, whole.accepts, facts)
    causal.name = f"{subject.name}:{task}"
    circuit = circuit_within(subject.circuit, causal)
    weights = subject.weights
    return replace(
        subject,
        name=causal.name,
        causal=causal,
        config=replace(subject.config, d_vocab_out=sizes[place]),
        weights=weights._replace(
            W_U=of_task(weights.W_U, place, sizes),
            b_U=of_task(weights.b_U, place, sizes),
        ),
        readout=Readout("classes", causal.readout.values),
        circuit=circuit,
        groups=groups_of(causal, circuit, subject.basis),
        facts=facts,
    )


def model_of_task(model: Model, task: str) -> Model:
    """Return the model of one task: the same transformer with this task's logits.

    Args:
        model: of several programs that are computed at once.
        task: the name of one of the programs.

    Raises:
        InputError: the model has no tasks.
        NameLookupError: it has no such task; the others are listed.
    """
    found = subject_of_task(subject_of(model), task)
    causal = found.causal
    assert isinstance(causal, TabularModel)
    rows = {n: r for n, r in model.rows.items() if n in found.circuit.sites}
    return replace(
        model,
        name=found.name,
        typed=causal.typed,
        steps=causal.own_steps,
        config=found.config,
        weights=found.weights,
        readout=found.readout,
        circuit=found.circuit,
        rows=MappingProxyType(rows),
        facts=found.facts,
        features=None,
        beside=None,
        accepts=accepts_of(model),
    )


def _part(typed: t.Typed, place: int) -> t.Typed:
    """Return one task's part of the program of all."""
    operation = typed.variables[typed.output].operation
    assert isinstance(operation, t.Table)
    return t.prune(replace(typed, output=operation.args[place], extra=()))


def _facts_of(facts: Mapping[str, Any], whole: str, task: str) -> Mapping[str, Any]:
    kept = {k: v for k, v in facts.items() if k not in ("tasks", "source")}
    meaning = f"The output of {task}, computed beside others in {whole}."
    return MappingProxyType({**kept, "meaning": meaning})


def circuit_within(whole: Circuit, causal: CausalModel) -> Circuit:
    """Return the part of a circuit that computes the variables of a causal model."""
    node = {name: site.node for name, site in whole.sites.items()}
    reads = [
        (parent.source, _reader(node[variable.name], parent.slot))
        for variable in causal.variables
        for parent in variable.parents
    ]
    carries: dict[Edge, list[str]] = {}
    for source, reader in [*reads, (causal.output, "logits")]:
        edge = Edge(node.get(source, source), reader)
        carried = whole.carries.get(edge, ())
        names = [n for n in carried if n == source or source == "positions"]
        if edge in whole:
            carries.setdefault(edge, []).extend(names)
    own = {v.name for v in causal.variables} | _GIVEN
    return Circuit(
        names=whole.names,
        edges=tuple(carries),
        sites={name: site for name, site in whole.sites.items() if name in own},
        carries={edge: tuple(dict.fromkeys(n)) for edge, n in carries.items()},
    )


_GIVEN = {"tokens", "positions", "indices"}


def _reader(node: str, slot: str) -> str:
    return node if slot == "in" else f"{node}<{slot}>"
