"""Sampled programs: what they are, by enumeration and by their compiled models."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import zoo
from compiler.api import compile_model
from compiler.errors import InputError, NameLookupError, ZooError
from compiler.ir.interpret import encode_batch, interpret
from compiler.lower.readout import decode_indices
from compiler.passes.decomposition import decompose
from compiler.pipeline import compile_stages, read_source
from compiler.rasp import EQ, LEQ, Select, SelectorWidth, indices, tokens, where
from tests import numpy_forward
from tests.oracle import evaluate
from zoo.cli import app
from zoo.sampling.behaviour import behaviour_hash, probe_inputs
from zoo.sampling.builder import build_expression
from zoo.sampling.chance import Chance
from zoo.sampling.goal import FAMILIES, GoalChoices, SampleGoal, read_numbers
from zoo.sampling.judging import DrawJudge, NotKept
from zoo.sampling.necessity import changed_share
from zoo.sampling.program import SampledProgram, SampledSuite

SMALL: dict[str, Any] = dict(vocab="abc", max_len=4, progress=False)
INPUTS = [
    row
    for n in range(1, SMALL["max_len"] + 1)
    for row in itertools.product("abc", repeat=n)
]


@pytest.fixture(scope="module")
def suite() -> SampledSuite:
    return zoo.sample(5, layers=2, heads=2, seed=3, **SMALL)


@pytest.fixture(scope="module")
def outputs(suite: SampledSuite) -> dict[str, list[Any]]:
    """Return what each program computes on all inputs, by the definition of RASP.

    The expression is built again from its draw, so its text has no part in this.
    """
    goal, found = SampleGoal(2, 2, vocab=tuple("abc"), max_len=4), {}
    for program in suite.programs:
        expression = build_expression(goal, Chance(f"3-{program.draw}")).sop
        found[program.name] = [v for row in INPUTS for v in evaluate(expression, row)]
    return found


def renamed(values: list[Any]) -> tuple[int, ...]:
    """Return outputs with each value replaced by when it came first."""
    names: dict[Any, int] = {}
    return tuple(names.setdefault(v, len(names)) for v in values)


def cells() -> Iterator[tuple[str, int]]:
    for row in INPUTS:
        yield from ((token, position) for position, token in enumerate(row))


def test_all_behaviours_are_different_even_up_to_names(
    outputs: dict[str, list[Any]],
) -> None:
    assert len({renamed(values) for values in outputs.values()}) == len(outputs) == 5


def test_no_program_is_a_function_of_a_token_and_its_position(
    suite: SampledSuite, outputs: dict[str, list[Any]]
) -> None:
    for program in suite.programs:
        seen: dict[tuple[str, int], list[Any]] = {}
        for cell, value in zip(cells(), outputs[program.name], strict=True):
            seen.setdefault(cell, []).append(value)
        most = sum(max(map(held.count, held)) for held in seen.values())
        share = most / len(outputs[program.name])
        assert share == pytest.approx(program.local, abs=1e-6) and share <= 0.95
        values = outputs[program.name]
        common = max(map(values.count, values)) / len(values)
        assert common == pytest.approx(program.most_common, abs=1e-6)


def test_each_program_read_back_from_its_text_computes_the_same(
    suite: SampledSuite, outputs: dict[str, list[Any]]
) -> None:
    for program in suite.programs:
        expression, rows = program.program().build(), INPUTS[::40]
        wanted = iter(outputs[program.name])
        every = [[next(wanted) for _ in row] for row in INPUTS]
        assert [expression(row) for row in rows] == every[::40]


def test_models_compute_the_text_with_the_layers_and_heads_asked_for(
    suite: SampledSuite, outputs: dict[str, list[Any]]
) -> None:
    for program in suite.programs[:3]:
        model = zoo.compile(program.text)
        assert (model.config.n_layers, model.config.n_heads) == (2, 2)
        found = numpy_forward.outputs(model, INPUTS)
        assert [v for row in found for v in row] == outputs[program.name]
        used = {s.node for s in model.circuit.sites.values()} - {"tokens", "positions"}
        assert len(used) == program.nodes
        assert sum(".h" in node for node in used) == 4


def test_every_variable_changes_an_output_of_the_compiled_model(
    suite: SampledSuite,
) -> None:
    """By interchanges in the transformer, from any input to any other one."""
    base, source = np.random.default_rng(0).integers(len(INPUTS), size=(2, 200))
    for program in suite.programs[:3]:
        model = compile_model(program.program())
        ids, lengths = encode_batch(model.typed, INPUTS)
        plain, _ = numpy_forward.run_inputs(model, ids[base], lengths[base])
        sites = model.circuit.sites.items()
        names = [name for name, site in sites if site.node[0] in "am"]
        assert len(names) >= 4
        for name in names:
            _, logits = numpy_forward.interchanged(
                model, name, ids, lengths, base, source
            )
            found, clean = (decode_indices(model.readout, x) for x in (logits, plain))
            live = np.arange(4)[None, :] < lengths[base][:, None]
            assert (live & (found != clean)).any(), (program.name, name)


@pytest.mark.parametrize(
    ("layers", "heads", "output"), [(1, 1, "numerical"), (3, 1, "boolean")]
)
def test_a_goal_is_reached_with_most_draws(
    layers: int, heads: int, output: str
) -> None:
    found = zoo.sample(4, layers=layers, heads=heads, output=output, **SMALL)  # pyright: ignore
    assert {(p.layers, p.heads, p.output) for p in found.programs} == {
        (layers, heads, output)
    }
    assert found.rejected["other layers or heads"] <= found.draws / 2
    assert sum(found.rejected.values()) + 4 == found.draws


@pytest.mark.parametrize("family", ["counts", "rules", "means"])
def test_only_the_families_asked_for_are_used(family: str) -> None:
    found = zoo.sample(2, families=family, **SMALL)
    for program in found.programs:
        assert program.families == (family,)
        assert ("selector_width" in program.text) == (family == "counts")
        assert ("aggregate" in program.text) == (family != "counts")


def test_causal_programs_never_see_a_later_token() -> None:
    suite = zoo.sample(2, causal=True, **SMALL)
    for program in suite.programs:
        again = program.program()
        assert again.causal
        model = compile_model(again)
        found = numpy_forward.outputs(model, INPUTS)
        outputs = dict(zip(INPUTS, found, strict=True))
        for row, out in outputs.items():
            if len(row) > 1:
                assert out[:-1] == outputs[row[:-1]]


def test_a_seed_gives_the_same_programs_and_a_greater_number_adds_to_them(
    suite: SampledSuite,
) -> None:
    fewer = zoo.sample(2, layers=2, heads=2, seed=3, **SMALL)
    assert fewer.programs == suite.programs[:2]
    other = zoo.sample(1, layers=2, heads=2, seed=4, **SMALL)
    assert other.programs[0].hash not in {p.hash for p in fewer.programs}


def test_the_choices_of_a_seed_never_change() -> None:
    """Written down once: whoever has the seed has the suite."""
    first = zoo.sample(1, layers=1, seed=0, **SMALL).programs[0]
    assert (first.name, first.hash) == ("sampled_0_0", FIRST_HASH)


FIRST_HASH = "4790a7ff9e5eff214a0bd8a74f9c26a3"


def test_the_hash_knows_values_apart_and_not_their_names() -> None:
    words = np.array([3, 3, 1, 0, 1])
    assert behaviour_hash(words) == behaviour_hash(np.array([0, 0, 7, 2, 7]))
    assert behaviour_hash(words) != behaviour_hash(np.array([0, 0, 7, 2, 2]))


def test_the_inputs_are_all_short_ones_and_many_long_ones() -> None:
    few = probe_inputs(3, 4)
    rows = {tuple(r[:n]) for r, n in zip(few.tokens.tolist(), few.lengths, strict=True)}
    assert len(rows) == len(few.lengths) == len(INPUTS) and few.every == 4
    many = probe_inputs(4, 8)
    assert many.every == 5
    assert set(many.lengths[-1000:].tolist()) == {6, 7, 8}


@pytest.mark.parametrize(("strict", "matters"), [(True, True), (False, False)])
def test_a_variable_that_is_always_true_changes_nothing(
    strict: bool, matters: bool
) -> None:
    """No more equal tokens stand up to a position than in the whole input."""
    every = SelectorWidth(Select(tokens, tokens, EQ)).named("every")
    earlier = Select(tokens, tokens, EQ) & Select(indices, indices, LEQ)
    before = SelectorWidth(earlier).named("before")
    test = (every > before if strict else every >= before).named("test")
    stages = compile_stages(read_source(where(test, every, 0), "abc", 4))
    steps, inputs = decompose(stages.scheduled.plan), probe_inputs(3, 4)
    trace = interpret(steps, inputs.tokens, inputs.lengths)
    assert (changed_share(steps, trace, inputs) > 0) == matters


def test_all_parts_of_what_is_kept_matter(suite: SampledSuite) -> None:
    assert all(program.changed > 0 for program in suite.programs)


# The folder and the command --------------------------------------------------------

COMMAND = ["sample", "--n", "3", "--layers", "1", "--vocab", '["a","b","c"]']
COMMAND += ["--max-len", "4", "--seed", "5"]


def written(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_suite_is_written_with_the_same_bytes_each_time(tmp_path: Path) -> None:
    suite = zoo.sample(3, layers=1, seed=5, out=tmp_path / "a", **SMALL)
    done = CliRunner().invoke(app, [*COMMAND, "--out", str(tmp_path / "b")])
    assert done.exit_code == 0, done.output
    assert "3 programs" in done.output
    files = written(tmp_path / "a")
    assert files == written(tmp_path / "b")
    lines = [json.loads(line) for line in files["programs.jsonl"].splitlines()]
    assert [
        SampledProgram(**x | {"families": tuple(x["families"])}) for x in lines
    ] == [*suite.programs]
    for program in suite.programs:
        path = tmp_path / "a" / f"{program.name}.rasp"
        assert path.read_text() == program.text
    assert json.loads(files["suite.json"])["draws"] == suite.draws


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"thesis\.txt, which is not of a suite"):
        zoo.sample(1, layers=1, out=tmp_path, force=True, **SMALL)
    assert list(written(tmp_path)) == ["thesis.txt"]


def test_a_suite_is_replaced_only_if_that_is_said(tmp_path: Path) -> None:
    zoo.sample(2, layers=1, out=tmp_path / "s", **SMALL)
    before = written(tmp_path / "s")
    with pytest.raises(InputError, match="holds a suite already"):
        zoo.sample(1, layers=1, out=tmp_path / "s", **SMALL)
    assert written(tmp_path / "s") == before
    zoo.sample(1, layers=1, out=tmp_path / "s", force=True, **SMALL)
    assert len(written(tmp_path / "s")) == 3


def test_without_a_folder_the_texts_or_the_figures_are_printed() -> None:
    texts = CliRunner().invoke(app, COMMAND)
    assert texts.output.count("set vocab") == 3
    lines = CliRunner().invoke(app, [*COMMAND, "--json"]).output.splitlines()
    assert all(json.loads(line)["text"] in texts.output for line in lines)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"n": 0}, InputError, "n is 0; give a number from 1 to"),
        ({"layers": 9}, InputError, "layers is 9; give a number from 1 to 8"),
        ({"heads": True}, InputError, "heads is True"),
        ({"layers": "2-"}, InputError, "layers is '2-'; give a number, such as 3"),
        ({"layers": "5-2"}, InputError, "a range, such as 2-5"),
        ({"layers": []}, InputError, "or a list: layers 2,4"),
        ({"jobs": 0}, InputError, "jobs is 0; give a number from 1 to 64"),
        ({"format": "parquet"}, NameLookupError, "rasp, dataset"),
        ({"format": "dataset"}, InputError, "a dataset needs a folder"),
        ({"max_len": 1}, InputError, "max_len is 1"),
        ({"output": "bool"}, NameLookupError, "Did you mean 'boolean'"),
        ({"families": "count"}, NameLookupError, "Did you mean 'counts'"),
        ({"families": ["lookups"]}, InputError, "lookups alone make no program"),
        ({"families": []}, InputError, "no families are given"),
        ({"vocab": ["a", 1]}, InputError, "all strings or all integers"),
        ({"vocab": ["a", "a", "b"]}, InputError, "has a token twice"),
        ({"vocab": {"a", "b"}}, InputError, "their order counts"),
        ({"seed": 2**63}, InputError, "seed is 9223372036854775808"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_right(
    wrong: dict[str, Any], error: type[ZooError], words: str
) -> None:
    with pytest.raises(error, match=words):
        zoo.sample(**{**SMALL, **wrong})


def test_where_there_are_no_more_programs_the_error_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zoo.sampling.drawing.PATIENCE", 12)
    with pytest.raises(ZooError, match=r"programs? of 500 found.*computed before"):
        zoo.sample(
            500, layers=1, families="counts", vocab="ab", max_len=2, progress=False
        )


def test_functions_of_one_token_are_kept_where_they_are_asked_for() -> None:
    goal = SampleGoal(2, vocab=tuple("abc"), max_len=4, local=True)
    judge = DrawJudge(GoalChoices((goal,)), 0)
    found = []
    for number in range(14):
        try:
            found.append(judge.draw(number).program.local)
        except NotKept as reason:
            assert "token and position" not in str(reason)
    assert max(found) > 0.95


def test_several_depths_are_drawn_into_one_suite_without_a_function_twice() -> None:
    found = zoo.sample(8, layers="1-3", heads=[1, 2], seed=1, **SMALL)
    assert {(p.layers, p.heads) for p in found.programs} >= {(1, 1), (3, 1)}
    assert len({p.hash for p in found.programs}) == 8
    assert found.goal["layers"] == [1, 2, 3] and found.goal["heads"] == [1, 2]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (3, (3,)),
        ("3", (3,)),
        ("2-4", (2, 3, 4)),
        ("4, 1-2", (1, 2, 4)),
        ([5, 2], (2, 5)),
    ],
)
def test_numbers_of_layers_are_read(given: Any, wanted: tuple[int, ...]) -> None:
    assert read_numbers("layers", given) == wanted


def test_processes_side_by_side_draw_the_same_suite(suite: SampledSuite) -> None:
    assert zoo.sample(5, layers=2, heads=2, seed=3, jobs=2, **SMALL) == suite


def test_every_family_is_drawn() -> None:
    found = zoo.sample(7, layers=2, seed=1, **SMALL)
    assert {f for p in found.programs for f in p.families} == set(FAMILIES)
