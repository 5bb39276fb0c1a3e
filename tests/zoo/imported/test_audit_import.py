"""Files of InterpBench's layout, made here: read without running them, and audited."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import zoo
from compiler.errors import FormatError, InputError, NameLookupError
from compiler.machine.weights import to_tensors
from compiler.model import Model
from zoo.cli import app
from zoo.imported.interpbench import read_interpbench
from zoo.imported.opcodes import read_plain, read_tensors

torch = pytest.importorskip("torch")
DEAD = ("m1", "logits")


@pytest.fixture(scope="module")
def model() -> Model:
    return zoo.compile("reverse", ["a", "b"], 4)


def published(model: Model) -> list[tuple[str, str]]:
    """Return the circuit's edges between nodes, as hooks, and one that is not used."""
    parts = model.config.names.reader_parts
    pairs = {(e.source, parts[e.reader].node) for e in model.circuit.edges}
    return [(hook(a), hook(b)) for a, b in sorted({*pairs, DEAD})]


def hook(node: str) -> str:
    spelled = {"tokens": "hook_embed", "positions": "hook_pos_embed"}
    if node.startswith("a"):
        layer, head = node[1:].split(".h")
        return f"blocks.{layer}.attn.hook_result[{head}]"
    if node.startswith("m"):
        return f"blocks.{node[1:]}.hook_mlp_out"
    return spelled.get(node, "blocks.1.hook_resid_post")


@pytest.fixture(scope="module")
def folder(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(model, tmp_path_factory.mktemp("set") / "11")


def write(model: Model, place: Path) -> Path:
    """Write a model as InterpBench does."""
    place.mkdir()
    config = model.config
    tensors = to_tensors(model.weights, config)
    state = {k: torch.tensor(np.array(a)) for k, a in tensors.items()}
    state["blocks.0.attn.mask"] = torch.ones(5, 5, dtype=torch.bool).tril()
    # A view with strides of its own, as transposed parameters are saved.
    state["unembed.W_U"] = state["unembed.W_U"].T.contiguous().T
    torch.save(state, place / "ll_model.pth")
    names = ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "d_vocab", "n_ctx")
    settings: dict[str, Any] = {name: getattr(config, name) for name in names}
    settings |= {
        "d_vocab_out": config.d_vocab_out,
        "act_fn": "relu",
        "normalization_type": None,
        "attention_dir": "bidirectional",
        "initializer_range": np.float64(0.3),
        "dtype": torch.float32,
    }
    (place / "ll_model_cfg.pkl").write_bytes(pickle.dumps(settings))
    (place / "edges.pkl").write_bytes(pickle.dumps(published(model)))
    return place


def audit(folder: Path, model: Model, **options: Any):
    config = model.config
    return zoo.audit_import(
        folder, bos=config.bos_id, pad=config.pad_id, pairs=64, **options
    )


def test_weights_and_shape_are_those_that_were_written(
    folder: Path, model: Model
) -> None:
    found = read_interpbench(folder).transformer
    for name, array in model.weights._asdict().items():
        assert np.array_equal(np.asarray(getattr(found.weights, name)), array), name
    for field in ("n_layers", "n_heads", "d_model", "n_ctx", "causal", "act", "norm"):
        assert getattr(found.config, field) == getattr(model.config, field)


def test_true_edges_are_used_and_a_false_one_is_not(tmp_path: Path) -> None:
    model = zoo.compile("histogram", ["a", "b"], 4)
    parts = model.config.names.reader_parts
    used = {(e.source, parts[e.reader].node) for e in model.circuit.edges}
    place = write(model, tmp_path / "set")
    edges = [*used, ("tokens", "logits")]
    (place / "edges.pkl").write_bytes(pickle.dumps(edges))
    report = audit(place, model)
    by_edge = {edge.edge: edge for edge in report.edges}
    dead = by_edge.pop("tokens->logits")
    assert dead.status == "unused" and dead.changed.hits == 0
    assert {edge.status for edge in by_edge.values()} == {"used"}
    assert report.used == len(report.edges) - 1
    assert report.outside == 0 and report.kept.share == 1.0


def test_edges_of_a_length_that_never_varies_are_not_used(
    folder: Path, model: Model
) -> None:
    # All inputs of the set have one length, so nothing can show that it is read.
    report = audit(folder, model)
    by_edge = {edge.edge: edge.status for edge in report.edges}
    assert model.sites["length"].node == "a0.h0"
    assert by_edge[f"{hook('a0.h0')}->{hook('m0')}"] != "used"
    assert by_edge[f"{hook('m0')}->{hook('a1.h0')}"] == "used"
    assert report.kept.share == 1.0
    assert max(map(len, report.text.splitlines())) <= 80
    assert json.loads(json.dumps(report.to_json()))["format"] == "circuitzoo.import"


def test_random_edges_are_not_found_to_be_a_circuit(
    folder: Path, model: Model, tmp_path: Path
) -> None:
    copy = clone(folder, tmp_path)
    (copy / "edges.pkl").write_bytes(pickle.dumps([("m0", "m1"), ("m1", "output")]))
    report = audit(copy, model)
    assert report.used == 0 and report.outside > 0 and report.kept.share < 1.0


def test_the_command_says_which_edges_are_used(folder: Path, model: Model) -> None:
    config = model.config
    tokens = ["--bos", str(config.bos_id), "--pad", str(config.pad_id)]
    call = ["audit", "--import", str(folder), "--pairs", "64", *tokens]
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 1 and "published edges are used" in result.output


def clone(folder: Path, place: Path) -> Path:
    copy = place / "copy"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


class Evil:
    """Unpickled, it would run a command."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.write_text, (self.path, "was here"))


def test_nothing_that_a_file_names_is_run(
    folder: Path, model: Model, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    copy = clone(folder, tmp_path)
    program = pickle.dumps(Evil(mark))
    (copy / "edges.pkl").write_bytes(program)
    with pytest.raises(FormatError, match=r"found the name .* nothing of it was run"):
        audit(copy, model)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a/data.pkl", program)
    (copy / "ll_model.pth").write_bytes(archive.getvalue())
    with pytest.raises(FormatError, match="found the name"):
        read_tensors(copy / "ll_model.pth")
    assert not mark.exists()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_values_come_back_in_every_protocol(
    tmp_path: Path, protocol: int
) -> None:
    pair = ("m0", "logits")
    value = {"a": [1, -2, 300, 70_000, 1.5, True, None, pair, pair], "b": (), "c": {}}
    path = tmp_path / "plain.pkl"
    path.write_bytes(pickle.dumps(value, protocol))
    assert read_plain(path) == value


def test_damaged_files_are_refused(folder: Path, model: Model, tmp_path: Path) -> None:
    copy = clone(folder, tmp_path)
    whole = (copy / "edges.pkl").read_bytes()
    for cut in range(0, len(whole), 7):
        (copy / "edges.pkl").write_bytes(whole[:cut])
        with pytest.raises(FormatError):
            read_interpbench(copy)
    for bad, text in (
        ([("m0", "a9.h9")], "the model has no node 'a9.h9'"),
        ([("m1", "m0")], "does not read 'm1'"),
        ([("m0",)], "expected a pair of names"),
        ([], "found no list of edges"),
    ):
        (copy / "edges.pkl").write_bytes(pickle.dumps(bad))
        with pytest.raises(FormatError, match=text):
            read_interpbench(copy)
    (copy / "edges.pkl").write_bytes(whole)
    weights = (copy / "ll_model.pth").read_bytes()
    (copy / "ll_model.pth").write_bytes(weights[:200])
    with pytest.raises(FormatError, match="no archive of torch"):
        read_interpbench(copy)
    (copy / "ll_model_cfg.pkl").write_bytes(pickle.dumps({"n_layers": -1}))
    with pytest.raises(FormatError, match="n_layers is -1, expected a number"):
        read_interpbench(copy)


def test_bad_arguments_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NameLookupError, match="Did you mean 'interpbench'"):
        zoo.audit_import(folder, "interpbenc")
    with pytest.raises(FormatError, match="there is no such file"):
        zoo.audit_import(tmp_path)
    with pytest.raises(InputError, match="bos is 99"):
        zoo.audit_import(folder, bos=99)
    with pytest.raises(InputError, match="pairs is 0"):
        zoo.audit_import(folder, pairs=0)
    shown = CliRunner().invoke(app, ["audit"])
    assert shown.exit_code != 0
