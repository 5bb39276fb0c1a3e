"""Circuits: their parts in order, as a mask, as a graph, in a file."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.errors import FormatError, InputError, NameLookupError
from compiler.machine.circuit import Circuit, Site
from compiler.machine.names import Edge, Names

NAMES = Names(2, 2)
EDGES = (
    Edge("a0.h1", "logits"),
    Edge("tokens", "a0.h1<k>"),
    Edge("positions", "a0.h1<q>"),
)
SITES = {"letter": Site("tokens", np.eye(6)[:4]), "mean": Site("a0.h1")}
CARRIES = {EDGES[0]: ("mean",), EDGES[1]: ("letter",)}

edge_sets = st.sets(st.sampled_from(NAMES.edges)).map(sorted)


@given(edge_sets)
def test_edges_outside_are_the_rest(edges):
    circuit = Circuit(NAMES, tuple(edges))
    inside, outside = set(circuit.edges), set(circuit.complement())
    assert inside | outside == set(NAMES.edges) and not inside & outside
    assert all(edge in circuit for edge in inside)
    assert not any(edge in circuit for edge in outside)


@given(edge_sets)
def test_mask_marks_the_edges(edges):
    circuit = Circuit(NAMES, tuple(edges))
    marked = [tuple(entry) for entry in np.argwhere(circuit.mask()).tolist()]
    assert marked == [NAMES.edge_index(edge) for edge in circuit.edges]


@given(edge_sets)
def test_circuit_reads_back(edges):
    circuit = Circuit(NAMES, tuple(edges))
    assert Circuit.from_json(json.loads(json.dumps(circuit.to_json()))) == circuit


def test_circuit_with_variables_reads_back_and_pickles():
    circuit = Circuit(NAMES, EDGES, SITES, CARRIES)
    assert Circuit.from_json(json.loads(json.dumps(circuit.to_json()))) == circuit
    assert pickle.loads(pickle.dumps(circuit)) == circuit
    other = SITES | {"mean": Site("a0.h0")}
    assert Circuit(NAMES, EDGES, other, CARRIES) != circuit


def test_parts_are_in_order_whatever_the_order_given():
    circuit = Circuit(NAMES, EDGES, SITES, CARRIES)
    assert circuit == Circuit(NAMES, EDGES[::-1], SITES, CARRIES)
    assert circuit.edges == (EDGES[2], EDGES[1], EDGES[0])
    assert circuit.nodes == ("tokens", "positions", "a0.h1")
    assert circuit.readers == ("a0.h1<q>", "a0.h1<k>", "logits")
    assert circuit.carries[EDGES[2]] == ()


def test_graph_has_nodes_and_one_edge_a_reader():
    graph = Circuit(NAMES, EDGES, SITES, CARRIES).to_networkx()
    assert list(graph) == ["tokens", "positions", "a0.h1", "logits"]
    assert graph.nodes["a0.h1"] == dict(kind="head", layer=0, variables=("mean",))
    key = graph.edges["tokens", "a0.h1", "a0.h1<k>"]
    assert key == dict(slot="k", carries=("letter",))
    assert graph.edges["a0.h1", "logits", "logits"]["slot"] is None


def test_circuit_is_frozen():
    circuit = Circuit(NAMES, EDGES, SITES, CARRIES)
    with pytest.raises(TypeError):
        circuit.carries[EDGES[0]] = ()  # pyright: ignore[reportIndexIssue]
    with pytest.raises(ValueError, match="read-only"):
        circuit.sites["letter"].basis[0, 0] = 2  # pyright: ignore[reportOptionalSubscript]


def test_all_problems_of_a_circuit_come_in_one_error():
    edges = (Edge("m0", "a0.h0<q>"), Edge("token", "m0"), EDGES[0], EDGES[0])
    with pytest.raises(NameLookupError) as error:
        Circuit(NAMES, edges, {"x": Site("m7")}, {EDGES[1]: ("y",)})
    for problem in (
        "6 problem(s)",
        "'a0.h0<q>' reads before 'm0' is written",
        "no source is named 'token'. Did you mean 'tokens'",
        "a0.h1->logits occurs twice",
        "variable 'x' lives at 'm7', which is not a source",
        "tokens->a0.h1<k> carries ('y',), but is no edge of it",
        "tokens->a0.h1<k> carries 'y', which has no site",
    ):
        assert problem in str(error.value)


def test_site_needs_orthonormal_rows():
    with pytest.raises(InputError, match=r"site at m0: .* not orthonormal"):
        Site("m0", np.ones((2, 6)))


def test_file_with_other_keys_is_refused():
    data = Circuit(NAMES, EDGES).to_json()
    data["version"] = 2
    with pytest.raises(FormatError, match="version"):
        Circuit.from_json(data)


def test_describing_a_transformer_does_not_import_jax():
    modules = ("names", "config", "weights", "patch", "circuit")
    imports = ", ".join(f"compiler.machine.{module}" for module in modules)
    check = f"import sys, {imports}; sys.exit('jax' in sys.modules)"
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", check], cwd=root, check=True)


def test_circuits_and_sites_print_on_a_line():
    circuit = Circuit(NAMES, EDGES[:1], SITES)
    edges = len(NAMES.edges)
    assert repr(circuit) == f"<Circuit: 1 edge of {edges}, 2 variables>"
    assert repr(SITES) == "{'letter': Site(tokens, rank 4), 'mean': Site(a0.h1)}"
