"""The text of every stage, against the files in tests/golden (see its README.md)."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

import programs
from compiler.emit import emit
from compiler.errors import NameLookupError, count
from compiler.lower.options import Options
from compiler.pipeline import STAGES, Stages, compile_stages, read_source
from compiler.rasp import tokens

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
PROGRAMS = ("reverse", "sort", "histogram")
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))


@cache
def stages_of(name: str) -> Stages:
    return compile_stages(read_source(programs.find(name)))


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_stage_is_written_as_in_the_golden_file(name: str, stage: str) -> None:
    path = GOLDEN / f"{name}.{stage}.txt"
    text = emit(stages_of(name), stage) + "\n"
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), (
        f"{path.name} differs; if that is meant, run with UPDATE_GOLDEN=1"
    )


def test_there_is_no_golden_file_that_is_not_compared() -> None:
    found = {path.name for path in GOLDEN.glob("*.txt")}
    assert found == {f"{name}.{stage}.txt" for name in PROGRAMS for stage in STAGES}


@pytest.mark.parametrize("stage", STAGES)
def test_two_compilations_give_the_same_text(stage: str) -> None:
    again = compile_stages(read_source(programs.find("reverse")))
    assert emit(again, stage) == emit(stages_of("reverse"), stage)


def test_an_unknown_stage_offers_the_nearest() -> None:
    with pytest.raises(NameLookupError, match=r"named 'schedule'.*scheduled"):
        emit(stages_of("histogram"), "schedule")


def test_an_expression_without_a_file_is_written_without_its_text() -> None:
    stages = compile_stages(read_source(tokens == "a", vocab="ab", max_len=2))
    assert "its text is not known" in emit(stages, "program")


def test_what_is_computed_beside_the_program_is_written() -> None:
    source = read_source(programs.find("histogram"), beside=programs.find("reverse"))
    stages = compile_stages(source, options=Options(decoys=1))
    assert "beside      reverse" in emit(stages, "program")
    assert "(decoys)" in emit(stages, "laid_out")
    assert "beside: " in emit(stages, "compiled")
    for stage in ("graph", "typed"):
        assert "beside " in emit(stages, stage)


def test_definitions_name_only_variables_that_are_there() -> None:
    text = emit(compile_stages(read_source(programs.find("dyck2_balanced"))), "typed")
    assert "= (~failed) & ends_closed" in text
    assert "map_1" not in text


def test_a_count_has_its_noun_in_the_right_number() -> None:
    assert [count(n, "layer") for n in (0, 1, 2)] == ["0 layers", "1 layer", "2 layers"]
