"""Datasets of sampled programs: what `datasets` reads is the programs' own models."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from typer.testing import CliRunner

import zoo
from compiler.errors import InputError
from compiler.machine.config import Config
from compiler.machine.weights import from_tensors
from compiler.text.program import read_program
from compiler.text.source import SourceText
from tests import numpy_forward
from tests.oracle import evaluate
from zoo.cli import app
from zoo.sampling.judging import NotKept
from zoo.sampling.records import WRONG, make_record, words_of

GOAL: dict[str, Any] = dict(layers="1-2", vocab="abc", max_len=4, seed=4)
MADE: dict[str, Any] = dict(format="dataset", shard=6, test=0.3, progress=False)
N = 14
INPUTS = [r for n in range(1, 5) for r in itertools.product("abc", repeat=n)]
Splits = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sampled") / "dataset"
    found = zoo.sample(N, **GOAL, out=out, **MADE)
    assert found.programs == N == sum(found.splits.values())
    return out


@pytest.fixture(scope="module")
def rows(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Splits:
    """Return what `datasets` gives: no code of ours reads."""
    from datasets import load_dataset

    cache = str(tmp_path_factory.mktemp("cache"))
    loaded = load_dataset(str(folder), cache_dir=cache)
    return {split: list(loaded[split]) for split in loaded}  # pyright: ignore


def every(rows: Splits) -> Iterator[dict[str, Any]]:
    for split in rows.values():
        yield from split


def files(folder: Path) -> dict[str, bytes]:
    found = (p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}


def value_of(row: dict[str, Any], logits: np.ndarray) -> str:
    """Return the output that logits say, by the words of the card."""
    if row["readout"] == "classes":
        return row["values"][int(logits.argmax())]
    if row["readout"] == "nullable" and logits[1] > 0:
        return "None"
    numbers = [v for v in row["values"] if v != "None"]
    top, under = zip(*(map(int, f"{v}/1".split("/")[:2]) for v in numbers), strict=True)
    return numbers[int(np.abs(np.divide(top, under) - logits[0]).argmin())]


def spelled(value: Any) -> str:
    return str(value)


def test_streaming_gives_the_same_rows(folder: Path, rows: Splits) -> None:
    from datasets import load_dataset

    assert set(rows) == {"train", "test"} and len(list(every(rows))) == N
    stream = load_dataset(str(folder), streaming=True)
    assert {split: list(stream[split]) for split in stream} == rows  # pyright: ignore


def test_logits_of_the_flat_weights_are_the_outputs_of_the_text(
    folder: Path, rows: Splits
) -> None:
    """The arrays are cut out by the code of the card, which is shown to readers."""
    card = (folder / "README.md").read_text("utf-8")
    code = next(c for c in re.findall(r"```python\n(.*?)```", card, re.S) if "def" in c)
    space: dict[str, Any] = {}
    exec(code, space)
    chosen = [*rows["test"][:2], *rows["train"][:4]]
    chosen += [r for r in every(rows) if r["readout"] != "classes"][:2]
    assert {row["readout"] for row in chosen} >= {"classes", "number"}
    for row in chosen:
        assert len(row["weights"]) == row["n_params"]
        sizes = {k: v for k, v in row.items() if re.match("(n_|d_)", k)}
        del sizes["n_params"]
        ids = {k: row[k] for k in ("causal", "bos_id", "pad_id")}
        config = Config(**sizes, **ids)
        weights = from_tensors(space["arrays"](row), config)
        cells = np.full((len(INPUTS), row["n_ctx"]), row["pad_id"])
        for cell, words in zip(cells, INPUTS, strict=True):
            known = [row["vocab"].index(word) for word in words]
            cell[: len(words) + 1] = [row["bos_id"], *known]
        logits, _ = numpy_forward.run(config, weights, cells)
        program = read_program(SourceText(row["text"])).build()
        for number, words in enumerate(INPUTS):
            found = [value_of(row, logits[number, 1 + p]) for p in range(len(words))]
            assert found == [spelled(v) for v in evaluate(program, words)]


def test_the_safetensors_files_hold_the_same_vectors(
    folder: Path, rows: Splits
) -> None:
    for split, there in rows.items():
        vectors: dict[str, np.ndarray] = {}
        for path in sorted(folder.glob(f"shards/*/{split}.safetensors")):
            vectors |= load_file(path)
        assert set(vectors) == {row["name"] for row in there}
        for row in there:
            same = np.array(row["weights"], np.float32)
            np.testing.assert_array_equal(vectors[row["name"]], same)


def test_the_words_of_a_program_are_its_text_whatever_it_is_called(
    rows: Splits,
) -> None:
    for row in itertools.islice(every(rows), 4):
        again = read_program(SourceText(" ".join(row["tokens"])))
        assert (again.name, again.max_len) == ("program", row["max_len"])
        first = read_program(SourceText(row["text"])).build()
        for words in INPUTS[::17]:
            assert evaluate(again.build(), words) == evaluate(first, words)
        assert not [word for word in row["tokens"] if word.startswith("sampled")]
    assert words_of("x = 2;", "x") == ["program", "=", "2", ";"]


def test_the_graph_says_which_node_writes_each_variable(rows: Splits) -> None:
    for row in every(rows):
        model = zoo.compile(row["text"])
        sites = {name: site.node for name, site in model.circuit.sites.items()}
        assert sites == {v["name"]: v["node"] for v in row["variables"]}
        assert row["edges"] == [str(edge) for edge in model.circuit.edges]
        names = {v["name"] for v in row["variables"]}
        assert all(set(v["reads"]) <= names for v in row["variables"])
        for variable in row["variables"]:
            basis = model.circuit.sites[variable["name"]].basis
            assert basis is not None
            np.testing.assert_array_equal(
                basis, np.eye(row["d_model"])[variable["dims"]]
            )
        break


def test_no_function_is_in_train_and_test_even_of_another_dataset(
    rows: Splits, tmp_path: Path
) -> None:
    hashes = {split: {row["hash"] for row in there} for split, there in rows.items()}
    assert not hashes["train"] & hashes["test"]
    assert sum(map(len, hashes.values())) == N
    for split, there in hashes.items():
        below = [int(found[:8], 16) / 2**32 < 0.3 for found in there]
        assert all(below) if split == "test" else not any(below)


def test_a_killed_run_goes_on_to_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Killed in the second shard, then again where there is one row more to do."""
    out = tmp_path / "again"
    script = f"""
import os, signal, zoo
def show(done, total):
    if done == 10:
        os.kill(os.getpid(), signal.SIGKILL)
zoo.sample({N}, **{GOAL!r}, out={str(out)!r}, **{MADE | {"progress": 0}!r} |
           dict(progress=show))
"""
    killed = subprocess.run([sys.executable, "-c", script], env=os.environ)
    assert killed.returncode == -9
    assert sorted(p.name for p in (out / "shards").iterdir()) == ["00000"]
    seen: list[int] = []
    options: dict[str, Any] = MADE | {"progress": lambda done, _: seen.append(done)}
    zoo.sample(N, **GOAL, out=out, jobs=2, **options)
    assert seen[0] == 7  # the first shard was not made again
    assert files(out) == files(folder)


def test_a_larger_number_adds_to_what_is_there(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "grown"
    zoo.sample(7, **GOAL, out=out, **MADE)
    zoo.sample(N, **GOAL, out=out, **MADE)
    assert files(out) == files(folder)


def test_the_command_writes_the_same_and_says_what(
    folder: Path, tmp_path: Path
) -> None:
    command = ["sample", "--n", str(N), "--layers", "1-2", "--vocab", '["a","b","c"]']
    command += ["--max-len", "4", "--seed", "4", "--format", "dataset", "--shard", "6"]
    command += ["--test", "0.3", "--out"]
    done = CliRunner().invoke(app, [*command, str(tmp_path / "x")])
    assert done.exit_code == 0, done.output
    assert files(tmp_path / "x") == files(folder)
    assert "14 models" in done.output and "of which these were not kept" in done.output
    assert all(len(line) <= 80 + len(str(tmp_path)) for line in done.output.split("\n"))
    figures = CliRunner().invoke(app, [*command, str(folder), "--json"])
    said = json.loads(figures.stdout)
    assert said["programs"] == N and said["rejected"][WRONG] == 0


def test_other_options_are_refused_where_a_dataset_is(folder: Path) -> None:
    before = files(folder)
    for change, words in (
        ({"seed": 3}, "another dataset: its seed is 4, not 3"),
        ({"max_len": 5}, "its max_len is 4, not 5"),
        ({"n": N - 1}, "it has 14 programs, more than are asked for"),
    ):
        options: dict[str, Any] = {"n": N, **GOAL, **change}
        with pytest.raises(InputError, match=words):
            zoo.sample(**options, out=folder, **MADE)
    assert files(folder) == before


def test_a_dataset_is_replaced_only_if_that_is_said(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "other"
    options: dict[str, Any] = {**GOAL, **MADE, "seed": 9, "test": 0.0}
    zoo.sample(2, out=out, **options)
    assert "test.parquet" not in (out / "README.md").read_text()
    zoo.sample(N, **GOAL, out=out, force=True, **MADE)
    assert files(out) == files(folder)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.txt, which is not of a dataset"):
        zoo.sample(2, **GOAL, out=tmp_path, force=True, **MADE)
    assert list(files(tmp_path)) == ["thesis.txt"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"shard": 0}, "shard is 0; give a number from 1 to 10000"),
        ({"test": 1.0}, "test is 1.0; give a share of at least 0 and below 1"),
        ({"test": float("nan")}, "test is nan"),
    ],
)
def test_a_wrong_number_is_refused(
    wrong: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        zoo.sample(2, **GOAL, out=tmp_path / "none", **MADE | wrong)
    assert not (tmp_path / "none").exists()


def test_a_model_that_computes_something_else_is_not_kept() -> None:
    from zoo.sampling.goal import GoalChoices, SampleGoal
    from zoo.sampling.judging import DrawJudge, KeptDraw

    goal = SampleGoal(1, vocab=tuple("abc"), max_len=4)
    judge = DrawJudge(GoalChoices((goal,)), 5)
    kept: KeptDraw | None = None
    for number in range(30):
        try:
            kept = judge.draw(number)
            break
        except NotKept:
            continue
    assert kept is not None
    assert make_record(kept, judge.inputs).row["compared"] == len(INPUTS)
    outputs = kept.outputs.copy()
    outputs[-1, 0] += 1
    with pytest.raises(NotKept, match=WRONG):
        make_record(KeptDraw(kept.program, kept.scheduled, outputs), judge.inputs)
