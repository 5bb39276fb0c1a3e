"""What a notebook shows: HTML and SVG, well formed, with foreign text escaped."""

from __future__ import annotations

import sys
import warnings
from dataclasses import replace
from html.parser import HTMLParser
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

import zoo
import zoo.progress
from compiler.pipeline import read_source
from compiler.rasp import EQ, Aggregate, Select, indices, length, tokens
from zoo.auditing.certificate import Certificate
from zoo.training.check import Check
from zoo.training.loop import finish
from zoo.training.recipe import Recipe
from zoo.training.run import prepare, start
from zoo.training.session import causal_model

ATTACK = "<script>alert(1)</script>&\"'"


class Parsed(HTMLParser):
    """The tags of a page, and whether each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag


def check(shown: Any) -> Parsed:
    """Return a page that is whole and runs nothing."""
    parsed = Parsed(shown._repr_html_())
    assert not parsed.open
    assert "script" not in parsed.tags
    return parsed


@pytest.fixture(scope="module")
def model() -> zoo.Model:
    made = zoo.compile("reverse", vocab=["a", ATTACK], max_len=2)
    facts = MappingProxyType({**made.facts, "meaning": ATTACK})
    return replace(made, name=ATTACK, facts=facts)


def test_a_model_shows_its_circuit(model: zoo.Model):
    assert {"svg", "div"} <= set(check(model).tags)


def test_a_circuit_and_a_picture_show_svg(model: zoo.Model, tmp_path):
    for shown in (model.circuit, model.circuit.picture(ATTACK), model.picture()):
        parsed = Parsed(shown._repr_svg_())
        assert not parsed.open and "script" not in parsed.tags
    model.picture().save(tmp_path / "p.svg")
    assert (tmp_path / "p.svg").read_text("utf-8") == model.picture().svg


def test_a_certificate_a_report_and_a_table_show_tables(
    tiny: zoo.Model, tiny_certificate: Certificate
):
    assert "table" in check(tiny_certificate).tags
    attacked = replace(tiny_certificate, model=ATTACK)
    check(attacked)
    case = zoo.open_case(tiny, certificate=tiny_certificate, pairs=8)
    report = zoo.score(case, case.mask_gradient(), behaviour=False)
    assert "table" in check(replace(report, model=ATTACK)).tags
    table = zoo.evaluate(lambda c: c.mask_gradient(), [], seeds=1)
    check(table)


def test_a_failed_run_says_so_wherever_it_is_shown():
    """A run of no steps: every training that misses a threshold ends in `finish`."""
    reverse = Aggregate(Select(indices, length - 1 - indices, EQ), tokens)
    model = causal_model(read_source(reverse, "ab", 2))
    run = prepare(model, Recipe(steps=2, check_every=2, pairs=4, d_model=8))
    missed = Check(2, 1.0, 0.5, {"m0": 1.0}, {}, "", None, 0.5)
    result = finish(run, start(run), (missed,), "budget")
    assert not result.passed
    for text in (repr(result), repr(result.model), zoo.show(result.model)):
        assert "FAILED" in text
    for shown in (result, result.model):
        assert "failed" in shown._repr_html_().lower()
        check(shown)


def test_a_compiled_model_is_trained_and_an_expression_audited():
    reverse = Aggregate(Select(indices, length - 1 - indices, EQ), tokens)
    model = zoo.compile(reverse, vocab="ab", max_len=2)
    done: list[tuple[int, int]] = []
    result = zoo.train(
        model, steps=2, check_every=1, pairs=4, progress=lambda *at: done.append(at)
    )
    assert result.model.typed.vocab == ("a", "b")
    assert done[0] == (0, 2) and done[-1] == (2, 2)
    assert zoo.audit(reverse, vocab="ab", max_len=2, pairs=36, scope="sample").holds
    with pytest.raises(zoo.errors.InputError, match="vocabulary and length are fixed"):
        zoo.train(model, vocab="abc")


def test_without_ipywidgets_progress_is_lines_and_no_warning(monkeypatch, capsys):
    shell = type("ZMQInteractiveShell", (), {})()
    fake = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setattr(zoo.progress, "find_spec", lambda name: None)
    monkeypatch.setattr(zoo.progress, "FIRST_AFTER_SECONDS", 0.0)
    assert zoo.progress.in_notebook()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with zoo.progress.show_progress("training", "steps") as show:
            show(1, 2)
    assert capsys.readouterr().err == "training: 1 of 2 steps\n"
