"""The command line as a user calls it: what it prints, its status, its messages.

Every call runs `zoo.cli.main` in this process. A user's mistake ends with status 2 and
a message on stderr that names the place and the remedy, never with a traceback; where
a model runs, its output is compared with Python's own.
"""

from __future__ import annotations

import importlib.metadata
import io
import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import programs
import zoo
import zoo.cli
from compiler.api import to_model
from compiler.emit import emit
from compiler.machine.names import Edge
from compiler.pipeline import STAGES, compile_stages, read_source
from tests.zoo.calls import Call, Outcome, mistake
from zoo.cli import app

SMALL = ("--vocab", "[1,2,3]", "--max-len", "4")


@pytest.fixture(scope="module")
def saved_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that `zoo compile sort` writes for 1, 2, 3."""
    out = tmp_path_factory.mktemp("compiled") / "saved"
    with pytest.MonkeyPatch.context() as patch:
        command = ["zoo", "compile", "sort", "--out", str(out), *SMALL]
        patch.setattr(sys, "argv", command)
        with pytest.raises(SystemExit) as stop:
            zoo.cli.main()
    assert not stop.value.code
    return out


@pytest.fixture
def saved(call: Call, saved_once: Path, tmp_path: Path) -> Path:
    """Return the folder of a saved sort of 1, 2, 3, for this test alone."""
    shutil.copytree(saved_once, tmp_path / "saved")
    return tmp_path / "saved"


# The whole ------------------------------------------------------------------------


def test_help_names_every_command_in_whole_sentences(call: Call):
    outcome = call("--help")
    assert outcome.status == 0
    names = [command.name for command in app.registered_commands]
    for name in names:
        (row,) = (ln for ln in outcome.out.splitlines() if ln.startswith(f"  {name} "))
        assert row.endswith("."), "typer cuts a sentence that is too long"
        assert not row.endswith("...")
        assert call(name, "--help").status == 0


def test_help_is_text_in_a_process_without_checked_types():
    # Types checked at every call, as in these tests, hide that bytes were written.
    command = [sys.executable, "-m", "zoo", "--help"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout.startswith(b"Usage: ")


def test_the_version_is_that_of_the_checkout(call: Call):
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    version = tomllib.loads(text)["project"]["version"]
    assert call("--version") == Outcome(0, f"circuitzoo {version}\n", "")


@pytest.mark.parametrize(
    "beside", ["", "not toml", '[project]\nname = "other"\nversion = "9"\n']
)
def test_the_version_is_that_of_the_package_where_it_is_installed(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, beside: str
):
    if beside:
        (tmp_path / "pyproject.toml").write_text(beside)
    monkeypatch.setattr(zoo.cli, "ROOT", tmp_path)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: f"1.2.3 {name}")
    assert call("--version").out == "circuitzoo 1.2.3 circuitzoo\n"


def test_what_is_neither_a_checkout_nor_installed_has_no_version(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(zoo.cli, "ROOT", tmp_path)
    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert "unknown version" in call("--version").out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nope"], "No such command 'nope'"),
        (["run"], "Missing argument 'NAME|DIR|"),
        (["compile", "sort"], "Missing option '--out'"),
        (["run", "sort", "--nope"], "No such option: --nope"),
        (["show", "sort", "--max-len", "0"], "Invalid value for '--max-len'"),
        (["show", "sort", "--max-len", "x"], "Invalid value for '--max-len'"),
        (["compile", "sort", "--out=x", "--decoys=-1"], "Invalid value for '--decoys'"),
    ],
)
def test_wrong_use_has_status_2(call: Call, arguments: list[str], expected: str):
    outcome = call(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert expected in outcome.err
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("command", ["run", "show", "verify", "audit"])
def test_an_unknown_program_offers_the_nearest_names(call: Call, command: str):
    extra = ["--input", "[1]"] if command == "run" else []
    message = mistake(call, command, "revers", *extra)
    expected = "no release or program is named 'revers'. Did you mean 'reverse'"
    assert message.startswith(expected)


@pytest.mark.parametrize("command", ["run", "show", "verify"])
def test_a_missing_folder_is_named(call: Call, command: str):
    extra = ["--input", "[1]"] if command == "run" else []
    message = mistake(call, command, "./gone", *extra)
    assert message.startswith("gone: found nothing, expected the folder of a saved")


@pytest.mark.parametrize("command", ["run", "show", "verify", "audit"])
def test_a_file_is_called_one(call: Call, tmp_path: Path, command: str):
    (tmp_path / "README.md").write_text("words")
    extra = ["--input", "[1]"] if command == "run" else []
    for name in ("README.md", "./README.md"):
        message = mistake(call, command, name, *extra)
        assert message.startswith(f"{name} is a file, and not a model's folder.")


# show -----------------------------------------------------------------------------


def test_show_prints_every_section(call: Call):
    outcome = call("show", "reverse")
    assert outcome.status == 0
    titles = [ln for ln in outcome.out.splitlines() if ln and ln == ln.upper()]
    assert titles == ["PROGRAM", "VARIABLES", "SCHEDULE", "CIRCUIT", "SIZES"]


@pytest.mark.parametrize("stage", STAGES)
def test_show_emits_each_stage_as_the_compiler_does(call: Call, stage: str):
    stages = compile_stages(read_source(programs.find("reverse"), [1, 2], 3))
    outcome = call(
        "show", "reverse", "--emit", stage, "--vocab", "[1,2]", "--max-len", "3"
    )
    assert outcome == Outcome(0, emit(stages, stage) + "\n", "")


def test_an_unknown_stage_is_answered_with_all_of_them(call: Call):
    message = mistake(call, "show", "reverse", "--emit", "tiped")
    names = "program, graph, typed, scheduled, laid_out, compiled"
    assert message == (
        f"--emit: no stage is named 'tiped'; the stages are {names}. `--emit rasp` "
        "prints the program as RASP text"
    )


@pytest.mark.parametrize("extra", [[], ["--emit", "typed"]])
def test_show_writes_the_picture_beside_what_it_prints(
    call: Call, tmp_path: Path, extra: list[str]
):
    plain = call("show", "reverse", *extra).out
    outcome = call("show", "reverse", "--picture", "r.svg", *extra)
    assert outcome.status == 0
    assert outcome.out.startswith(plain)
    assert (tmp_path / "r.svg").read_text(encoding="utf-8").startswith("<svg ")


@pytest.mark.parametrize(
    ("path", "why"),
    [("r.pdf", "its name ends in '.pdf'"), ("r", "its name has no ending")],
)
def test_a_picture_of_another_format_is_refused_at_once(
    call: Call, tmp_path: Path, path: str, why: str
):
    expected = (
        f"cannot write a picture to '{path}': {why}. Give a name that ends in .svg or "
        ".png"
    )
    assert mistake(call, "show", "reverse", "--picture", path) == expected
    assert not list(tmp_path.iterdir())


def test_a_picture_in_a_missing_folder_is_refused_before_anything_is_printed(
    call: Call,
):
    message = mistake(call, "show", "reverse", "--picture", "no/r.svg")
    remedy = "there is no folder no. Make it, or write elsewhere"
    assert message == f"{Path('no/r.svg')}: {remedy}"


# run ------------------------------------------------------------------------------


def test_run_prints_one_list_an_input(call: Call):
    outcome = call("run", "sort", "--input", "[3,1,2]")
    assert outcome == Outcome(0, "[1, 2, 3]\n", "")
    several = [[3, 1, 2], [4], [2, 2, 1, 1]]
    assert call("run", "sort", "--input", json.dumps(several)).lines == [
        sorted(s) for s in several
    ]


@pytest.mark.parametrize("text", ["abca", '"abca"', '["a","b","c","a"]'])
def test_run_takes_letters_without_quotes(call: Call, text: str):
    assert call("run", "reverse", "--input", text).lines == [list("acba")]


def test_run_says_none_as_null_and_a_fraction_as_a_number(call: Call):
    assert call("run", "second_maximum", "--input", "[8]").lines == [[None]]
    (found,) = call("run", "mean", "--input", "[1,2]").lines
    assert found == [1.5, 1.5]


def test_run_takes_tuples_as_lists(call: Call):
    """The tokens of key_value_lookup are pairs, and JSON has only lists."""
    one = [["a", 1], ["b", 2], ["a", "?"]]
    expected = [None, None, 1]
    assert call("run", "key_value_lookup", "--input", json.dumps(one)).lines == [
        expected
    ]
    two = [one, one]
    assert call("run", "key_value_lookup", "--input", json.dumps(two)).lines == [
        expected,
        expected,
    ]
    vocab = [["a", 1], ["b", 2], ["a", "?"]]
    found = call(
        "run", "key_value_lookup", "--input", json.dumps(one), "--vocab",
        json.dumps(vocab),
    )  # fmt: skip
    assert found.lines == [expected]


def test_run_prints_tuples_as_lists(call: Call):
    name, given = "dirichlet_posterior_mean", ["--input", "[0,2]", "--max-len", "2"]
    (found,) = call("run", name, *given).lines
    assert found == [[0.5, 0.25, 0.25], pytest.approx([0.4, 0.2, 0.4])]


def test_run_reads_a_file_line_by_line(call: Call, tmp_path: Path):
    rows = [[3, 1], [2, 2, 1], [4]]
    text = "\n\n".join(json.dumps(row) for row in rows)
    (tmp_path / "in.jsonl").write_text(text, encoding="utf-8")
    outcome = call("run", "sort", "--input-file", "in.jsonl")
    assert outcome.lines == [sorted(row) for row in rows]


def test_run_reads_standard_input(call: Call, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("[2,1]\n[4,3]\n"))
    assert call("run", "sort", "--input-file", "-").lines == [[1, 2], [3, 4]]


def test_run_takes_another_vocabulary_and_length(call: Call):
    tokens = [9, 7, 8, 7, 9, 7, 8, 7, 9, 7]
    outcome = call(
        "run", "sort", "--vocab", "[7,8,9]", "--max-len", 10, "--input", tokens
    )
    assert outcome.lines == [sorted(tokens)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            "[3,9]",
            "--input: sort: the token at position 1 is 9, which is not in the "
            "vocabulary (1..4); use tokens of it, or compile with another vocabulary",
        ),
        ('["3"]', "--input: sort: the token at position 0 is '3', which is not in"),
        ("[true]", "--input: sort: the token at position 0 is True, which is not in"),
        ("[null]", "--input: sort: the token at position 0 is None, which is not in"),
        ("[NaN]", "--input: sort: the token at position 0 is nan, which is not in"),
        ('[{"a":1}]', "--input: sort: the token at position 0 is {'a': 1}, which"),
        ("[[1],2]", "--input: sort: the token at position 0 is (1,), which is not in"),
        (
            "[1,1,1,1,1,1,1,1,1]",
            "--input: sort: the input has 9 tokens, and the model takes at most 8; "
            "compile it with a larger max_len",
        ),
        ("[]", "--input: sort: the input is empty; give between 1 and 8 tokens"),
        ("[[],[1]]", "--input: sort: the input is empty; give between 1 and 8 tokens"),
        ("3", "--input: '3' is not a list; write '[3,1,2]'"),
        ('{"a":1}', "--input: '{\"a\":1}' is not a list; write '[3,1,2]'"),
        ("[3,1", "--input: '[3,1' is not JSON (Expecting ',' delimiter: line 1 column"),
        ("", "--input: '' is not JSON (Expecting value"),
        ("[" * 100_000, "--input: lists in lists without end"),
    ],
)
def test_an_input_that_cannot_be_run(call: Call, given: str, expected: str):
    assert mistake(call, "run", "sort", "--input", given).startswith(expected)


@pytest.mark.parametrize(
    ("vocab", "expected"),
    [
        ("[1,2,1]", "the vocabulary holds 1 more than once; tokens must be distinct"),
        ("[1,null]", "the vocabulary holds None, which stands for 'nothing selected'"),
        ('["a",[2]]', "the vocabulary mixes strings and tuples: 'a', (2,); use tokens"),
        ("[1,true]", "the vocabulary mixes booleans and numbers: 1, True; use tokens"),
        ("[1,[2]]", "the vocabulary mixes numbers and tuples: 1, (2,); use tokens of"),
        ("[]", "the vocabulary is empty; give at least one token"),
        ("[{}]", "the vocabulary cannot be used: {} is a dict"),
        ("[NaN]", "the vocabulary cannot be used: nan is not finite"),
        ("{}", "--vocab: '{}' is not a list; write '[3,1,2]'"),
        ("1,2", "--vocab: '1,2' is not JSON (Extra data: line 1 column 2"),
    ],
)
@pytest.mark.parametrize("command", ["run", "show"])
def test_a_vocabulary_that_cannot_be_used(
    call: Call, command: str, vocab: str, expected: str
):
    extra = ["--input", "[1]"] if command == "run" else []
    message = mistake(call, command, "sort", "--vocab", vocab, *extra)
    assert message.startswith(expected)


@pytest.mark.parametrize("both", [[], ["--input", "[1]", "--input-file", "x"]])
def test_run_wants_one_kind_of_input(call: Call, both: list[str]):
    expected = "give --input or --input-file, one of the two"
    assert mistake(call, "run", "sort", *both) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[1]\n\n[9]\n", "f, line 3: sort: the token at position 0 is 9, which is"),
        (b"[1]\n[2\n", "f, line 2: '[2' is not JSON"),
        (b"[1]\n7\n", "f, line 2: '7' is not a list; write '[3,1,2]'"),
        (b"\n \n", "f: there is no input in it"),
        (b"\xff", "f: is not UTF-8 text"),
        (None, "f: No such file or directory"),
    ],
)
def test_a_fault_in_a_file_is_told_with_its_line(
    call: Call, tmp_path: Path, content: bytes | None, expected: str
):
    if content is not None:
        (tmp_path / "f").write_bytes(content)
    message = mistake(call, "run", "sort", "--input-file", "f")
    assert message.startswith(expected)


# compile, and what is done with a folder ------------------------------------------


def test_a_compiled_model_runs_verifies_and_shows(call: Call, saved: Path):
    assert call("run", saved, "--input", "[3,1,3,2]").lines == [[1, 2, 3, 3]]
    verified = call("verify", saved)
    assert verified.status == 0
    inputs = sum(3**n for n in range(1, 5))
    positions = sum(n * 3**n for n in range(1, 5))
    assert verified.out.splitlines()[:2] == [
        "sort, 3 tokens, lengths 1..4: all inputs",
        f"  {inputs} inputs (all), {positions} positions, 0 wrong",
    ]
    shown = call("show", saved).out.splitlines()
    direct = call("show", "sort", *SMALL).out.splitlines()
    fewest = "the fewest possible"  # known to the compiler, and not saved
    assert [ln.partition(fewest)[0].rstrip() for ln in direct] == shown


def test_compile_says_what_it_saved(call: Call):
    model = zoo.compile("sort", [1, 2, 3], 4, decoys=1, rotate=3, beside="histogram")
    outcome = call(
        "compile", "sort", "--out", "a/b", *SMALL, "--decoys", 1, "--rotate", 3,
        "--beside", "histogram",
    )  # fmt: skip
    config, edges = model.config, len(model.circuit.edges)
    assert outcome.out == (
        f"{Path('a/b')}: sort, {config.n_layers} layers, {config.n_heads} heads, "
        f"d_model {config.d_model}, {config.n_params:,} parameters; the circuit has "
        f"{edges} edges\n"
    )
    loaded = zoo.load("a/b")
    for mine, saved in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(mine, saved)


def test_an_existing_model_is_replaced_only_on_demand(call: Call, saved: Path):
    before = {p.name: p.read_bytes() for p in saved.iterdir()}
    message = mistake(call, "compile", "reverse", "--out", "saved")
    assert message == (
        "saved is there already. Give another --out, or --force to replace the model "
        "in it"
    )
    assert {p.name: p.read_bytes() for p in saved.iterdir()} == before
    assert call("compile", "reverse", "--out", "saved", "--force").status == 0
    assert zoo.load(saved).name == "reverse"


def test_a_folder_with_anything_else_in_it_is_never_replaced(
    call: Call, tmp_path: Path
):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    message = mistake(call, "compile", "sort", "--out", "mine", "--force", *SMALL)
    assert "mine holds thesis.tex, which no saved model has" in message
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "precious"


def test_a_file_in_the_place_of_the_folder_is_told(call: Call, tmp_path: Path):
    (tmp_path / "f").write_text("")
    message = mistake(call, "compile", "sort", "--out", "f", *SMALL)
    assert message.endswith("f is there and is no folder; give the name of a folder")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--beside", "histogam"], "no program is named 'histogam'. Did you mean 'his"),
        (["--max-table", "2"], "sort: 1 problem"),
        (["--max-parameters", "500"], "sort: 1 problem"),
    ],
)
def test_options_that_cannot_be_compiled_leave_nothing_behind(
    call: Call, tmp_path: Path, arguments: list[str], expected: str
):
    outcome = call("compile", "sort", "--out", "new", *SMALL, *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith(f"error: {expected}")
    assert "Traceback" not in outcome.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", [["--vocab", "[1]"], ["--max-len", "3"]])
@pytest.mark.parametrize("command", ["run", "show", "verify"])
def test_a_saved_model_takes_no_other_setting(
    call: Call, saved: Path, command: str, option: list[str]
):
    extra = ["--input", "[1]"] if command == "run" else []
    message = mistake(call, command, "saved", *option, *extra)
    assert message == (
        "saved is a saved model: its vocabulary and length are fixed. Leave vocab "
        "(--vocab) and max_len (--max-len) out, or give a program"
    )


def test_a_saved_model_has_no_stages(call: Call, saved: Path):
    message = mistake(call, "show", "saved", "--emit", "typed")
    assert message.startswith("--emit needs a program's name, and saved names a folder")


def test_a_folder_without_a_model_is_told(call: Call):
    message = mistake(call, "show", ".")
    assert message.startswith(".: there is no model in this folder; `zoo compile`")


def test_a_folder_named_like_a_program_hides_it_only_with_a_model(
    call: Call, tmp_path: Path
):
    (tmp_path / "sort").mkdir()
    assert call("run", "sort", "--input", "[4,3]").lines == [[3, 4]]
    assert call("compile", "sort_descending", "--out", "sort", *SMALL).status == 0
    assert call("run", "sort", "--input", "[2,3]").lines == [[3, 2]]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
@pytest.mark.parametrize("command", ["run", "show", "verify"])
def test_a_damaged_model_is_refused_by_the_name_of_its_file(
    call: Call, saved: Path, command: str, damage: Callable[[Path], None]
):
    damage(saved / "model.safetensors")
    extra = ["--input", "[1]"] if command == "run" else []
    assert mistake(call, command, "saved", *extra).startswith("model.safetensors: ")


# verify ---------------------------------------------------------------------------


def test_verify_swaps_every_variable(call: Call):
    outcome = call("verify", "reverse", "--interchange", *SMALL)
    assert outcome.status == 0
    swapped = outcome.out.partition("Each variable taken from another input:\n")[2]
    variables = {"length", "opposite_index", "output"} & set(
        zoo.compile("reverse").circuit.sites
    )
    assert variables
    rows = {ln.split()[0]: ln for ln in swapped.splitlines()}
    assert variables <= set(rows)
    assert all(row.endswith(" 0 wrong") for row in rows.values())


def test_verify_draws_a_sample_where_there_are_too_many_inputs(call: Call):
    outcome = call("verify", "sort", *SMALL, "--limit", 10, "--sample", 50, "--seed", 3)
    first, second = outcome.out.splitlines()[:2]
    assert first.endswith("a sample of 50, seed 3")
    assert "(sampled)" in second


def test_verify_fails_where_the_weights_are_wrong(call: Call, tmp_path: Path):
    """A model whose attention output is gone must be found out, with an example."""
    from dataclasses import replace

    stages = compile_stages(read_source(programs.find("sort"), [1, 2, 3], 4))
    model = to_model(stages)
    last = model.circuit.sites[model.output].node
    assert Edge(last, "logits") in model.circuit
    weights = model.weights._replace(W_O=np.zeros_like(model.weights.W_O))
    zoo.save(replace(model, weights=weights), tmp_path / "broken")
    outcome = call("verify", "broken")
    assert outcome.status == 1
    assert "  for example, on [" in outcome.out
    assert " 0 wrong" not in outcome.out
    assert outcome.err == ""
