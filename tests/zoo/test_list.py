"""`zoo list`: every program and task, those of a family, those with a word."""

from __future__ import annotations

import sys

import pytest

import programs
import zoo
from tests.zoo.calls import Call, mistake


@pytest.fixture
def terminal(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is printed go to a terminal of 80 columns."""
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda self: True)


def test_list_has_a_line_a_program_where_no_terminal_reads_it(call: Call):
    lines = call("list").out.splitlines()
    rows = [ln for ln in lines if ln.startswith("  ")]
    every = programs.all_programs()
    found = {row.split()[0]: row.split(None, 3)[3] for row in rows}
    assert len(found) == len(rows) and set(every) <= set(found)
    assert all(found[name] == p.meaning.strip() for name, p in every.items())


def test_list_searches_names_and_meanings(call: Call):
    every = programs.all_programs().values()
    wanted = {p.name for p in every if "median" in f"{p.name} {p.meaning}".lower()}
    outcome = call("list", "MEDIAN")
    shown = {ln.split()[0] for ln in outcome.out.splitlines() if ln[:2] == "  "}
    assert wanted and wanted <= shown
    assert not shown & ({p.name for p in every} - wanted)
    both = call("list", "median", "--family", "statistics")
    assert 0 < both.out.count("\n  ") <= outcome.out.count("\n  ")


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
    assert len(rows) == len(every) + len(tasks)
    expected = {
        (task.name, str(len(task.vocab)), str(task.n_ctx - 1)): task.meaning
        for task in tasks.values()
    }
    for program in every.values():
        setting = program.name, str(len(program.vocab)), str(program.max_len)
        expected[setting] = program.meaning
    for row, text in rows.items():
        meaning = expected.pop(tuple(row.split()))
        without_example = meaning.partition(": `")[0]
        assert " ".join(text) in (meaning, without_example, f"{without_example}.")
    assert not expected
    counts = (
        f"{len(every)} of {len(every)} programs, {len(tasks)} of {len(tasks)} tasks"
    )
    assert lines[-1] == counts


def test_list_shows_a_meaning_with_its_example_where_there_is_room(
    call: Call, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COLUMNS", "200")
    assert programs.find("sort").meaning in call("list", "--family", "sort").out


def test_list_chooses_families_by_a_part_of_their_name(call: Call):
    outcome = call("list", "--family", "DYCK")
    of = [p for p in programs.all_programs().values() if "dyck" in p.family]
    assert of
    assert outcome.out.splitlines()[-1].startswith(f"{len(of)} of ")
    assert all(f"  {p.name} " in outcome.out for p in of)
    assert "\n  sort " not in outcome.out


def test_list_sizes_are_those_of_the_compiled_models(call: Call):
    outcome = call("list", "--family", "set ops", "--sizes")
    config = zoo.compile("union_size").config
    (row,) = (ln for ln in outcome.out.splitlines() if "union_size" in ln)
    sizes = [config.n_layers, config.n_heads, config.d_model, config.n_params]
    assert [int(w.replace(",", "")) for w in row.split()[3:]] == sizes
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_an_unknown_family_is_answered_with_all_of_them(call: Call):
    message = mistake(call, "list", "--family", "nope")
    assert message.startswith("no family has 'nope' in its name. The families are: ")
    assert all(p.family in message for p in programs.all_programs().values())
