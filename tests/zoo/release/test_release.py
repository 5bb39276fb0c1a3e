"""A release says what its model says, twice the same, and is found out if altered."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import zoo
from compiler.errors import FormatError, InputError, NameLookupError
from compiler.machine.config import Config
from compiler.machine.forward import forward_batch
from compiler.machine.transformer import Transformer
from compiler.machine.weights import init, to_tensors
from compiler.save import load_model
from tests.zoo.release.conftest import made_up
from zoo.auditing.certificate import audit
from zoo.cli import main
from zoo.release.annotate import ROLES
from zoo.release.build import Draft, release_files
from zoo.release.check import check_release
from zoo.release.released import Released
from zoo.release.shelf import add, find_release, list_releases
from zoo.release.whole import check_files

DOCS = Path(__file__).parents[3] / "docs"


def audited():
    """Return a small model and its certificate."""
    model = zoo.compile("reverse", vocab="abc", max_len=4)
    return model, audit(model, pairs=60)


once = cache(audited)


def draft(name="reverse-compiled", build=once) -> Draft:
    model, certificate = build()
    return Draft(name, 1, model, certificate)


def unaudited(program="reverse", version=1, **options) -> Draft:
    """Return a release whose figures are made up."""
    model = zoo.compile(program, max_len=4, **options)
    return Draft("reverse-compiled", version, model, made_up(model))


@pytest.fixture(scope="module")
def files():
    return release_files(draft())


@pytest.fixture
def shelf(tmp_path, monkeypatch, files):
    monkeypatch.setenv("CIRCUITZOO_RELEASES", str(tmp_path))
    add(tmp_path, "reverse-compiled", 1, files)
    return tmp_path


def test_building_twice_gives_the_same_bytes(files):
    assert release_files(draft(build=audited)) == files


def test_a_release_loads_as_the_model_it_was_made_of(shelf):
    model = zoo.load("reverse-compiled")
    assert model("abc") == ["c", "b", "a"]
    assert model.circuit == draft().model.circuit


def test_a_release_checks_itself(shelf):
    found = check_release(shelf / "reverse-compiled")
    assert found.differences == ()
    assert found.figures > 100


@pytest.fixture(scope="module")
def with_twin(tmp_path_factory):
    made = draft("x")
    twin = zoo.compile("reverse", vocab="abc", max_len=4, permute_heads=1)
    assert twin.config == made.model.config
    shelf = tmp_path_factory.mktemp("shelf")
    files = release_files(replace(made, twin=twin.weights))
    return add(shelf, "x", 1, files)[0], twin


def test_a_release_holds_its_natural_twin(with_twin):
    folder, twin = with_twin
    model = zoo.load(folder)
    assert isinstance(model, Released)
    found = model.twin
    assert found is not None
    for name, array in twin.weights._asdict().items():
        assert np.array_equal(getattr(found.weights, name), array)
    assert found("abc") == ["c", "b", "a"]
    checked = check_release(folder, quick=True)
    assert checked.differences == ()
    assert any("twin.safetensors" in sentence for sentence in checked.trusted)
    assert "natural twin" in zoo.card(folder)


def test_a_twin_that_computes_something_else_is_found_out(with_twin, tmp_path):
    _, twin = with_twin
    broken = twin.weights._replace(W_U=np.zeros_like(twin.weights.W_U))
    files = release_files(replace(draft("x"), twin=broken))
    altered, _ = add(tmp_path, "x", 1, files)
    (found,) = check_release(altered, quick=True).differences
    assert found.file == "twin.safetensors" and "outputs" in found.found


def test_a_release_whose_claims_fail_says_so(tmp_path, monkeypatch, capsys):
    made = draft("x")
    weakest = replace(made.certificate.claims[0], found=0.5)
    claims = (weakest, *made.certificate.claims[1:])
    failing = replace(made, certificate=replace(made.certificate, claims=claims))
    with pytest.raises(InputError, match="--claims-failed"):
        release_files(failing)
    files = release_files(failing, claims_failed=True)
    assert b"Some claims FAIL: behaviour" in files["README.md"]
    add(tmp_path, "x", 1, files)
    monkeypatch.setenv("CIRCUITZOO_RELEASES", str(tmp_path))
    assert "behaviour" in zoo.load("x").failure
    # The figure was changed by hand, which is a lie; that it fails is none.
    found = check_release(tmp_path / "x", quick=True)
    assert [d.place for d in found.differences] == ["claims[0], found"]
    assert found.failure == zoo.load("x").failure
    for command, word in ((["releases"], "FAILS"), (["show", "x"], "FAILED")):
        monkeypatch.setattr(sys, "argv", ["zoo", *command])
        with pytest.raises(SystemExit) as stop:
            main()
        assert not stop.value.code
        assert word in capsys.readouterr().out


def test_full_certificates_make_a_release_that_checks_itself(tmp_path):
    # The shape and the pairs of tests/zoo/auditing: compiled once for both.
    model = zoo.compile("reverse", vocab="ab", max_len=4)
    folder = zoo.export(model, "r", to=tmp_path, scope="quick", pairs=150)
    said = json.loads((folder / "release.json").read_text())
    assert said["audit"] == "quick" and said["claims"]["ablations"] == 1.0
    model = zoo.load(folder)
    assert isinstance(model, Released) and model.certificate.scope == "quick"
    checked = check_release(folder)
    assert checked.differences == () and checked.scope == "quick"


@pytest.fixture(scope="module")
def example() -> dict:
    """What the NumPy example of the docs defines."""
    page = (DOCS / "release-format.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(code.strip().splitlines()) <= 60
    space: dict = {}
    exec(code, space)
    return space


@pytest.mark.parametrize("program", ["reverse", "rank", "fraction_previous"])
def test_the_example_of_the_docs_runs_a_release(example, program, tmp_path):
    made = unaudited(program)
    folder, _ = add(tmp_path, "reverse-compiled", 1, release_files(made))
    vocab = list(made.model.typed.vocab)
    for tokens in (vocab[:1], vocab[:3], vocab[1:2] * 4):
        found, expected = example["run"](folder, tokens), made.model(tokens)
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert a == b or abs(a - b) < 1e-4


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"causal": True, "norm": "pre", "act": "gelu"},
        {"positions": "rotary", "norm": "pre"},
        {"positions": "rotary", "causal": True, "act": "gelu"},
    ],
)
def test_the_example_of_the_docs_is_the_forward_pass(example, changes):
    shape = {"n_layers": 2, "n_heads": 3, "d_model": 10, "d_head": 4, "d_mlp": 7}
    words = {"d_vocab": 6, "d_vocab_out": 3, "n_ctx": 6, "bos_id": 4, "pad_id": 5}
    config = Config(**{**shape, **words, **changes})
    weights, ids = init(config, 0), np.array([4, 0, 3, 2, 5, 5])
    ours = np.asarray(forward_batch(Transformer(config, weights), ids[None]).logits)[
        0, :4
    ]
    tensors = to_tensors(weights, config)
    theirs = example["logits"](config.to_json(), tensors, ids)[:4]
    assert np.abs(ours - theirs).max() <= 1e-5 * np.abs(ours).max()


def test_answers_are_the_interpreters_and_pairs_differ_where_they_say(files):
    model = draft().model
    seen = {}
    for split in ("train", "test"):
        table = pq.read_table(io.BytesIO(files[f"data/{split}.parquet"]))
        rows = table.to_pylist()
        assert rows
        for row in rows:
            for side in ("clean", "corrupt"):
                outputs = model.interpreter(row[side])["output"]
                assert row[f"{side}_outputs"] == outputs
                assert row[f"{side}_answer"] == outputs[row["position"]]
                assert row[f"{side}_ids"] == model.encode(row[side]).tolist()
            assert row["clean_answer"] != row["corrupt_answer"]
            assert "output" in row["variables"]
        seen[split] = {tuple(r[s]) for r in rows for s in ("clean", "corrupt")}
    assert not seen["train"] & seen["test"]


def test_every_variable_has_a_role_and_every_edge_a_witness(files):
    notes = json.loads(files["circuit.json"])["annotation"]
    roles = {v["name"]: v["role"] for v in notes["variables"]}
    assert set(roles.values()) <= set(ROLES)
    assert roles["output"] == "router"
    assert roles["opposite_index"] == "combiner"
    edges = {edge["name"] for edge in notes["edges"]}
    assert edges == {str(e) for e in draft().model.circuit.edges}
    assert all(e["status"] == "used" and e["witness"] for e in notes["edges"])


@pytest.mark.parametrize("name", ["certificate.json", "README.md", "data/test.parquet"])
def test_an_altered_file_is_found_out(shelf, name):
    path = shelf / "reverse-compiled" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(FormatError, match=re.escape(name)):
        check_files(shelf / "reverse-compiled")


def test_missing_linked_and_unlisted_files_are_found_out(shelf, tmp_path):
    folder = shelf / "reverse-compiled"
    (folder / "extra.py").write_text("print('no')")
    with pytest.raises(FormatError, match=r"extra\.py"):
        check_files(folder)
    (folder / "extra.py").unlink()
    card = (folder / "README.md").read_bytes()
    (folder / "README.md").unlink()
    with pytest.raises(FormatError, match=r"README\.md.*no such file"):
        check_files(folder)
    outside = tmp_path / "outside"
    outside.write_bytes(card)
    (folder / "README.md").symlink_to(outside)
    with pytest.raises(FormatError, match=r"README\.md.*link"):
        check_files(folder)


def test_a_certificate_that_is_made_up_is_found_out(tmp_path, files):
    from compiler.sealed import sums_of

    forged = {k: v for k, v in files.items() if k != "SHA256SUMS"}
    said = json.loads(forged["certificate.json"])
    said["circuit"][0]["effect"]["hits"] += 1
    forged["certificate.json"] = json.dumps(said).encode()
    forged["SHA256SUMS"] = sums_of(forged)
    folder, _ = add(tmp_path, "reverse-compiled", 1, forged)
    found = list(map(str, check_release(folder).differences))
    expected = "certificate.json, circuit[0], effect, hits: says"
    assert any(line.startswith(expected) for line in found)


def test_a_version_never_changes(shelf, files):
    _, fresh = add(shelf, "reverse-compiled", 1, files)
    assert not fresh
    other = release_files(unaudited(permute_heads=1, decoys=1))
    with pytest.raises(InputError, match="Give --version 2"):
        add(shelf, "reverse-compiled", 1, other)
    assert (shelf / "reverse-compiled" / "README.md").read_bytes() == files["README.md"]
    add(shelf, "reverse-compiled", 2, release_files(unaudited(version=2)))
    found = find_release("reverse-compiled")
    assert found is not None
    assert found.name == "reverse-compiled.v2"
    found = find_release("reverse-compiled", 1)
    assert found is not None
    assert found.name == "reverse-compiled"
    (newest,) = [r for r in list_releases() if r["name"] == "reverse-compiled"]
    assert newest["version"] == 2
    index = json.loads((shelf / "index.json").read_text())
    assert [r["version"] for r in index["releases"]] == [1, 2]


def test_a_name_cannot_lead_out_of_the_folder(tmp_path, files):
    for name in ("../x", "/x", "", "A", ".x", "x/y", "x" * 99):
        with pytest.raises(InputError, match="cannot be named"):
            add(tmp_path, name, 1, files)
    assert find_release("../x") is None


def test_an_unknown_release_offers_the_nearest(shelf):
    with pytest.raises(NameLookupError, match="reverse-compiled"):
        zoo.load("reverse-compile")


def test_a_failed_audit_is_not_published():
    made = draft()
    broken = made.model.weights._replace(b_U=made.model.weights.b_U + 1e3)
    wrong = zoo.Model(**{**vars_of(made.model), "weights": broken})
    # All logits moved alike changes nothing: one class has to win everywhere.
    bias = np.zeros_like(np.asarray(broken.b_U))
    bias[0] = 1e6
    wrong = zoo.Model(**{**vars_of(made.model), "weights": broken._replace(b_U=bias)})
    with pytest.raises(InputError, match="its audit fails"):
        release_files(Draft("x", 1, wrong, audit(wrong, pairs=60)))


def vars_of(model) -> dict:
    from dataclasses import fields

    return {f.name: getattr(model, f.name) for f in fields(model)}


ADDS = """
import sys
from pathlib import Path
from zoo.release.shelf import add
given, shelf = map(Path, sys.argv[1:])
paths = [p for p in given.rglob("*") if p.is_file()]
files = {p.relative_to(given).as_posix(): p.read_bytes() for p in paths}
add(shelf, "reverse-compiled", 1, files)
"""


def test_two_processes_that_add_one_name_end_with_one_good_folder(
    tmp_path, tmp_path_factory, files
):
    given = tmp_path_factory.mktemp("given")
    for name, data in files.items():
        (given / name).parent.mkdir(exist_ok=True)
        (given / name).write_bytes(data)
    command = [sys.executable, "-c", ADDS, str(given), str(tmp_path)]
    jobs = [subprocess.Popen(command, cwd=DOCS.parent) for _ in range(2)]
    assert [job.wait() for job in jobs] == [0, 0]
    assert check_files(tmp_path / "reverse-compiled") == len(files) - 1
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == [".lock", "index.json", "reverse-compiled"]
    assert load_model(tmp_path / "reverse-compiled").name == "reverse"
