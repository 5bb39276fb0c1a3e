"""The list of slow tests names files and functions that are there."""

from pathlib import Path

from tests.slow_tests import SLOW, is_slow

ROOT = Path(__file__).parents[1]


def test_every_slow_test_is_there() -> None:
    for listed in SLOW:
        file, _, function = listed.partition("::")
        text = (ROOT / file).read_text("utf-8")
        assert not function or f"def {function}(" in text, listed


def test_a_test_is_slow_by_its_file_or_its_function() -> None:
    assert is_slow("tests/zoo/training/test_loop.py::test_anything[1]")
    assert is_slow("tests/zoo/scoring/test_evaluate.py::test_a_cell_is_run_once")
    assert not is_slow("tests/zoo/scoring/test_evaluate.py::test_suites_are_lines[a]")
