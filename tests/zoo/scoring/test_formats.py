from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from compiler.errors import FormatError, InputError, NameLookupError, ZooError
from compiler.machine.names import Names
from zoo.cases.levels import Level
from zoo.cases.scores import Scores
from zoo.scoring.formats import read_scores, to_eap, to_matrix

NAMES = Names(2, 3)


@pytest.fixture
def scores() -> Scores:
    """A different number for every edge, the same for both embeddings."""
    level = Level(NAMES, "qkv", merged=True)
    return Scores(level, np.random.default_rng(1).normal(size=len(level.items)))


def in_auto_circuit(item: str) -> str:
    """Spell an edge as auto-circuit does, by rewriting the text."""
    source, _, reader = item.partition("->")

    def spell(end: str, other: str) -> str:
        if end in ("input", "logits"):
            return other
        if end.startswith("m"):
            return f"MLP {end[1:]}"
        layer, head = end[1:].split(".h")
        head, _, slot = head.partition("<")
        return f"A{layer}.{head}" + (f".{slot[0].upper()}" if slot else "")

    return f"{spell(source, 'Resid Start')}->{spell(reader, 'Resid End')}"


def as_file(path: Path, data: Any) -> Path:
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def every_format(scores: Scores, tmp: Path) -> dict[str, Any]:
    by_name = scores.to_dict()
    graph = nx.MultiDiGraph()
    for item, value in by_name.items():
        source, _, reader = item.partition("->")
        graph.add_edge(source, reader.partition("<")[0], key=reader, score=value)
    rows = "edge,score\n" + "\n".join(f"{k},{v!r}" for k, v in by_name.items())
    np.save(tmp / "matrix.npy", to_matrix(scores))
    rank = {name: i for i, name in enumerate(("input", *NAMES.sources[2:]))}
    modules: dict[str, Any] = {}
    for item, value in by_name.items():
        source, _, reader = item.partition("->")
        hook, head = NAMES.reader_hook(reader)
        shape = () if head is None else (NAMES.n_heads,)
        count = len([i for i in by_name if i.endswith(f"->{reader}")])
        array = modules.setdefault(hook, np.zeros((*shape, count)))
        array[rank[source] if head is None else (head, rank[source])] = value
    return {
        "dict": by_name,
        "ours": json.loads(json.dumps(scores.to_json())),
        "file": as_file(tmp / "scores.json", scores.to_json()),
        "eap": json.loads(json.dumps(to_eap(scores, 5))),
        "auto-circuit": {in_auto_circuit(k): v for k, v in by_name.items()},
        "matrix": to_matrix(scores),
        "matrix of MIB": {"edges_scores": to_matrix(scores)},
        "npy": tmp / "matrix.npy",
        "vector": scores.values,
        "graph": graph,
        "prune scores of auto-circuit": modules,
        "csv": as_file(tmp / "scores.csv", rows),
    }


@pytest.mark.parametrize(
    "format",
    [
        "dict",
        "ours",
        "file",
        "eap",
        "auto-circuit",
        "matrix",
        "matrix of MIB",
        "npy",
        "vector",
        "graph",
        "prune scores of auto-circuit",
        "csv",
    ],
)
def test_every_format_is_read_back_the_same(
    scores: Scores, tmp_path: Path, format: str
) -> None:
    read = read_scores(NAMES, every_format(scores, tmp_path)[format])
    assert read.level == scores.level
    assert np.array_equal(read.values, scores.values)


def test_an_array_like_a_mask_is_read() -> None:
    array = np.random.default_rng(0).normal(size=NAMES.visible.shape)
    read = read_scores(NAMES, array)
    assert (
        read["m0->a1.h2<k>"]
        == array[NAMES.edge_index(NAMES.parse_edge("m0->a1.h2<k>"))]
    )


def test_the_hooks_of_acdc_are_read() -> None:
    entries = {
        (tuple(NAMES.reader_hook(e.reader)), tuple(NAMES.source_hook(e.source))): i % 2
        for i, e in enumerate(NAMES.edges)
    }
    read = read_scores(NAMES, {key: bool(v) for key, v in entries.items()})
    assert read.to_dict() == {str(e): float(i % 2) for i, e in enumerate(NAMES.edges)}


def test_a_matrix_has_the_columns_of_the_published_formula(scores: Scores) -> None:
    matrix, n_heads = to_matrix(scores), 3
    for layer in range(2):
        for head in range(n_heads):
            row = 1 + layer * (n_heads + 1) + head
            column = layer * (3 * n_heads + 1) + 1 * n_heads + head  # k
            assert matrix[0, column] == scores[f"input->a{layer}.h{head}<k>"]
            assert matrix[row, -1] == scores[f"a{layer}.h{head}->logits"]
        mlp = layer * (3 * n_heads + 1) + 3 * n_heads
        assert matrix[0, mlp] == scores[f"input->m{layer}"]


def test_eap_files_say_which_edges_and_nodes_are_in_the_graph(scores: Scores) -> None:
    written = to_eap(scores, 4, d_model=8)
    best = sorted(scores.to_dict().items(), key=lambda pair: -pair[1])[:4]
    inside = {name for name, edge in written["edges"].items() if edge["in_graph"]}
    assert inside == {name for name, _ in best}
    assert written["cfg"] == {
        "n_layers": 2,
        "n_heads": 3,
        "parallel_attn_mlp": False,
        "d_model": 8,
    }
    nodes = {name for name, node in written["nodes"].items() if node["in_graph"]}
    ends = {end.partition("<")[0] for name in inside for end in name.split("->")}
    assert nodes == ends


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda d: {**d, "m0->a1.h2": 1.0}, NameLookupError, "'m0->a1.h2<"),
        (lambda d: {**d, "m0->m1": float("nan")}, InputError, "m0->m1 is NaN"),
        (lambda d: {**d, "m0->m1": "big"}, InputError, "m0->m1 has 'big'"),
        (lambda d: {**d, "m0->m1": None}, InputError, "m0->m1 has None"),
        (lambda d: dict(list(d.items())[3:]), InputError, "3 of 75 items.*missing=0.0"),
        (lambda d: {}, InputError, "there is not one"),
        (lambda d: np.zeros((4, 9)), InputError, r"\(4, 9\).*\[reader, source\]"),
        (lambda d: np.zeros(479), InputError, "479 numbers.*another"),
        (
            lambda d: {"cfg": {"n_layers": 12, "n_heads": 12}, "edges": d},
            InputError,
            "12 layers of 12 heads, and the model has 2 of 3",
        ),
        (
            lambda d: {"blocks.1.hook_mlp_in": np.zeros((9, 5))},
            InputError,
            r"hook_mlp_in has the shape \(9, 5\), expected \(8,\)",
        ),
        (lambda d: Path("nowhere.json"), FormatError, "no such file"),
        (lambda d: 3, InputError, "found a int, expected a dict"),
    ],
)
def test_scores_that_cannot_be_read_say_why(
    scores: Scores, spoil: Any, error: type[ZooError], words: str
) -> None:
    with pytest.raises(error, match=words):
        read_scores(NAMES, spoil(scores.to_dict()))


def test_what_is_missing_takes_what_the_policy_says(scores: Scores) -> None:
    some = dict(list(scores.to_dict().items())[3:])
    assert read_scores(NAMES, some, missing=-7.0).values[:3].tolist() == [-7.0] * 3
    lowest = read_scores(NAMES, some, missing="lowest")
    assert set(lowest.values[:3]) == {min(some.values())}
    assert lowest.filled == 3


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "cannot be read as .json"),
        ("a.csv", "edge,score\na->b", "row 1 has 1 cell"),
        ("a.csv", "m0->m1,1\nm0->m1,2", "scored twice"),
        ("a.txt", "", ".json, .csv, .npy, .pt"),
    ],
)
def test_damaged_files_say_what_is_wrong(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    with pytest.raises(FormatError, match=words):
        read_scores(NAMES, as_file(tmp_path / name, text))


@pytest.mark.parametrize("kind", ["qkv", "head", "node"])
@pytest.mark.parametrize("merged", [False, True])
def test_what_is_written_is_read_back(kind: str, merged: bool, tmp_path: Path) -> None:
    level = Level(NAMES, kind, merged)
    values = np.random.default_rng(2).normal(size=len(level.items)) / 3
    scores = Scores(level, values)
    scores.to_csv(tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_bytes().count(b"\n") == len(scores) + 1
    given: list[Any] = [tmp_path / "scores.csv"]
    if kind == "node":
        with pytest.raises(InputError, match="scores of nodes"):
            scores.to_networkx()
    else:
        graph = scores.to_networkx()
        assert graph.number_of_edges() == len(scores)
        given += [graph, nx.parse_graphml("\n".join(nx.generate_graphml(graph)))]
    for form in given:
        read = read_scores(NAMES, form)
        assert read.level == level
        assert np.array_equal(read.values, values)


def test_the_edges_of_a_graph_end_in_nodes(scores: Scores) -> None:
    graph = scores.to_networkx()
    assert graph.edges["m0", "a1.h2", "a1.h2<k>"]["score"] == scores["m0->a1.h2<k>"]
    assert set(graph) == {"input", *NAMES.sources[2:], "logits"}


def test_a_file_of_mib_is_written_back_equal(scores: Scores, tmp_path: Path) -> None:
    first = tmp_path / "first.json"
    first.write_text(json.dumps(to_eap(scores, 7, d_model=8), indent=1))
    read = read_scores(NAMES, first)
    second = tmp_path / "second.json"
    second.write_text(json.dumps(to_eap(read, 7, d_model=8), indent=1))
    assert second.read_bytes() == first.read_bytes()
    matrix = to_matrix(scores)
    assert np.array_equal(to_matrix(read_scores(NAMES, matrix)), matrix)


# Graphs of EAP-IG and MIB ----------------------------------------------------------


def empty_graph() -> dict[str, Any]:
    """Return a graph as EAP-IG saves one that nobody scored."""
    level = Level(NAMES, "qkv", merged=True)
    return json.loads(json.dumps(to_eap(Scores(level, np.zeros(len(level.items))))))


def test_scores_of_nodes_in_an_eap_file_are_scores_of_nodes() -> None:
    graph = empty_graph()
    expected = {}
    for place, (name, entry) in enumerate(graph["nodes"].items()):
        entry["score"] = place - 3.0
        expected[name] = place - 3.0
    del expected["logits"]
    read = read_scores(NAMES, graph)
    assert read.level == Level(NAMES, "node", merged=True)
    assert read.to_dict() == expected and not read.is_circuit
    del graph["edges"]
    assert read_scores(NAMES, graph).to_dict() == expected


def test_a_node_that_nobody_scored_is_missing() -> None:
    graph = empty_graph()
    for name in NAMES.sources[2:]:
        graph["nodes"][name]["score"] = 0.5
    graph["nodes"]["m0"]["score"] = float("nan")
    with pytest.raises(InputError, match="m0"):
        read_scores(NAMES, graph)
    assert read_scores(NAMES, graph, missing=0.0)["m0"] == 0.0


def test_scores_of_neurons_are_refused_with_what_to_do() -> None:
    graph = empty_graph()
    for entry in graph["nodes"].values():
        entry |= {"neurons": [True] * 4, "neurons_scores": [0.1] * 4}
    with pytest.raises(InputError, match=r"scores neurons.*Make one number of each"):
        read_scores(NAMES, graph)


def test_what_is_only_in_the_graph_is_a_circuit() -> None:
    graph = empty_graph()
    for name in ("input->m0", "m0->logits"):
        graph["edges"][name]["in_graph"] = True
    read = read_scores(NAMES, graph)
    assert read.is_circuit and read.level.kind == "qkv"
    chosen = {name for name, value in read.to_dict().items() if value}
    assert chosen == {"input->m0", "m0->logits"}
    assert read_scores(NAMES, read.to_json()).is_circuit
    for entry in graph["edges"].values():
        del entry["score"]
    assert read_scores(NAMES, graph).to_dict() == read.to_dict()


def test_a_circuit_of_nodes_is_read_where_edges_say_nothing() -> None:
    graph = empty_graph()
    graph["nodes"]["a0.h1"]["in_graph"] = True
    read = read_scores(NAMES, graph)
    assert read.is_circuit and read.level.kind == "node"
    assert [n for n, v in read.to_dict().items() if v] == ["a0.h1"]


@pytest.mark.parametrize("inside", [True, False])
def test_a_graph_without_scores_or_choice_is_refused(inside: bool) -> None:
    graph = empty_graph()
    for entry in graph["edges"].values():
        entry["in_graph"] = inside
    with pytest.raises(InputError, match="nothing is ranked and nothing is chosen"):
        read_scores(NAMES, graph)


def test_pt_dicts_are_read_by_the_names_of_their_rows(scores: Scores) -> None:
    matrix = to_matrix(scores)
    rows = ["input", *NAMES.sources[2:]]
    held = {
        "cfg": {"n_layers": 2, "n_heads": 3},
        "src_nodes": rows[::-1],
        "edges_scores": matrix[::-1],
        "edges_in_graph": matrix[::-1] > 0,
        "nodes_in_graph": np.ones(len(rows), bool),
    }
    read = read_scores(NAMES, held)
    assert np.array_equal(read.values, scores.values) and not read.is_circuit
    held["edges_scores"] = 0 * matrix
    assert read_scores(NAMES, held).is_circuit
    nodes = np.arange(len(rows)) + 0.5
    held["nodes_scores"] = nodes
    read = read_scores(NAMES, held)
    assert read.to_dict() == dict(zip(rows[::-1], nodes.tolist(), strict=True))
    with pytest.raises(InputError, match="another architecture"):
        read_scores(NAMES, {**held, "src_nodes": rows[:-1]})
    with pytest.raises(InputError, match="3 layers of 3"):
        read_scores(NAMES, {**held, "cfg": {"n_layers": 3, "n_heads": 3}})


def test_truth_values_are_a_circuit() -> None:
    mask = np.zeros(NAMES.visible.shape, bool)
    mask[NAMES.edge_index(NAMES.parse_edge("m0->logits"))] = True
    assert read_scores(NAMES, mask).is_circuit
    assert not read_scores(NAMES, mask.astype(float)).is_circuit
    named = {str(edge): str(edge) == "m0->logits" for edge in NAMES.edges}
    assert read_scores(NAMES, named).is_circuit


def test_scores_of_nodes_in_a_networkx_graph() -> None:
    graph: Any = nx.DiGraph([("m0", "m1")])
    for place, name in enumerate(NAMES.sources):
        graph.add_node(name, score=float(place))
    assert read_scores(NAMES, graph).level.kind == "node"
