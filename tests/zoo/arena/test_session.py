"""A session answers what it is asked, within its budget, and tells nothing else."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.zoo.arena.conftest import SEED, Asks
from tests.zoo.arena.test_calls import HOSTILE
from zoo.arena.judging import ArenaJudge
from zoo.arena.models import HiddenModel, sampled_text
from zoo.arena.session import MOST_REFUSED, ArenaSession

ROUNDED = 0.03
"""Logits are about 10, and in a turned stream each is a sum of rounded ones."""


def test_outputs_and_logits_are_the_models(hidden: HiddenModel, ask: Asks) -> None:
    inputs = [list("abcd"), list("d"), list("ddaabb")]
    expected = [hidden.model(tokens) for tokens in inputs]
    assert ask("run", inputs=inputs)["result"]["outputs"] == expected
    found = ask("logits", inputs=inputs)["result"]["logits"]
    for tokens, rows in zip(inputs, found, strict=True):
        assert np.allclose(rows, hidden.model.logits(tokens), atol=ROUNDED)


def test_cached_writes_sum_to_what_the_logits_read(
    hidden: HiddenModel, ask: Asks
) -> None:
    weights = hidden.model.weights
    found = ask("cache", inputs=[list("abc")])["result"]
    assert found["sources"] == list(hidden.model.config.names.sources)
    stream = np.array(found["writes"][0]).sum(0) + np.asarray(weights.b_O).sum(0)
    logits = stream[1:] @ np.asarray(weights.W_U) + np.asarray(weights.b_U)
    assert np.allclose(logits, hidden.model.logits(list("abc")), atol=ROUNDED)


def test_vectors_of_a_donor_do_what_the_donor_does(ask: Asks) -> None:
    base, donor = list("abca"), list("dbca")
    writes = ask("cache", inputs=[donor], sources=["tokens"])["result"]["writes"][0]
    patch = {"base": base, "patches": [["tokens"]]}
    one = ask("patch", **patch, donor=donor)["result"]
    other = ask("patch", **patch, vectors={"tokens": writes[0]})["result"]
    assert one["outputs"] == other["outputs"]
    assert np.allclose(one["logits"], other["logits"], atol=ROUNDED)
    nothing = ask("patch", **patch, donor=donor, positions=[])["result"]
    assert nothing["outputs"][0] == ask("run", inputs=[base])["result"]["outputs"][0]


def test_a_call_costs_its_runs_and_one_that_costs_too_much_costs_nothing(
    ask: Asks,
) -> None:
    assert ask("info")["left"] == 50
    assert ask("run", inputs=[["a"]] * 3)["left"] == 47
    patches = [["tokens"]] * 40
    assert ask("patch", base=["a"], donor=["b"], patches=patches)["left"] == 6
    too_much = ask("run", inputs=[["a"]] * 7)
    assert too_much["error"]["kind"] == "budget"
    assert too_much["left"] == 6
    assert ask("run", inputs=[["a"]] * 6)["left"] == 0
    assert ask("run", inputs=[["a"]])["error"]["kind"] == "budget"
    assert "result" in ask("info")


def test_calls_of_two_clients_at_once_are_answered_one_by_one(
    session: ArenaSession,
) -> None:
    line = json.dumps({"call": "run", "inputs": [["a"]]}).encode()
    answers: list[dict[str, Any]] = []

    def play() -> None:
        answers.extend(session.answer_line(line) for _ in range(30))

    clients = [threading.Thread(target=play) for _ in range(2)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert sorted(a["left"] for a in answers if "result" in a) == list(range(50))
    assert [a["error"]["kind"] for a in answers if "error" in a] == ["budget"] * 10


def test_a_fault_of_ours_is_answered_without_a_word_of_it(
    session: ArenaSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(session, "_info", fail)
    answer = session.answer_line(b'{"call": "info", "id": "x"}')
    assert answer["error"]["kind"] == "fault"
    assert answer["id"] == "x"
    assert "secret" not in json.dumps(answer)
    assert "result" in session.answer_line(b'{"call": "run", "inputs": [["a"]]}')


def _attack(session: ArenaSession) -> str:
    """Return all answers to hostile calls, and to good ones, before a submission."""
    names = session.answer_line(b'{"call": "info"}')["result"]["sources"]
    calls: list[Any] = [{"call": name, **given} for name, given in HOSTILE]
    for word in ("output", "../../etc/passwd", "m0\x00", "__class__", "x" * 5_000, ""):
        calls += [
            {"call": "run", "inputs": [[word]]},
            {"call": "cache", "inputs": [["a"]], "sources": [word]},
            {"call": "patch", "base": ["a"], "donor": ["a"], "patches": [[word]]},
            {"call": "ablate", "base": ["a"], "patches": [[f"{word}->logits"]]},
            {"call": "submit", "edges": {word: 1}},
            {"call": "submit", "roles": {word: "mapper"}},
            {"call": "submit", "roles": {"m0": word}},
            {"call": "submit", "program": f"x = {word};"},
            {"call": "submit", "descriptions": {"m0": {"rasp": f"y = {word}"}}},
            {"call": word},
        ]
    calls += [
        {"call": "submit", "program": 'load "secret.rasp";'},
        {"call": "patch", "base": ["a"], "patches": [["m0"]], "vectors": {"m0": [[1]]}},
        {"call": "patch", "base": ["a"], "donor": ["b"], "patches": [["m0->m0"]]},
        {"call": "patch", "base": ["a"], "donor": ["b"], "patches": [names[2:]]},
        {"call": "patch", "base": ["a"], "donor": ["b"], "patches": [["m0"]],
         "positions": [99]},
        {"call": "cache", "inputs": [["a", "b"]]},
        {"call": "ablate", "base": ["a"], "patches": [["m0"]], "value": "zero"},
        {"call": "info", "id": {"a": 1}},
        7,
    ]  # fmt: skip
    answers = [session.answer_line(json.dumps(call).encode()) for call in calls]
    assert all(("error" in a) != ("result" in a) for a in answers)
    assert {a["error"]["kind"] for a in answers if "error" in a} == {"refused"}
    return json.dumps(answers)


def test_no_answer_before_the_submission_holds_a_word_of_the_truth(
    hidden: HiddenModel,
) -> None:
    answers = _attack(ArenaSession(hidden, 10_000))
    model = hidden.model
    beside = () if model.beside is None else tuple(model.beside.sites)
    variables = {v.name for v in model.typed.variables} | {*model.circuit.sites}
    secret = {*variables, *beside, "decoy", "sampled", f"_{SEED}_"}
    secret -= {"tokens", "positions", "output"}  # words of every model
    secret |= {line for line in sampled_text(SEED, 1).splitlines() if line}
    found = [word for word in secret if re.search(rf"\b{re.escape(word)}\b", answers)]
    assert found == []
    assert str(SEED) not in re.findall(r"\d+", json.dumps(ArenaSession(hidden)._info()))


def test_what_calls_answer_does_not_depend_on_the_truth(hidden: HiddenModel) -> None:
    """The same weights with another circuit, and a truth that must not be asked for."""

    def refuse() -> Any:
        raise AssertionError("the truth was asked for")

    empty = replace(hidden.model, circuit=hidden.served.circuit, beside=None)
    other = replace(hidden, model=empty, known=refuse)
    other.__dict__["causal"] = hidden.causal
    session = ArenaSession(other, 10_000)
    assert _attack(session) == _attack(ArenaSession(hidden, 10_000))
    assert session._model.circuit.edges == ()


def test_refused_submissions_end_and_a_verdict_closes_the_session(
    ask: Asks, session: ArenaSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(MOST_REFUSED):
        assert "RASP" not in ask("submit", program="x = ")["error"]["message"][:4]
    assert "no other" in ask("submit", program="x = tokens;")["error"]["message"]
    session.refused = 0
    monkeypatch.setattr(ArenaJudge, "judge", lambda self, read: {"edges": None})
    assert ask("submit")["result"] == {"edges": None}
    assert ask("submit")["error"]["kind"] == "closed"
    assert ask("run", inputs=[["a"]])["error"]["kind"] == "closed"
    assert ask("info")["result"]["submitted"] is True


def test_numbers_have_six_digits_and_no_number_is_null() -> None:
    from zoo.arena.session import _numbers

    given = np.array([[1 / 3, 123456.789, -1e-7, 0.0], [np.inf, np.nan, 1e20, 2.0]])
    found = _numbers(given)
    assert found == [[0.333333, 123457.0, -1e-07, 0.0], [None, None, 1e20, 2.0]]
