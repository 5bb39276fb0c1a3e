"""Releases that say what they are pass `zoo verify`, and it says what it believes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zoo
from compiler.errors import InputError
from compiler.rasp import EQ, Aggregate, Select, indices, length, tokens
from compiler.rasp.program import program
from tests.zoo.release.conftest import made_up
from zoo.release import pair_rows, wordings
from zoo.release.build import Draft, make_files
from zoo.release.check import check_release
from zoo.release.differences import (
    array_differences,
    json_differences,
    text_differences,
)
from zoo.release.origin import origin_of
from zoo.release.tables import to_parquet

SHELF = Path(__file__).parents[3] / "releases"


@pytest.mark.parametrize("name", ["sort-rotated", "maximum-siit.v2"])
def test_a_published_release_passes(name):
    found = check_release(SHELF / name, quick=True)
    assert list(map(str, found.differences)) == []
    how = {check.file: check.how for check in found.checks}
    files = {
        p.relative_to(SHELF / name).as_posix() for p in (SHELF / name).rglob("*.*")
    }
    assert files <= set(how)
    assert how["data/test.parquet"] == "made again: same bytes"
    # The card of a sampled audit says today what that audit left out.
    full = found.scope == "full"
    assert full == name.endswith(".v2")
    assert how["README.md"] == f"made again: same {'bytes' if full else 'content'}"
    kinds = {how["model.safetensors"], how["certificate.json"]}
    expected = {"partly: no audit was run"}
    assert kinds == expected | ({"made again: same bytes"} if "rot" in name else set())


@program(family="mine", vocab="ab", max_len=3, example=("ab", "ba"))
def backwards():
    """The tokens backwards."""
    return Aggregate(Select(indices, length - 1 - indices, EQ), tokens)


def test_the_words_of_an_unknown_author_are_taken_on_trust():
    model = zoo.compile(backwards)
    found = origin_of(model, None)
    assert found.weights
    assert found.problems == ()
    (said,) = found.trusted
    assert 'the program "backwards"' in said
    loud = zoo.Model(
        **{**vars_of(model), "facts": {**model.facts, "source": "import os"}}
    )
    (problem,) = origin_of(loud, None).problems
    assert problem.place == "facts, source"
    assert problem.expected == "the text of one Python function"


def test_a_compressed_model_follows_from_its_directions():
    model = zoo.compress("reverse", 12, vocab="ab", max_len=3, steps=2).model
    found = origin_of(model, None)
    assert found.problems == ()
    assert found.weights
    for one, other in zip(model.weights, found.model.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    assert dict(found.model.facts) == dict(model.facts)


def test_a_folder_that_is_no_release_is_told_so(tmp_path):
    zoo.save(zoo.compile(backwards), tmp_path / "model")
    with pytest.raises(InputError, match="is not a release"):
        check_release(tmp_path / "model")


def test_1_and_true_and_10_are_three_values():
    said, expected = (
        {"a": [1, True, {"b": 1.0}]},
        {"a": [1.0, 1, {"b": 1.0, "c": None}]},
    )
    found = [d.place for d in json_differences("x.json", said, expected)]
    assert found == ["a[0]", "a[1]", "a[2], c"]


def test_numbers_within_the_tolerance_are_the_same_and_no_number_is_not():
    right = np.array([1.0, 100.0])
    assert not list(array_differences("x", right + 0.0009, right, "w", 1e-5))
    (found,) = array_differences("x", right + np.array([0.0, 0.01]), right, "w", 1e-5)
    assert found.place == "w[1]"
    assert list(array_differences("x", np.array([np.nan, 100]), right, "w", 1.0))
    assert list(json_differences("x", [[0.0]], [[1.0, 2.0]]))


def test_lines_are_shown_from_where_they_part_and_escaped():
    before = b"a" * 200 + b"\x1b[2J"
    (found,) = text_differences("x", before + b"\nb", b"a" * 200 + b"!\nb")
    assert found.place == "line 1"
    assert "\\u001b[2J" in found.found
    assert len(found.found) < 70


def test_a_sentence_of_an_earlier_writer_is_known(monkeypatch):
    monkeypatch.setattr(wordings, "EARLIER", {"was so": "is so"})
    assert wordings.today("It was so.") == "It is so."


def test_rows_by_another_version_of_the_library_need_not_be_the_same_bytes():
    row = {"clean": ["a"], "corrupt": ["b"], "position": 0}
    data = to_parquet([row])
    ours = b"parquet-cpp-arrow version "
    at = data.index(ours) + len(ours)
    other = data[:at] + b"9" + data[at + 1 :]
    assert other != data
    found = pair_rows.compare_tables("x", other, data)
    assert (found.same_bytes, found.wrong, found.differences) == (False, (), ())
    mine = data[:at] + b"x" + data[at + 1 :]
    (told,) = pair_rows.compare_tables("x", mine, data).differences
    assert told.place == "created_by"


def test_an_option_of_the_compiler_keeps_its_place_in_the_card():
    model = zoo.compile("reverse", vocab="ab", max_len=3, decoys=1)
    turned = dict(sorted(model.facts["options"].items(), reverse=True))
    other = zoo.Model(**{**vars_of(model), "facts": {**model.facts, "options": turned}})
    cards = [
        make_files(Draft("x", 1, m, made_up(m)))["README.md"] for m in (model, other)
    ]
    assert cards[0] == cards[1]
    assert b'{"options": {"rotate": null, ' in cards[0]


def vars_of(model) -> dict:
    from dataclasses import fields

    return {f.name: getattr(model, f.name) for f in fields(zoo.Model)}
