"""Circuits come back from the files of other tools, as far as those can carry them."""

from __future__ import annotations

import json

import networkx as nx
import pytest

from compiler.errors import FormatError, NameLookupError
from compiler.interchange.graphs import (
    from_auto_circuit,
    merged,
    read_eap_ig_json,
    read_graphml,
)
from compiler.machine.names import Names, merge_input
from tests.compiler.interchange.models import compiled

MODEL = compiled("reverse")


def test_a_graph_of_eap_ig_has_every_edge_and_says_which_are_true(tmp_path):
    MODEL.to_eap_ig_json(path := tmp_path / "graph.json")
    data = json.loads(path.read_text())
    config, names = MODEL.config, MODEL.config.names
    assert data["cfg"] == {
        "n_layers": config.n_layers,
        "n_heads": config.n_heads,
        "d_model": config.d_model,
        "parallel_attn_mlp": False,
    }
    assert list(data["nodes"]) == ["input", *names.sources[2:], "logits"]
    assert set(data["edges"]) == {str(merge_input(edge)) for edge in names.edges}
    true = {str(merge_input(edge)) for edge in MODEL.circuit.edges}
    assert {name for name, e in data["edges"].items() if e["in_graph"]} == true
    assert all(e["score"] == e["in_graph"] for e in data["edges"].values())
    ends = {node.partition("<")[0] for name in true for node in name.split("->")}
    assert {node for node, e in data["nodes"].items() if e["in_graph"]} == ends


def test_a_graph_of_eap_ig_reads_back(tmp_path):
    MODEL.to_eap_ig_json(path := tmp_path / "graph.json")
    assert read_eap_ig_json(path) == merged(MODEL.circuit)


def test_an_edge_without_a_score_is_read_without_one(tmp_path):
    MODEL.to_eap_ig_json(path := tmp_path / "graph.json")
    data = json.loads(path.read_text())
    data["edges"]["input->m0"]["score"] = None
    path.write_text(json.dumps(data))
    read = read_eap_ig_json(path)
    assert read.edges == merged(MODEL.circuit).edges
    assert "input->m0" not in map(str, read.scores)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"cfg": {"n_layers": 1, "n_heads": 1}, "edges": {"m0": 3}}'],
)
def test_another_file_is_no_graph_of_eap_ig(tmp_path, text):
    (path := tmp_path / "graph.json").write_text(text)
    with pytest.raises(FormatError, match="no graph of EAP-IG"):
        read_eap_ig_json(path)


def test_an_unknown_edge_is_told_with_the_nearest(tmp_path):
    MODEL.to_eap_ig_json(path := tmp_path / "graph.json")
    path.write_text(path.read_text().replace('"input->m0"', '"inputs->m0"'))
    with pytest.raises(NameLookupError, match="Did you mean 'input->m0'"):
        read_eap_ig_json(path)


@pytest.mark.parametrize(
    ("edge", "name"),
    [
        ("tokens->a0.h1<q>", "Resid Start->A0.1.Q"),
        ("positions->m0", "Resid Start->MLP 0"),
        ("m0->a1.h0<k>", "MLP 0->A1.0.K"),
        ("a0.h1->logits", "A0.1->Resid End"),
    ],
)
def test_auto_circuit_spells_edges_so(edge, name):
    names = Names(2, 2)
    assert names.auto_circuit[merge_input(names.parse_edge(edge))] == name


def test_names_of_auto_circuit_read_back():
    scores = MODEL.to_auto_circuit()
    assert len(scores) == len(MODEL.config.names.merged_edges)
    assert from_auto_circuit(MODEL.config.names, scores) == merged(MODEL.circuit)
    with pytest.raises(NameLookupError, match="no edge is named 'MLP 9->Resid End'"):
        from_auto_circuit(MODEL.config.names, {"MLP 9->Resid End": 1.0})


@pytest.mark.parametrize("name", ["reverse", "sort", "fraction_previous"])
def test_graphml_carries_all_but_subspaces(tmp_path, name):
    model = compiled(name)
    model.to_graphml(path := tmp_path / "circuit.graphml")
    read, circuit = read_graphml(path), model.circuit
    assert (read.names, read.edges) == (circuit.names, circuit.edges)
    assert read.carries == circuit.carries
    nodes = [(variable, site.node) for variable, site in circuit.sites.items()]
    assert [(v, site.node) for v, site in read.sites.items()] == nodes


def test_graphml_is_the_graph_of_the_circuit(tmp_path):
    MODEL.to_graphml(path := tmp_path / "circuit.graphml")
    read, graph = nx.read_graphml(path, force_multigraph=True), MODEL.to_networkx()
    assert set(read.nodes) == set(graph.nodes)
    assert sorted(read.edges(keys=True)) == sorted(graph.edges(keys=True))
    assert read.nodes["m0"]["kind"] == "mlp"


@pytest.mark.parametrize("text", ["", "<a/>", "<graphml><graph/></graphml>", "{"])
def test_another_file_is_no_circuit_in_graphml(tmp_path, text):
    (path := tmp_path / "circuit.graphml").write_text(text)
    with pytest.raises(FormatError, match="no circuit in GraphML"):
        read_graphml(path)
