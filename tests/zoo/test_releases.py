"""`zoo releases`: which releases are listed, and how."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

import pytest

from programs.facts import facts_of
from tests.zoo.calls import Call, mistake
from zoo.catalogue import kinds_of
from zoo.release import shelf
from zoo.release.shelf import folder_name, list_releases

SHELF = Path(__file__).parents[2] / "releases"
read_once = cache(shelf.read_shelf)


@pytest.fixture(autouse=True)
def shelf_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command reads the shelf anew, which takes a second."""
    monkeypatch.setattr(shelf, "read_shelf", read_once)


def read(entry: dict, file: str) -> dict:
    folder = SHELF / folder_name(entry["name"], entry["version"])
    return json.loads((folder / file).read_text(encoding="utf-8"))


def heads_of(entry: dict) -> int:
    edges = read(entry, "circuit.json")["annotation"]["edges"]
    sources = {edge["name"].split("->")[0] for edge in edges}
    return sum(source.startswith("a") for source in sources)


def norm_of(entry: dict) -> str:
    config = read(entry, "config.json")
    return config.get("circuitzoo", config)["norm"]


def facts(entry: dict):
    """Return what is known of a program; of several in one model nothing is."""
    name = entry["program"]
    known = kinds_of(name)[:1] == ["program"] and not {"+", ","} & set(name)
    return facts_of(name) if known else None


def asks(keeps):
    """Keep a release whose program is known and is as wanted."""
    return lambda entry: (found := facts(entry)) is not None and keeps(found)


@pytest.mark.parametrize(
    ("options", "keeps"),
    [
        (["--kind", "trained"], lambda e: e["kind"] == "trained"),
        (["--difficulty", "-3"], asks(lambda f: f.difficulty <= 3)),
        (["--output", "numerical"], asks(lambda f: f.output == "numerical")),
        (["--not-causal"], asks(lambda f: not f.causal)),
        (["--corpus", "tracr"], asks(lambda f: "tracr" in f.corpora)),
        (
            ["--layers", "3-", "--heads", "4"],
            lambda e: e["layers"] > 2 and e["heads"] == 4,
        ),
        (["--variables", "3"], lambda e: e["variables"] == 3),
        (["--norm", "none"], lambda e: norm_of(e) == "none"),
        (["--attention"], lambda e: heads_of(e) > 0),
    ],
)
def test_releases_are_chosen_by_their_files_and_programs(call: Call, options, keeps):
    every = list_releases()
    found = [
        row["name"] for row in json.loads(call("releases", "--json", *options).out)
    ]
    assert found == [entry["name"] for entry in every if keeps(entry)]
    assert found


def test_a_pipe_gets_a_line_a_release_with_tabs(call: Call):
    titles, *rows = (line.split("\t") for line in call("releases").out.splitlines())
    assert titles == ["name", "kind", "audit", "size", "circuit", "least", "fails"]
    assert [row[0] for row in rows] == [entry["name"] for entry in list_releases()]
    assert {len(row) for row in rows} == {len(titles)}


def test_a_terminal_gets_a_table_that_fits(call: Call, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True)
    lines = call("releases", "--nodes", "4", "--family", "sorting").out.splitlines()
    assert lines[0].split()[:2] == ["name", "kind"]
    assert max(map(len, lines)) <= 80 and any("release" in line for line in lines)


def test_what_is_inside_of_releases_elsewhere_is_not_known(call: Call):
    message = mistake(call, "releases", "--norm", "rms", "--from", "http://[::1]:9")
    assert message.startswith("--norm, --nodes and --attention need the files of a rel")
    assert mistake(call, "releases", "--kind", "nope").startswith("--kind: no release")
    unknown = mistake(call, "releases", "--norm", "layer")
    assert unknown == "no norm is named 'layer'. There are: none, pre, rms"
