"""`zoo show` in 80 columns, and a drawing that can be read back into the circuit."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from functools import cache

import pytest

import zoo
from compiler.machine.circuit import Circuit
from compiler.machine.names import Edge
from compiler.model import Model
from compiler.rasp import EQ, Aggregate, Select, indices, length, tokens
from zoo.description import (
    show_heading,
    show_model,
    show_schedule,
    show_sizes,
    show_variables,
)
from zoo.wires import draw_wires

# Long names, long definitions, many wires; fractions and tuples as values.
PROGRAMS = (
    "identity",
    "reverse",
    "sort",
    "dyck1_ptf",
    "acronym",
    "stack_manipulation",
    "tangent",
    "running_first_unique_token",
    "key_value_lookup",
    "in_context_bigram_mode",
)


@cache
def model_of(name: str) -> Model:
    return zoo.compile(name)


def read_drawing(lines: list[str]) -> Iterator[Edge]:
    """Yield the edges that a drawing shows, from its characters alone."""
    rows = [line.split()[0] for line in lines]
    start = lines[0].index(rows[0]) + max(map(len, rows)) + 2
    cells = [[line[i : i + 4] for i in range(start, len(line), 4)] for line in lines]
    owner = {
        row.index(cell): node
        for node, row in zip(rows, cells, strict=True)
        for cell in row
        if cell.startswith("●")
    }
    assert sorted(owner) == list(range(len(owner))), "every column has one dot"
    for node, row in zip(rows, cells, strict=True):
        for column, cell in enumerate(row[: len(owner)]):
            for sign in cell.strip("●─│┼ "):
                reader = node if sign == "r" else f"{node}<{sign}>"
                yield Edge(owner[column], reader)


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_drawing_shows_exactly_the_circuit(name: str):
    circuit = model_of(name).circuit
    shown = list(read_drawing(draw_wires(circuit)))
    assert len(shown) == len(set(shown))
    assert set(shown) == set(circuit.edges)


def test_the_drawing_of_a_wire_less_is_another(name: str = "sort"):
    """The reader above is no tautology: it misses what is not drawn."""
    circuit = model_of(name).circuit
    less = Circuit(circuit.names, circuit.edges[1:])
    assert set(read_drawing(draw_wires(less))) == set(circuit.edges[1:])


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("width", [60, 80, 120])
def test_every_line_of_the_drawing_fits(name: str, width: int):
    assert max(map(len, draw_wires(model_of(name).circuit, width))) <= width


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_line_of_ours_is_longer_than_80(name: str):
    model = model_of(name)
    text = textwrap.dedent(str(model.facts["source"])).splitlines()
    authors = {f"  {line}".rstrip() for line in text}
    lines = show_model(model, None, 80)
    assert [ln for ln in lines if len(ln) > 80 and ln not in authors] == []
    assert authors <= set(lines), "what the author wrote is never cut"
    assert all(ln == ln.rstrip() for ln in lines)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_variable_has_its_row_and_its_place(name: str):
    model = model_of(name)
    heads = {
        ln.split()[0]: ln
        for ln in show_variables(model, 80)
        if ln.startswith("  ") and ln[2] != " "
    }
    schedule = "\n".join(show_schedule(model, 80))
    for variable in model.typed.variables:
        row = heads[variable.name]
        site = model.sites.get(variable.name)
        where = "constant" if site is None else f"at {site.node}"
        assert row.endswith("constant") if site is None else f" {where}" in row
        assert site is None or variable.name in schedule


def test_a_domain_that_does_not_fit_is_counted():
    values = [letter * 40 for letter in "abcd"]
    model = zoo.compile(tokens, vocab=values, max_len=2)
    row = next(ln for ln in show_variables(model, 80) if ln.startswith("  tokens"))
    assert "{4 values}" in row
    assert all(repr(v) in "".join(show_variables(model, 400)) for v in values)


def test_a_note_is_a_sentence():
    notes = [ln for ln in show_variables(model_of("sort"), 400) if "Note" in ln]
    assert [f"  Note: {note}." for note in model_of("sort").typed.notes] == notes


def test_the_sizes_are_those_of_the_model():
    model = model_of("sort")
    rows = {ln[2:15].strip(): ln[15:].split()[0] for ln in show_sizes(model, None)}
    config, circuit = model.config, model.circuit
    assert {name: int(text.replace(",", "")) for name, text in rows.items()} == {
        "layers": config.n_layers,
        "heads a layer": config.n_heads,
        "d_model": config.d_model,
        "d_head": config.d_head,
        "hidden units": config.d_mlp,
        "parameters": sum(w.size for w in model.weights),
        "circuit edges": len(circuit.edges),
        "circuit nodes": len(circuit.nodes),
    }


def test_what_is_outside_the_circuit_is_named_and_not_drawn():
    model = zoo.compile("sort", [1, 2, 3], 4, decoys=2)
    lines = show_model(model, None, 80)
    text = " ".join(" ".join(lines).partition("Outside the circuit: ")[2].split())
    outside = set(model.config.names.sources) - set(model.circuit.nodes)
    assert outside
    assert all(node in text.partition(" SIZES")[0] for node in outside)
    drawn = {line.split()[0] for line in draw_wires(model.circuit)}
    assert drawn == {*model.circuit.nodes, "logits"}


def test_an_expression_without_a_name_is_shown_by_its_text() -> None:
    opposite = Select(indices, length - 1 - indices, EQ)
    model = zoo.compile(Aggregate(opposite, tokens), "ab", 3)
    text = "unique(key indices == query ((length - 1) - indices), tokens)"
    assert model.name == "expression"
    assert show_heading(model)[0] == text
    named = zoo.compile(Aggregate(opposite, tokens).named("reversed"), "ab", 3)
    assert show_heading(named)[0] == "reversed"
