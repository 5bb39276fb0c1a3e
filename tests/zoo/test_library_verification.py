"""`zoo verify --all`: every program of the library against the interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from queue import SimpleQueue

import pytest

import compiler.api
import zoo
from compiler.errors import InputError, NameLookupError
from compiler.passes.check import count_inputs
from tests.zoo.calls import Call, mistake
from zoo import library_verification
from zoo.commands.verify import library_lines
from zoo.library_verification import (
    LibraryVerification,
    ProgramVerification,
    verify_program,
)

FEW = {"limit": 100, "sample": 40, "seed": 0, "pairs": 50}


def row(name: str, **more: object) -> ProgramVerification:
    known = {"inputs": 10, "positions": 20, "complete": True, **more}
    return ProgramVerification(name, **known)  # type: ignore[arg-type]


def test_a_program_is_compared_with_the_interpreter_on_all_inputs_if_few():
    found = verify_program("modular_addition", {**FEW, "limit": 200}, False)
    assert (found.right, found.fault, found.complete) == (True, "", True)
    assert found.inputs == 13**2 < count_inputs(13, 2) == 182


def test_fewer_inputs_are_run_of_a_model_that_would_take_long(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("zoo.library_verification.WORK", 10)
    monkeypatch.setattr("zoo.library_verification.FEWEST", 7)
    found = verify_program("modular_addition", {**FEW, "limit": 200}, False)
    assert 0 < found.inputs <= 7 and found.right and not found.complete


def test_interchanges_are_counted_by_variable():
    found = verify_program("reverse", FEW, True)
    assert (found.inputs, found.complete) == (40, False)
    assert found.interchanges["opposite_index"] == 0


def test_a_wrong_output_is_found(monkeypatch: pytest.MonkeyPatch):
    make = compiler.api.compile_model

    def make_wrong(*arguments: object) -> object:
        model = make(*arguments)  # type: ignore[arg-type]
        weights = model.weights._replace(W_O=0 * model.weights.W_O)
        return replace(model, weights=weights)

    monkeypatch.setattr(compiler.api, "compile_model", make_wrong)
    found = verify_program("reverse", FEW, False)
    assert not found.right and found.wrong > 0
    assert found.fault.startswith(f"{found.wrong} wrong (output), on [")


def test_an_error_is_a_line_and_not_the_end(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise InputError("no such\n  vocabulary")

    monkeypatch.setattr(compiler.api, "compile_model", fail)
    assert verify_program("reverse", FEW, False).fault == "no such vocabulary"


def test_a_process_that_dies_costs_one_program():
    done: SimpleQueue[ProgramVerification] = SimpleQueue()
    worker = library_verification._Worker(["no JSON"], SimpleQueue(), done)
    assert worker.ask("sort").fault == "its process died, with status 1"
    assert worker.ask("sort").fault == "its process died, with status 1"
    worker.stop()


def test_a_process_that_has_not_read_its_line_is_closed():
    worker = library_verification._Worker([], SimpleQueue(), SimpleQueue())
    process = subprocess.Popen(
        [sys.executable, "-c", ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.wait()
    worker.process = process  # type: ignore[assignment]
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(b"sort\n")  # stays in the buffer: the pipe is broken
    worker.stop()
    assert process.stdin.closed and process.stdout.closed


def test_programs_are_checked_in_processes_of_their_own():
    shown: list[tuple[int, int]] = []
    found = zoo.verify_library(
        jobs=2,
        names=["modular_addition"],
        limit=200,
        progress=lambda *n: shown.append(n),
    )
    assert found.right and found.programs[0].inputs == 13**2
    assert shown == [(1, 1)]


def test_wrong_arguments_are_refused_before_anything_runs():
    with pytest.raises(InputError, match="jobs is 0"):
        zoo.verify_library(jobs=0)
    with pytest.raises(NameLookupError, match=r"'sortt'\. Did you mean 'sort'"):
        zoo.verify_library(names=["sortt"])


def test_the_summary_has_a_line_for_each_failure_and_says_what_was_sampled():
    rows = (
        row("good", worst=1e-7),
        row("drawn", complete=False),
        row("wrong", wrong=3, example="on ['a']: expected [1], found [2]"),
        row("swapped", interchanges={"x": 2, "y": 0}),
        ProgramVerification("broken", "wrong: 1 problem"),
    )
    lines = library_lines(LibraryVerification(rows), 20_000, 0)
    assert lines == [
        "wrong: 3 wrong (output), on ['a']: expected [1], found [2]",
        "swapped: 2 wrong (x)",
        "broken: wrong: 1 problem",
        "5 programs: 2 right, 3 not right",
        "  3 on all their inputs, 1 on a sample of 20,000 (seed 0)",
        "  40 inputs, 80 positions, 3 wrong",
        "  worst relative error of a number: 1.00e-07 (good)",
        "  0 CPU seconds to compile, 0 to compare",
        "  sampled: drawn",
    ]


@pytest.mark.parametrize("wrong", [True, False])
def test_the_command_ends_with_status_1_where_a_program_fails(
    call: Call, monkeypatch: pytest.MonkeyPatch, wrong: bool
):
    given: dict[str, object] = {}

    def verify(**options: object) -> LibraryVerification:
        given.update(options)
        return LibraryVerification((row("sort", wrong=int(wrong)),))

    monkeypatch.setattr(library_verification, "verify_library", verify)
    outcome = call("verify", "--all", "--jobs", 2, "--sample", 5)
    assert outcome.status == int(wrong)
    assert outcome.out.splitlines()[-5].startswith("1 program: ")
    assert (given["jobs"], given["sample"], given["limit"]) == (2, 5, 100_000)
    listed = json.loads(call("verify", "--all", "--json").out)
    assert listed[0]["program"] == "sort" and listed[0]["right"] is not wrong


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sort", "--all"], "so the name 'sort' cannot be given with it"),
        (["--all", "--quick", "--vocab", "[1]"], "so --quick and --vocab cannot be"),
        (["--all", "--max-len", "3"], "so --max-len cannot be given with it"),
        (["sort", "--jobs", "2"], "--jobs goes with --all"),
        ([], "name a folder, a release or a program, or give --all"),
    ],
)
def test_options_that_exclude_each_other_are_refused(
    call: Call, arguments: list[str], words: str
):
    assert words in mistake(call, "verify", *arguments)


def test_one_program_is_printed_as_json_with_the_same_keys(call: Call):
    out = call("verify", "modular_addition", "--interchange", "--json").out
    (found,) = json.loads(out)
    assert found["right"] and found["complete"] and found["interchanges"]
    assert set(found) == {*vars(row("x")), "right"}
