"""Candidates for a program: compared with the definition, one input after the other."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import zoo
from compiler.errors import InputError, NameLookupError
from compiler.text.program import read_program
from compiler.text.source import SourceText
from tests.oracle import evaluate
from zoo.cli import app
from zoo.commands.score_program import read_candidate

SET = 'set vocab "abc"\nset max_len 3\n'
REVERSE = "x = aggregate(select(indices, length - 1 - indices, ==), tokens);"
REFERENCE = SET + REVERSE
LONGER = (
    "back = named(length - indices, 'back');\n"
    "other = named(back - 1, 'other');\n"
    "x = aggregate(select(indices, other, ==), tokens);"
)
INPUTS = [row for n in (1, 2, 3) for row in itertools.product("abc", repeat=n)]


def outputs(text: str) -> list[list[Any]]:
    program = read_program(SourceText(text if "set" in text else SET + text)).build()
    return [list(evaluate(program, row)) for row in INPUTS]


@pytest.mark.parametrize(
    "text",
    [
        REVERSE,
        LONGER,
        "x = tokens;",
        "x = length;",
        "x = 'a' if indices == 0 else 'b';",
    ],
)
def test_a_report_says_what_enumeration_says(text: str) -> None:
    (report,) = zoo.score_programs(REFERENCE, text)
    right, said = outputs(REFERENCE), outputs(text)
    flat = (itertools.chain.from_iterable(rows) for rows in (right, said))
    same = [a == b for a, b in zip(*flat, strict=True)]
    assert report.right is not None and report.complete
    assert (report.inputs, report.right.share) == (39, sum(same) / len(same))
    assert report.equivalent == all(same)
    if report.counterexample is not None:
        found = report.counterexample
        first = next(i for i, row in enumerate(INPUTS) if right[i] != said[i])
        assert found.tokens == INPUTS[first]
        place = next(p for p, a in enumerate(right[first]) if a != said[first][p])
        assert (found.position, found.true) == (place, right[first][place])
        assert found.claimed == said[first][place]


def test_other_names_are_the_same_program_and_another_way_is_not() -> None:
    other = "place = length - 1 - indices;\n"
    other += "last = aggregate(select(indices, place, ==), tokens);"
    for text, exact in ((REFERENCE, True), (other, True), (LONGER, False)):
        (report,) = zoo.score_programs(REFERENCE, text)
        assert report.equivalent and report.exact == exact, report
    assert (report.size, report.shortest) == (4, 3)


def test_a_sampled_program_is_itself() -> None:
    drawn = zoo.sample(2, layers=2, vocab="abc", max_len=3, progress=False).programs
    first, second = (program.text for program in drawn)
    reports = zoo.score_programs(first, [first, second])
    assert (
        [r.exact for r in reports] == [r.equivalent for r in reports] == [True, False]
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = tokns;", "nothing is called tokns here"),
        ("x = ;", "line 1"),
        ("x = select(tokens, tokens, ==);", "defines no sequence"),
        (
            "x = tokens;\n"
            + "".join(f"x = x if x == '{i}' else 'a';" for i in range(400)),
            "a claim may have 300",
        ),
        ("x = {'a': 1}[tokens];", "x"),
    ],
)
def test_a_candidate_that_cannot_be_used_says_why_and_others_go_on(
    text: str, words: str
) -> None:
    bad, good = zoo.score_programs(REFERENCE, [text, REVERSE])
    assert bad.error is not None and words in bad.error
    assert not bad.equivalent and good.equivalent
    assert bad.text.startswith("1: cannot be used") and "\n" not in bad.text


def test_a_candidate_may_say_its_own_reference() -> None:
    lines = [
        {"id": "a", "text": "y = tokens;", "reference": SET + "x = tokens;"},
        REVERSE,
    ]
    reports = zoo.score_programs(REFERENCE, lines)
    assert [(r.name, r.equivalent) for r in reports] == [("a", True), ("2", True)]


def test_a_candidate_cannot_name_a_file_as_its_reference(tmp_path: Path) -> None:
    """Lines may come from anywhere, and a file of Python would be run."""
    (tmp_path / "mine.py").write_text("raise SystemExit")
    for named in (str(tmp_path / "mine.py"), "mine.py:x", "hf://a/b"):
        (report,) = zoo.score_programs(REFERENCE, {"text": REVERSE, "reference": named})
        assert report.error is not None and "a file or an address" in report.error
    with pytest.raises(InputError, match="its text is None"):
        zoo.score_programs(REFERENCE, {"program": REVERSE})


def test_a_sample_of_inputs_is_called_one() -> None:
    (report,) = zoo.score_programs(REFERENCE, REVERSE, inputs=10)
    assert not report.complete and report.inputs == 10
    assert "equal on a sample of 10 inputs" in report.text


def test_a_model_in_a_folder_is_compared_with_its_program(tmp_path: Path) -> None:
    model = zoo.compile(REFERENCE)
    zoo.save(model, tmp_path / "model")
    for source in (model, tmp_path / "model"):
        wrong, right = zoo.score_programs(source, ["x = tokens;", REVERSE])
        assert right.equivalent and not wrong.equivalent


def test_what_cannot_be_compared_with_is_refused() -> None:
    with pytest.raises(NameLookupError, match="Did you mean 'reverse'"):
        zoo.score_programs("revers", REVERSE)
    with pytest.raises(InputError, match="inputs is 0"):
        zoo.score_programs(REFERENCE, REVERSE, inputs=0)
    with pytest.raises(InputError, match=r"seconds is 0\.0"):
        zoo.score_programs(REFERENCE, REVERSE, seconds=0.0)


# The command -----------------------------------------------------------------------

LINES = [
    json.dumps({"id": 7, "text": REVERSE}),
    '{"text": ',
    "",
    json.dumps("x = tokens;"),
    '{"txt": "x = tokens;"}',
    json.dumps({"text": "x = tokens;", "reference": SET + "y = tokens;"}),
]


def test_a_line_that_is_not_json_is_told_by_its_number_and_others_go_on(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.jsonl").write_text("\n".join(LINES))
    done = CliRunner().invoke(
        app, ["score-program", REFERENCE, str(tmp_path / "a.jsonl")]
    )
    assert done.exit_code == 1
    told = done.stderr.splitlines()
    assert [line.split(":")[0] for line in told] == ["line 2", "line 5"]
    assert "it is not JSON" in told[0] and "an object whose text" in told[1]
    names = [line.split(":")[0] for line in done.stdout.splitlines()]
    assert names == ["7", "4", "6"]
    assert "7: equal on all 39 inputs" in done.stdout
    assert "differs: ['a', 'b'] gives 'a' at token 0, not 'b'" in done.stdout


def test_json_lines_come_from_standard_input_with_references_of_their_own() -> None:
    given = "\n".join([LINES[5], LINES[0]])
    done = CliRunner().invoke(app, ["score-program", "-", "-", "--json"], input=given)
    (said,) = map(json.loads, done.stdout.splitlines())
    assert said["equivalent"] and said["exact"] and said["counterexample"] is None
    assert (said["id"], said["size"], said["shortest"]) == ("1", 1, 1)
    assert done.exit_code == 1 and "line 2: 7: it says no reference" in done.stderr


def test_a_candidate_is_a_text_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.rasp").write_text(REFERENCE)
    for candidate in (REVERSE, str(tmp_path / "x.rasp")):
        done = CliRunner().invoke(app, ["score-program", REFERENCE, candidate])
        assert (done.exit_code, done.stdout) == (
            0,
            "1: equal on all 39 inputs, the same program; 3 variables, known: 3\n",
        )
    done = CliRunner().invoke(app, ["score-program", REFERENCE, "missing.rasp"])
    assert isinstance(done.exception, InputError)
    assert "there is no such file, and it is no RASP text" in str(done.exception)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"[1]", "neither a JSON string nor an object"),
        (b'{"text": "x", "id": [1]}', "its id is"),
        (b'{"text": "x", "reference": 3}', "its reference is 3"),
        (b"[" * 100_000, "it is not JSON"),
        (b"\xff\xfe", "it is not JSON"),
        (b'"' + b"x" * 2**20 + b'"', "bytes, and at most"),
    ],
)
def test_a_malformed_line_is_refused(line: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_candidate(line)


def test_a_candidate_that_is_causal_stays_so() -> None:
    # Position i of a causal program sees i + 1 tokens, of another one all of them.
    text = SET + "x = selector_width(full_s);"
    (same,) = zoo.score_programs(text, "x = selector_width(full_s);")
    assert same.equivalent and same.exact
    (causal,) = zoo.score_programs(text, "set causal True\nx = selector_width(full_s);")
    assert causal.right is not None and not causal.exact
    # Over 3 + 9 + 27 inputs, the last position alone is right: 39 of 3 + 18 + 81.
    assert causal.right.share == 39 / 102
    found = causal.counterexample
    assert found is not None
    assert (found.tokens, found.claimed, found.true) == (("a", "a"), 1, 2)
    (own,) = zoo.score_programs(
        f"set causal True\n{text}", "x = selector_width(full_s);"
    )
    assert own.equivalent  # one that says nothing attends as what it is compared with


@pytest.mark.parametrize("seconds", [float("inf"), 1e300, 1e12])
def test_any_time_may_be_given(seconds: float) -> None:
    (report,) = zoo.score_programs(REFERENCE, REVERSE, seconds=seconds)
    assert report.equivalent
