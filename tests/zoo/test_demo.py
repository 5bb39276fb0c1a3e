"""`make demo`: every step is there, the figures hold, a bad input is told."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

import zoo
from zoo import demo


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Verify fewer inputs, in a folder of the test's own."""
    monkeypatch.setattr(demo, "SAMPLE", 500)
    monkeypatch.setattr(demo, "PAIRS", 50)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def unpublished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the release out: its audit is the slow part."""
    monkeypatch.setattr(demo, "show_release", lambda *arguments: None)


@pytest.mark.usefixtures("unpublished")
@pytest.mark.parametrize("given", [None, [4, 4, 4]])
def test_the_demonstration_sorts_patches_and_saves(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: list[int] | None
):
    arguments = [] if given is None else ["--input", json.dumps(given), "--out", "here"]
    demo.main(arguments)
    printed = capsys.readouterr()
    tokens = given or [3, 1, 4, 1, 2, 4, 2]
    right = f"{tokens} -> {sorted(tokens)}"
    assert printed.err == ""
    assert [ln[:2] for ln in printed.out.splitlines() if ln[:1].isdigit()] == [
        f"{step}." for step in range(1, 8)
    ]
    assert f"  {right}" in printed.out
    assert "500 inputs" in printed.out
    assert " 0 wrong" in printed.out
    assert max(map(len, printed.out.splitlines())) <= 80

    after = dict(pairwise(printed.out.splitlines()))
    effects = {" outside ": [], "in the circuit": []}
    for line, following in after.items():
        for where in effects:
            if where in line and " -> " in following:
                effects[where].append(following.partition(" -> ")[2])
    assert effects[" outside "]
    assert set(effects[" outside "]) == {str(sorted(tokens))}
    assert any(output != str(sorted(tokens)) for output in effects["in the circuit"])

    out = tmp_path / ("out/demo" if given is None else "here")
    names = sorted(p.name for p in out.iterdir())
    assert names == ["sort", "sort.png", "sort.svg"]
    assert zoo.load(out / "sort")(tokens) == sorted(tokens)


def test_it_publishes_twice_into_the_same_folder(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(demo, "VOCAB", [1, 2])
    monkeypatch.setattr(demo, "MAX_LEN", 3)
    for _ in range(2):
        demo.main(["--input", "[2,1]"])
        printed = capsys.readouterr()
        assert printed.err == ""
        assert "    0 of " in printed.out and "figures differ" in printed.out
        claims = [ln for ln in printed.out.splitlines() if ", at least 1" in ln]
        assert len(claims) == 6 and all(" 1.0000, " in ln for ln in claims)
    assert zoo.load(tmp_path / "out/demo/releases/sort-demo")([2, 1]) == [1, 2]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            "[3,1",
            "--input '[3,1' is not a list of numbers; write '[3,1,2]', with tokens",
        ),
        ("7", "--input '7' is not a list of numbers; write '[3,1,2]'"),
        ("[]", "--input '[]' is not a list of numbers; write '[3,1,2]'"),
        ("[9]", "sort: the token at position 0 is 9, which is not in the vocabulary"),
        ("[[1]]", "sort: the token at position 0 is [1], which is not in the"),
        (str([1] * 11), "sort: the input has 11 tokens, and the model takes at most"),
    ],
)
def test_a_bad_input_has_status_2_and_a_message(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, given: str, expected: str
):
    with pytest.raises(SystemExit) as stop:
        demo.main(["--input", given])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {expected}")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_place_of_the_folder_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    (tmp_path / "f").write_text("")
    with pytest.raises(SystemExit) as stop:
        demo.main(["--out", "f"])
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")
