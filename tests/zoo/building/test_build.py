"""Releases are built from plans: whole, once, and the same wherever they are built."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import zoo
from compiler.errors import FormatError, InputError
from compiler.sealed import SUMS
from zoo.building.plan import (
    PLANS,
    BuildPlan,
    plan_of_release,
    read_plans,
    with_secret,
)
from zoo.building.progress import BuildProgress
from zoo.release.shelf import find_release
from zoo.release.whole import open_folder
from zoo.submissions.kinds import find_kind
from zoo.submissions.record import open_submission

TINY = """
[[model]]
name = "{name}"
kind = "compiled"
program = "{program}"
vocab = ["a", "b"]
max_len = 2
scope = "sample"
pairs = 20
"""
TOO_SHORT = """
[[model]]
name = "too-short"
program = "reverse"
max_len = 3
settings = { steps = 2, check_every = 2, d_model = 8, d_head = 4, inputs = 20 }
"""


def plan_file(folder: Path, *texts: str) -> Path:
    path = folder / "plan.toml"
    path.write_text("".join(texts))
    return path


def tiny(name: str, program: str = "reverse") -> str:
    return TINY.format(name=name, program=program)


def sums_on(shelf: Path, *names: str) -> list[bytes]:
    return [(shelf / name / SUMS).read_bytes() for name in names]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A shelf that two processes built, and what was said meanwhile."""
    folder = tmp_path_factory.mktemp("built")
    plan = plan_file(folder, tiny("one"), TOO_SHORT, tiny("two", "histogram"))
    lines: list[str] = []
    found = zoo.build(plan, out=folder / "shelf", jobs=2, progress=lines.append)
    assert [one.name for one in found] == ["one", "too-short", "two"]
    assert [bool(one.failure) for one in found] == [False, True, False]
    assert "the steps are used up" in found[1].failure
    return folder, lines


def test_what_is_built_is_a_release_and_a_failure_stops_no_other(local):
    folder, lines = local
    for name, program in (("one", "reverse"), ("two", "histogram")):
        opened = open_folder(folder / "shelf" / name)
        assert opened.summary()["program"] == program
        assert zoo.load(folder / "shelf" / name)(["a", "b"])
    assert {e.name for e in (folder / "shelf").iterdir() if e.is_dir()} == {
        ".runs",
        "one",
        "two",
    }
    assert "one: audit" in lines and "too-short: train" in lines
    assert sum(line.endswith("of 3)") for line in lines) == 3


def test_a_second_call_builds_only_what_is_missing_and_goes_on_with_runs(local):
    folder, _ = local
    before = sums_on(folder / "shelf", "one", "two")
    lines: list[str] = []
    found = zoo.build(folder / "plan.toml", out=folder / "shelf", progress=lines.append)
    assert str(found[0]) == str(found[2]) == "already there"
    assert found[1].failure and sums_on(folder / "shelf", "one", "two") == before


def test_another_process_builds_the_same_bytes(local, tmp_path):
    folder, _ = local
    (again,) = zoo.build(plan_file(tmp_path, tiny("one")), out=tmp_path / "shelf")
    assert not again.failure
    assert sums_on(tmp_path / "shelf", "one") == sums_on(folder / "shelf", "one")


def test_the_plan_of_a_release_makes_the_release(local, tmp_path, monkeypatch):
    folder, _ = local
    monkeypatch.setenv("CIRCUITZOO_RELEASES", str(folder / "shelf"))
    (again,) = zoo.build(suite="program=reverse and d_model<20", out=tmp_path)
    assert again.same and not again.failure
    published = find_release("sort-llama")
    if published is None:
        monkeypatch.delenv("CIRCUITZOO_RELEASES")
        published = find_release("sort-llama")
    assert published is not None
    plan = plan_of_release(open_folder(published))
    assert plan.kind == "trained" and plan.twin and "sort_text" in plan.recipe_text
    assert BuildPlan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "found no table"),
        ("x = 1", "found x"),
        ("[[model]]\nprogram = 'sort'", "model 0: it has no name"),
        ("[[model]]\nname = 'a'", "model 0: it has no program"),
        ("[[model]]\nname = 'a'\nprogram = 'srot'", "Did you mean 'sort'"),
        ("[[model]]\nname = 'A b'\nprogram = 'sort'", "model 0"),
        ("[[model]]\nname = 'a'\nprogram = 'sort'\npair = 3", "Did you mean 'pairs'"),
        ("[[model]]\nname = 'a'\nprogram = 'sort'\npairs = 'x'", "expected a int"),
        ("[[model]]\nname = 'a'\nprogram = 'sort'\nscope = 'all'", "scope is 'all'"),
        ("[[model]]\nname = 'a'\nprogram = 'sort'\nkind = 'x'", "kind is 'x'"),
        (tiny("a") + tiny("a"), "a is there twice"),
        (tiny("a") + "options = { rotat = 1 }", "Did you mean 'rotate'"),
        (
            "[[model]]\nname = 'a'\nprogram = 'induction_heads'\nkind = 'compiled'",
            "a task, which can only be trained",
        ),
    ],
)
def test_a_mistake_in_a_plan_is_told_before_anything_is_built(text, expected, tmp_path):
    with pytest.raises(InputError, match=expected):
        zoo.build(plan_file(tmp_path, text), out=tmp_path / "shelf")
    assert not (tmp_path / "shelf").exists()


def test_a_secret_changes_every_seed_and_nothing_else(tmp_path):
    plans = read_plans(PLANS / "held-out.toml")
    assert len(plans) == len({plan.name for plan in plans}) >= 12
    once, again, other = (
        [with_secret(plan, text) for plan in plans] for text in ("a", "a", "b")
    )
    assert once == again
    seeds: list[int] = []
    for plan, made, another in zip(plans, once, other, strict=True):
        own = {k: v for k, v in made.settings.items() if k.endswith("seed")}
        own |= {k: made.options[k] for k in ("rotate", "seed") if k in made.options}
        seeds += own.values()
        assert made != another and own
        assert replace(made, settings={}, options={}) == replace(
            plan, settings={}, options={}
        )
    assert len(set(seeds)) == len(seeds)


def test_a_secret_is_needed_where_it_is_and_refused_elsewhere(tmp_path):
    with pytest.raises(InputError, match="is built with a secret"):
        zoo.build(suite="held-out", out=tmp_path)
    secret = tmp_path / "secret.txt"
    with pytest.raises(FormatError, match="cannot be read"):
        zoo.build(suite="held-out", out=tmp_path, seed_file=secret)
    secret.write_text(" ")
    with pytest.raises(FormatError, match="expected a text"):
        zoo.build(suite="held-out", out=tmp_path, seed_file=secret)
    with pytest.raises(InputError, match="for a plan, or for --suite held-out"):
        zoo.build(suite="core", out=tmp_path, seed_file=secret)


def test_what_is_no_plan_is_refused(tmp_path):
    with pytest.raises(FormatError, match="found nothing, expected a plan"):
        read_plans(tmp_path / "none.toml")
    with pytest.raises(FormatError, match="cannot be read as TOML"):
        read_plans(plan_file(tmp_path, "[["))
    with pytest.raises(InputError, match="give what is to be built"):
        zoo.build(out=tmp_path)
    with pytest.raises(InputError, match="no release is in"):
        zoo.build(suite="layers>99", out=tmp_path)


def test_the_time_that_is_left_is_by_what_is_done():
    lines: list[str] = []
    shown = BuildProgress(4, lines.append)
    shown.end("a", "built")
    shown.tell("b", "train", 50, 100)
    shown.tell("b", "train", 100, 100)
    line = shown.summary(shown._begun + 170)
    assert line == "1 of 4 releases, 36.0 an hour, 3:50 left; running: b train 70 %"
    assert lines == ["a: built  (1 of 4)", "b: train"]


def test_a_cluster_that_loses_a_worker_builds_what_processes_here_build(
    local, cluster, tmp_path
):
    folder, _ = local
    lines: list[str] = []

    def watch(line: str) -> None:
        if line == "one: audit" and cluster.workers[0].poll() is None:
            cluster.workers[0].kill()  # one of the two that are building
        lines.append(line)

    shelf = tmp_path / "shelf"
    found = zoo.build(
        folder / "plan.toml", out=shelf, scheduler=cluster.address, progress=watch
    )
    assert cluster.workers[0].poll() is not None
    assert [bool(one.failure) for one in found] == [False, True, False]
    assert "the steps are used up" in found[1].failure
    assert sums_on(shelf, "one", "two") == sums_on(folder / "shelf", "one", "two")


METHOD = """
def {name}(case):
    return {{str(edge): float(len(str(edge))) for edge in case.names.edges}}
"""


def test_what_is_left_of_a_cluster_evaluates_as_processes_here_do(
    local, cluster, tmp_path, call
):
    """A file of a method goes along, and what is there already is not run again."""
    models = [local[0] / "shelf" / name for name in ("one", "two")]
    file = tmp_path / "mine.py"
    file.write_text(METHOD.format(name="lengths"))
    suite = [word for model in models for word in ("--suite", str(model))]
    given = [*suite, "--seeds", "1", "--pairs", "8"]
    out = tmp_path / "submission"
    said = call("submit", str(file), *given, "--out", str(out), "--jobs", "2")
    assert f"submission: {out}" in said.out
    opened = open_submission(out)
    # The second model's inputs are so few that no pair of them has different outputs.
    for model, status in zip(models, ("ok", "failed"), strict=True):
        found = opened.entry(str(model), 0, find_kind("scores").document)
        assert found.scores == {name: float(len(name)) for name in found.scores}
        assert found.status == status and bool(found.scores) == (status == "ok")
    given += ["--method", str(file), "--out", str(tmp_path / "cells")]
    printed = call("evaluate", *given, "--scheduler", cluster.address)
    assert "2/2" in printed.err
    kept = [tmp_path / "cells" / "cells", out / "cells"]
    figures = [
        {p.name: json.loads(p.read_text())["figures"] for p in place.rglob("*.json")}
        for place in kept
    ]
    assert figures[0] == figures[1] and len(figures[0]) == 2


def test_a_scheduler_that_is_not_there_is_an_error(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="the extra `dask` is not installed")
    monkeypatch.setattr("zoo.cluster.WAIT", 1)
    plan = plan_file(tmp_path, tiny("one"))
    for address in ("tcp://127.0.0.1:9", "nonsense"):
        with pytest.raises(InputError, match="no Dask scheduler answers"):
            zoo.build(plan, out=tmp_path / "shelf", scheduler=address)
