"""`zoo list`: every program and task, those of a family, those with a word."""

from __future__ import annotations

import json
import sys

import pytest

import programs
import zoo
from programs.facts import facts_of
from programs.texts import all_texts
from tests.zoo.calls import Call, Outcome, mistake


def table(outcome: Outcome) -> list[dict[str, str]]:
    """Return the rows that were printed into a pipe, by title."""
    titles, *rows = (line.split("\t") for line in outcome.out.splitlines())
    return [dict(zip(titles, row, strict=True)) for row in rows]


@pytest.fixture
def terminal(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is printed go to a terminal of 80 columns."""
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True)


def test_list_has_a_line_a_program_where_no_terminal_reads_it(call: Call):
    rows = table(call("list"))
    every, tasks = programs.all_programs(), zoo.tasks.all_tasks()
    written = [text.name for text in all_texts()]
    assert [r["name"] for r in rows] == [*every, *written, *tasks]
    for row in rows[: len(every)]:
        program = every[row["name"]]
        assert row["meaning"] == program.meaning.strip()
        assert row["family"] == program.family and row["kind"] == "program"
        setting = int(row["vocab"]), int(row["len"])
        assert setting == (len(program.vocab), program.max_len)


def test_list_searches_names_and_meanings(call: Call):
    every = programs.all_programs().values()
    wanted = {p.name for p in every if "median" in f"{p.name} {p.meaning}".lower()}
    shown = [row["name"] for row in table(call("list", "MEDIAN"))]
    assert wanted and wanted <= {*shown}
    assert not {*shown} & ({p.name for p in every} - wanted)
    both = table(call("list", "median", "--family", "statistics"))
    assert 0 < len(both) <= len(shown)


def test_a_text_that_nothing_has_is_answered_with_the_nearest(call: Call):
    message = mistake(call, "list", "histogrm")
    assert message.startswith("nothing has 'histogrm' in its name or meaning. Did you")
    assert "'histogram'" in message


@pytest.mark.usefixtures("terminal")
def test_list_has_every_program_once_and_its_whole_meaning(call: Call):
    outcome = call("list")
    assert outcome.status == 0
    lines = outcome.out.splitlines()
    assert max(map(len, lines)) <= 80
    every = programs.all_programs()
    tasks = zoo.tasks.all_tasks()
    start, rows, last = 0, {}, ""
    for line in lines[:-1]:
        if line.endswith("  meaning"):
            start = line.index("meaning")
        elif line:
            last = line[:start].strip() or last
            rows[last] = [*rows.get(last, []), line[start:]]
    assert len(rows) == len(every) + len(all_texts()) + len(tasks)
    expected = {
        (task.name, str(len(task.vocab)), str(task.n_ctx - 1)): task.meaning
        for task in tasks.values()
    }
    for program in every.values():
        setting = program.name, str(len(program.vocab)), str(program.max_len)
        expected[setting] = program.meaning
    for text in all_texts():
        expected[text.name, str(text.tokens), str(text.max_len)] = text.meaning
    for row, text in rows.items():
        meaning = expected.pop(tuple(row.split()))
        without_example = meaning.partition(": `")[0]
        assert " ".join(text) in (meaning, without_example, f"{without_example}.")
    assert not expected
    counts = {"programs": every, "programs in RASP text": all_texts(), "tasks": tasks}
    assert lines[-1] == ", ".join(
        f"{len(those)} of {len(those)} {words}" for words, those in counts.items()
    )


def test_list_shows_a_meaning_with_its_example_where_there_is_room(
    call: Call, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "200")
    assert programs.find("sort").meaning in call("list", "--family", "sort").out


def test_list_chooses_families_by_a_part_of_their_name(call: Call):
    of = [p.name for p in programs.all_programs().values() if "dyck" in p.family]
    assert of == [row["name"] for row in table(call("list", "--family", "DYCK"))]


def test_list_sizes_are_those_of_the_compiled_models(call: Call):
    config = zoo.compile("union_size").config
    rows = table(call("list", "union", "--family", "set ops", "--sizes"))
    (row,) = (row for row in rows if row["name"] == "union_size")
    sizes = [config.n_layers, config.n_heads, config.d_model, config.n_params]
    assert [int(v.replace(",", "")) for v in [*row.values()][5:]] == sizes


@pytest.mark.usefixtures("terminal")
def test_list_sizes_fit_a_terminal(call: Call):
    lines = call("list", "union", "--family", "set ops", "--sizes").out.splitlines()
    assert any("params" in line for line in lines)
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("options", "keeps"),
    [
        (["--difficulty", "1"], lambda f: f.difficulty == 1),
        (["--difficulty", "2-3"], lambda f: f.difficulty in (2, 3)),
        (["--difficulty", "4-"], lambda f: f.difficulty >= 4),
        (["--output", "boolean"], lambda f: f.output == "boolean"),
        (["--causal"], lambda f: f.causal),
        (["--not-causal"], lambda f: not f.causal),
        (["--corpus", "interpbench"], lambda f: "InterpBench" in f.corpora),
        (["--corpus", "MIPS"], lambda f: "MIPS" in f.corpora),
        (["--layers", "-1"], lambda f: f.layers == 1),
        (["--heads", "3-"], lambda f: f.heads >= 3),
        (
            ["--nodes", "2", "--variables", "4"],
            lambda f: (f.nodes, f.variables) == (2, 4),
        ),
        (["--no-attention"], lambda f: f.attending == 0),
        (
            ["--attention", "--output", "numerical"],
            lambda f: f.attending and f.output == "numerical",
        ),
    ],
)
def test_list_filters_by_what_is_known_of_programs(call: Call, options, keeps):
    found = [row["name"] for row in table(call("list", *options))]
    assert found == [n for n in programs.all_programs() if keeps(facts_of(n))]
    assert 0 < len(found) < len(programs.all_programs())


def test_the_filters_of_python_are_those_of_the_command(call: Call):
    found = zoo.list(difficulty=5, causal=True, layers="2-4", corpus="MIPS")
    options = ["--difficulty", "5", "--causal", "--layers", "2-4", "--corpus", "MIPS"]
    assert [e.name for e in found] == [r["name"] for r in table(call("list", *options))]
    assert found and all(e.kind == "program" for e in found)


def test_list_as_json_has_all_that_is_known(call: Call):
    (row,) = json.loads(call("list", "--json", "swap_min_max").out)
    facts = facts_of("swap_min_max")
    assert row["corpora"] == [*facts.corpora] and row["layers"] == facts.layers
    assert row["name"] == "swap_min_max" and row["kind"] == "program"
    assert json.loads(call("list", "--json", "sort", "--nodes", "99").out) == []


def test_a_filter_that_cannot_be_read_is_told(call: Call):
    for option in ("--layers", "--difficulty"):
        message = mistake(call, "list", option, "many")
        assert message.startswith(f"{option}: 'many' is no number and no range; write")
    assert "is empty" in mistake(call, "list", "--nodes", "4-2")
    message = mistake(call, "list", "--corpus", "interpbensh")
    assert message.startswith("no corpus has 'interpbensh' in its name. Did you mean")
    assert "TracrBench" in message


def test_an_unknown_family_is_answered_with_all_of_them(call: Call):
    message = mistake(call, "list", "--family", "nope")
    assert message.startswith("no family has 'nope' in its name. The families are: ")
    assert all(p.family in message for p in programs.all_programs().values())


def test_programs_in_rasp_text_are_listed_by_a_name_that_commands_take(call: Call):
    rows = table(call("list", "--family", "RASP text"))
    assert [(row["name"], row["kind"]) for row in rows] == [
        (text.name, "text") for text in all_texts()
    ]
    outcome = call("run", "paper/sort.rasp", "--max-len", 3, "--input", "cab")
    assert outcome.lines == [["a", "b", "c"]]
