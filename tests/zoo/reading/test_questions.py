"""Questions about activations: the interpreter answers, and the text says nothing."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from compiler.rasp.values import show
from zoo.reading.questions import Question, QuestionSet
from zoo.reading.wording import NO, YES


@pytest.fixture(scope="module")
def asked() -> QuestionSet:
    return zoo.questions(zoo.compile("reverse", ["a", "b", "c"], 4), each=4)


def truth(asked: QuestionSet, q: Question) -> str:
    value = asked.model.interpreter(asked.inputs.words(q.row))[q.variable][q.position]
    if q.asks == "value":
        return show(value)
    operand = asked.inputs.domains[q.variable][q.operand]
    right = value == operand if q.asks == "equals" else value > operand
    return YES if right else NO


def test_answers_are_the_interpreters(asked: QuestionSet) -> None:
    kinds = set()
    for q in asked.every[::17]:
        assert q.answer == truth(asked, q)
        assert q.variable in q.text
        kinds.add(q.asks)
    assert kinds == {"value", "equals", "greater"}


def test_activations_are_those_of_the_run(asked: QuestionSet) -> None:
    names = asked.model.config.names
    for q in asked.every[::101]:
        writes = np.asarray(asked.model.run(asked.inputs.words(q.row)).writes)
        if q.site.startswith("stream."):
            here = writes[: names.sources_before(int(q.site[-1]))].sum(axis=0)
        else:
            here = writes[names.source_index(q.site)]
        assert np.allclose(asked.activation(q), here[q.position + 1], atol=1e-4)


def test_every_answer_to_a_question_is_as_frequent(asked: QuestionSet) -> None:
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for q in asked.every:
        key = q.split, q.site, q.variable + q.asks + str(q.operand)
        counts.setdefault(key, Counter())[q.answer] += 1
    for found in counts.values():
        assert len(set(found.values())) == 1 and len(found) > 1


def test_test_questions_have_other_inputs_and_other_words(asked: QuestionSet) -> None:
    train, test = asked.split("train"), asked.split("test")
    assert not {q.row for q in train} & {q.row for q in test}
    assert not {q.text for q in train} & {q.text for q in test}
    assert {(q.variable, q.asks) for q in train} == {(q.variable, q.asks) for q in test}


def test_the_interpreter_gets_one_and_what_reads_nothing_chance(
    asked: QuestionSet,
) -> None:
    report = zoo.score_answers(asked)
    gained = {name: found["all"].gained for name, found in report.rows.items()}
    assert gained["oracle"] == 1.0
    assert abs(gained["text alone"]) < 1e-9 and abs(gained["shuffled"]) < 0.1
    assert gained["probe"] > 0.4
    held, other = (report.rows["probe"][s].gained for s in ("held", "not held"))
    assert held > other
    assert json.loads(json.dumps(report.to_json()))["format"] == "circuitzoo.answers"


def test_a_variable_with_its_number_in_the_site_is_read_by_a_function(
    asked: QuestionSet,
) -> None:
    rows = np.asarray(asked.model.rows["length"])
    domain = asked.inputs.domains["length"]
    test = [q for q in asked.split("test") if q.site == "a0.h0" and q.asks == "value"]
    assert {q.variable for q in test} == {"length"} and len(test) >= 12
    for q in test:
        near = np.abs(rows - asked.activation(q)).sum(axis=1).argmin()
        assert show(domain[near]) == q.answer


def test_answering_without_knowledge_gains_nothing(asked: QuestionSet) -> None:
    memory = {
        (tuple(asked.activation(q)), q.text): q.answer for q in asked.split("train")
    }
    cheats = {
        "yes": lambda a, text: YES,
        "long text": lambda a, text: YES if len(text) % 2 else NO,
        "memorised": lambda a, text: memory.get((tuple(a), text), NO),
    }
    for cheat in cheats.values():
        found = zoo.score_answers(asked, cheat, baselines=False)
        assert found.rows["claimed"]["all"].gained < 0.1


def test_the_file_has_one_row_a_question(asked: QuestionSet, tmp_path: Path) -> None:
    path = tmp_path / "qa.parquet"
    path.write_bytes(asked.to_parquet())
    rows = pq.read_table(path).to_pylist()
    assert len(rows) == len(asked)
    first = asked.every[0]
    assert rows[0]["question"] == first.text and rows[0]["answer"] == first.answer
    assert np.allclose(rows[0]["activation"], asked.activation(first))


def test_bad_questions_and_answers_are_refused(asked: QuestionSet) -> None:
    test = asked.split("test")
    with pytest.raises(InputError, match=f"found 2 answers, expected {len(test)}"):
        zoo.score_answers(asked, ["yes", "no"])
    with pytest.raises(InputError, match="found a string"):
        zoo.score_answers(asked, "yes")
    with pytest.raises(NameLookupError, match=r"no site is named 'm7'"):
        zoo.questions(asked.model, sites=["m7"])
    with pytest.raises(InputError, match="each 0; give at least 1"):
        zoo.questions(asked.model, each=0)
