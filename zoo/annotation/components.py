"""Every head and MLP of a model, explained: `zoo.components` is here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError
from compiler.ir import typed as t
from compiler.machine.circuit import Circuit
from compiler.model import Model
from compiler.passes.wording import definition
from zoo.annotation.code import code_of, table_entries
from zoo.annotation.component import Component, ComponentExample, Wire
from zoo.annotation.roles import role_by_hand, role_of
from zoo.annotation.sentences import NOTHING, sentence_by_hand, sentence_of
from zoo.auditing.subject import causal_of
from zoo.causal.population import Population, populate
from zoo.causal.tabular import TabularModel
from zoo.lookup import open_named

EXAMPLES = 10
INPUTS = 20_000


def components(
    source: str | Path | Model,
    *,
    examples: int = EXAMPLES,
    inputs: int = INPUTS,
    seed: int = 0,
) -> list[Component]:
    """Return what every head and MLP of a model computes, in the order of nodes.

    A node that computes several variables has one component for each, and a node that
    computes none has one without a variable. All of it is emitted from the program and
    the circuit that the model carries; nothing is estimated.

    Args:
        source: a release's name, a folder, a program's name, or a model.
        examples: how many inputs each component shows.
        inputs: how many inputs the shares and examples are taken from: all of them, if
            the model has no more.
        seed: of the choice of inputs.

    Raises:
        NameLookupError: nothing has that name; the nearest are offered.
        InputError: `examples` or `inputs` is below 1, or the model is of a task that
            is not the zoo's.
    """
    if examples < 1:
        raise InputError(f"examples is {examples}; give at least 1")
    model, name = open_named(source)
    found = populate(causal_of(model), inputs, seed)
    return list(_each(model, name, found, examples, seed))


def _each(
    model: Model, label: str, found: Population, examples: int, seed: int
) -> Iterator[Component]:
    circuits = [("circuit", model.circuit)]
    if model.beside is not None:
        circuits.append(("beside", model.beside))
    for node, part in model.config.names.source_parts.items():
        if part.layer is None:
            continue
        place = label, node, part.layer, part.kind
        written = [
            (where, circuit, name)
            for where, circuit in circuits
            for name, site in circuit.sites.items()
            if site.node == node
        ]
        if not written:
            yield Component(*place, "outside", None, None, NOTHING)
        for where, circuit, name in written:
            rows = choose_examples(found.held(name), found.live, examples, seed)
            shown = tuple(
                ComponentExample(
                    tuple(found.words(row)), tuple(found.decoded(name, row))
                )
                for row in rows
            )
            yield Component(
                *place,
                where,
                *_meaning(model, found, name),
                examples=shown,
                reads=_into(circuit, node, found, name),
                read_by=_out_of(circuit, node, name),
            )


def _meaning(model: Model, found: Population, name: str) -> tuple:
    """Return role, variable, sentence, definition, code, values and table."""
    causal = found.causal
    if not isinstance(causal, TabularModel):
        variable = causal.variables[found.index(name)]
        role = role_by_hand(found, variable)
        sentence = sentence_by_hand(variable, causal.meaning)
        text = str(model.facts.get("source", "")) or None
        return role, name, sentence, None, text, _shares(found, name), None
    steps = causal.steps
    variable = steps.variables[steps.index(name)]
    own = model.typed.index(name)
    text = definition(model.typed.variables[own]) if own >= 0 else None
    text = None if text == "input" else text  # `length` is a primitive of the language
    operation = variable.operation
    table = (
        table_entries(steps, variable, operation)
        if isinstance(operation, t.Table)
        else None
    )
    return (
        role_of(steps, variable),
        name,
        sentence_of(steps, variable),
        text,
        code_of(steps, variable),
        _shares(found, name),
        table,
    )


def _shares(found: Population, name: str) -> tuple:
    """Return each value that occurs, with the share of tokens that hold it."""
    held = found.held(name)[found.live]
    held = held[held >= 0]
    counts = np.bincount(held, minlength=len(found.domains[name]))
    return tuple(
        (value, round(float(count / max(len(held), 1)), 6))
        for value, count in zip(found.domains[name], counts, strict=True)
        if count
    )


def choose_examples(
    held: Int[np.ndarray, "input ctx"],
    live: np.ndarray,
    count: int,
    seed: int,
) -> list[int]:
    """Return inputs that together show as many values as possible, the longer first.

    Each next one is an input that shows most values that no earlier one shows; where
    all are shown, the rest is drawn at random.

    Args:
        held: indices of a variable's values, -1 for none.
        live: [input, ctx] which positions hold tokens.
        count: how many inputs.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(len(held))[:2_000]
    order = drawn[np.argsort(-live[drawn].sum(axis=1), kind="stable")]
    size = int(held.max(initial=0)) + 1
    shows = np.zeros((len(order), size + 1), bool)
    np.put_along_axis(shows, held[order], True, axis=1)  # -1 is the last column
    shows = shows[:, :size]
    chosen: list[int] = []
    missing = np.ones(size, bool)
    while len(chosen) < min(count, len(order)):
        gain = (shows & missing).sum(axis=1)
        best = int(gain.argmax())
        if gain[best] == 0:
            break
        chosen.append(int(order[best]))
        missing &= ~shows[best]
    rest = [int(row) for row in drawn if int(row) not in chosen]
    return chosen + rest[: min(count, len(order)) - len(chosen)]


def _into(
    circuit: Circuit, node: str, found: Population, name: str
) -> tuple[Wire, ...]:
    """Return the edges into a node that carry what a variable is computed from."""
    parts = circuit.names.reader_parts
    parents = {p.source for p in found.causal.variables[found.index(name)].parents}
    if "positions" in parents:
        parents.add("indices")
    wires = []
    for edge, carried in circuit.carries.items():
        part = parts[edge.reader]
        own = edge.reader == node or edge.reader.startswith(f"{node}<")
        read = tuple(v for v in carried if v in parents)
        if own and read:
            wires.append(Wire(edge.source, part.slot or "in", read))
    return tuple(wires)


def _out_of(circuit: Circuit, node: str, name: str) -> tuple[Wire, ...]:
    parts = circuit.names.reader_parts
    return tuple(
        Wire(
            edge.reader,
            parts[edge.reader].slot or ("logits" if edge.reader == "logits" else "in"),
            (name,),
        )
        for edge, carried in circuit.carries.items()
        if edge.source == node and name in carried
    )
