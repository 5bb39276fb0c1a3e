"""An expression takes the releases that plain Python takes, or says where it fails."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import zoo
from compiler.errors import InputError
from programs.facts import all_facts
from tests.zoo.calls import Call, mistake
from zoo.expressions import DEEPEST, MOST_CHARACTERS, Fields, is_expression, parse
from zoo.release.shelf import folder_name, list_versions
from zoo.scoring.suites import models_of
from zoo.suites import FIELDS, SUITES, choose, parse_suite

ROOT = Path(__file__).parents[2]
Release = Mapping[str, Any]
# Some of all kinds, so that few files are read.
SOME = re.compile(
    r"(sort|reverse|median|maximum|bigram|indirect.*|dyck2.*|histogram|rank)-\w+"
)


@pytest.fixture(scope="module")
def every() -> list[dict[str, Any]]:
    """All versions of some releases."""
    return [r for r in list_versions() if SOME.fullmatch(r["name"])]


def inside(release: Release) -> tuple[int, str]:
    """Return (nodes of the circuit, norm), from the files."""
    folder = ROOT / "releases" / folder_name(release["name"], release["version"])
    circuit = json.loads((folder / "circuit.json").read_text(encoding="utf-8"))
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    names = {node["name"] for node in circuit["annotation"]["nodes"]}
    return (
        len(names - {"tokens", "positions"}),
        config.get("circuitzoo", config)["norm"],
    )


def is_compiled(release: Release) -> bool:
    return release["kind"] == "compiled"


def difficulty(release: Release) -> int:
    facts = all_facts().get(release["program"])
    return facts.difficulty if facts else 0


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("layers>=3", lambda r: r["layers"] >= 3),
        ("layers>2 and not heads=4", lambda r: r["layers"] > 2 and r["heads"] != 4),
        (
            "kind=compiled or layers=3 and d_model<64",
            lambda r: (
                r["kind"] == "compiled" or (r["layers"] == 3 and r["d_model"] < 64)
            ),
        ),
        (
            "(kind=compiled or layers=3) and d_model < 64",
            lambda r: (
                (r["kind"] == "compiled" or r["layers"] == 3) and r["d_model"] < 64
            ),
        ),
        ("norm=rms", lambda r: inside(r)[1] == "rms"),
        ("norm != none", lambda r: inside(r)[1] != "none"),
        ("not alone", lambda r: inside(r)[0] != 1),
        ("nodes>=4 and nodes<=6", lambda r: 4 <= inside(r)[0] <= 6),
        ("name=SORT*", lambda r: r["name"].startswith("sort")),
        ("audit=full", lambda r: r.get("audit") == "full"),
        ("not not architecture=gpt2", lambda r: r.get("architecture") == "gpt2"),
        ("difficulty>=4", lambda r: difficulty(r) >= 4),
        ("first and nodes=2", lambda r: None),
    ],
)
def test_an_expression_takes_what_plain_python_takes(
    every: list[dict[str, Any]], text: str, right: Callable[[Release], bool | None]
) -> None:
    found = [(r["name"], r["version"]) for r in choose(text, every)]
    last = {r["name"]: r for r in every}  # of several versions the newest comes last
    releases = list(last.values())
    if text.startswith("first"):  # it speaks of versions
        releases = [r for r in every if r["version"] == 1 and r["kind"] == "trained"]
        releases = [r for r in releases if "architecture" not in r]
        expected = [r for r in releases if inside(r)[0] == 2]
    else:
        expected = [r for r in releases if right(r)]
    assert found == [(r["name"], r["version"]) for r in expected]
    assert 0 < len(found) < len(every)


def encoders(every: list[dict[str, Any]]) -> list[str]:
    """Return the releases of the architecture, by the end of their names."""
    return [r["name"] for r in every if r["name"].endswith("-bert")]


def test_every_named_suite_has_releases_and_is_in_the_documents(
    every: list[dict[str, Any]],
) -> None:
    page = (ROOT / "docs/suites.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([a-z]+)` \| `([^`]+)` \| ", page, re.MULTILINE))
    assert rows == {name: suite.text for name, suite in SUITES.items()}
    for suite in SUITES.values():
        assert suite.meaning in page
        assert choose(suite.text, every)
    for field in (*FIELDS.all, "alone", "attends", "causal", "holds"):
        assert f"`{field}`" in page


def test_older_versions_in_a_suite_are_lines_with_their_number(
    every: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.scoring.suites.list_versions", lambda: every)
    lines = models_of("version=1 and name=sort-siit or version=2 and name=sort-siit")
    assert lines == ["sort-siit@1", "sort-siit"]
    assert "sort-siit@1" in models_of("first")
    assert sorted(models_of("architecture=bert")) == sorted(encoders(every))
    with pytest.raises(InputError, match="no release is in 'layers>=99'"):
        models_of("layers>=99")


def test_shaped_is_the_old_name_of_clients() -> None:
    assert parse_suite("shaped") == parse_suite(SUITES["clients"].text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layers>=", "at character 9 the end was found, expected a value for layers"),
        ("layers>=x", "at character 9 'x' was found, expected a whole number"),
        (
            "layers",
            "at character 7 the end was found, expected an operator after layers",
        ),
        (
            "layer>=3",
            "at character 1 'layer' was found, expected a field. Did you mean",
        ),
        ("core and alonee", "at character 10 'alonee' was found"),
        ("norm>rms", "at character 5 '>' was found, expected = or != after norm"),
        ("norm=rsm", "'rsm' was found, expected one of none, pre, rms, for norm"),
        ("(core", "at character 6 the end was found, expected `and`, `or` or `)`"),
        ("core)", "at character 5 ')' was found, expected `and`, `or` or the end"),
        ("core alone", "at character 6 'alone' was found, expected `and`, `or`"),
        ("not", "at character 4 the end was found, expected a field, a name"),
        ("and core", "at character 1 'and' was found"),
        ("layers=and", "at character 8 'and' was found, expected a value"),
        ("core & alone", "at character 6 '&' was found"),
        ("! alone", "at character 1 '!' was found"),
        ("layers=-1", "'-1' was found, expected a whole number"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        parse_suite(text)
    assert words in str(error.value)
    assert "The fields are layers, heads" in str(error.value)


def test_long_and_deep_expressions_end_in_an_error_or_a_value() -> None:
    deep = "(" * DEEPEST + "alone" + ")" * DEEPEST
    assert parse_suite(deep) == parse_suite("alone")
    for text in (f"({deep})", "(" * 900, "not " * 240 + "alone"):
        with pytest.raises(InputError, match=f"at most {DEEPEST} inside one another"):
            parse_suite(text)
    with pytest.raises(InputError, match="at most"):
        parse_suite("not " * MOST_CHARACTERS)


def test_a_single_word_is_no_expression() -> None:
    assert not is_expression("sort-siit") and not is_expression(" core ")
    assert is_expression("not core") and is_expression("layers>1")
    assert parse("a=1", Fields(numbers=("a",))).asks == {"a"}


def test_the_name_of_a_release_is_a_suite_of_one() -> None:
    every = list_versions()
    (one,) = choose("sort-siit", every)
    last = max(r["version"] for r in every if r["name"] == "sort-siit")
    assert (one["name"], one["version"]) == ("sort-siit", last)
    (first,) = choose(" sort-siit@1 ", every)
    assert (first["name"], first["version"]) == ("sort-siit", 1)
    assert choose("sort-siit@9", every) == choose("no-such-release", every) == []
    assert [r["name"] for r in zoo.releases(suite="sort-siit")] == ["sort-siit"]


def test_commands_share_the_suites(call: Call) -> None:
    found = call("releases", "--suite", "architecture=bert", "--json")
    names = [entry["name"] for entry in json.loads(found.out)]
    assert sorted(names) == sorted(encoders(list_versions()))
    for command in ("releases", "evaluate", "site", "download"):
        said = mistake(call, command, "--suite", "layers>=three")
        assert "at character 9 'three' was found" in said


def test_an_index_is_not_asked_what_only_files_say() -> None:
    with pytest.raises(InputError, match="alone, norm needs the files"):
        choose("norm=rms and not alone", [], "https://example.org")


def test_download_takes_a_name_or_a_suite(call: Call) -> None:
    assert "one of the two" in mistake(call, "download")
    assert "one of the two" in mistake(call, "download", "a", "--suite", "core")
    assert "from which index" in mistake(call, "download", "--suite", "core")
