"""Claims on trojans: which model, which inputs, which edges."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import zoo
from compiler.errors import InputError, NameLookupError
from zoo.cli import app
from zoo.scoring.trojans import TrojanPair, open_trojan, patch_by_class, trojan_case

NAME = "histogram_with_trojan"


@pytest.fixture(scope="module")
def pair() -> TrojanPair:
    return open_trojan(NAME, "abc", 4, seed=1)


def test_the_two_models_are_equal_on_all_inputs_without_the_trigger(
    pair: TrojanPair,
) -> None:
    inputs = [list(t) for t in ("abc", "ccab", "cac", "bbbb", "cccc")]
    one, other = (model.batch(inputs) for model in pair.models)
    assert one == other
    triggered = [list("ccc"), list("cacc")]
    for tokens in triggered:
        assert pair.models[pair.trojan](tokens) == list(range(len(tokens)))
        assert pair.models[1 - pair.trojan](tokens) == [tokens.count(t) for t in tokens]


def test_the_seed_decides_which_model_has_the_trojan(pair: TrojanPair) -> None:
    assert zoo.score_trojan(pair, which=pair.trojan).which is True
    assert zoo.score_trojan(pair, which=1 - pair.trojan).which is False


def test_claimed_triggers_are_compared_on_every_input(pair: TrojanPair) -> None:
    # Of 3 + 9 + 27 + 81 inputs, "ccc" and 4 * 2 of length 4 have three of "c".
    found = zoo.score_trojan(pair, trigger=lambda x: x.count("c") >= 3).trigger
    assert found is not None and found.complete
    assert (found.inputs, found.triggered, found.claimed) == (120, 9, 10)
    assert (found.precision, found.recall) == (0.9, 1.0)
    assert found.spurious == ("c", "c", "c", "c") and found.missed is None
    listed = zoo.score_trojan(pair, trigger=[list("ccc")]).trigger
    assert listed is not None
    assert (listed.precision, listed.recall) == (1.0, 1 / 9)
    text = 'set name "x"; x = selector_width(select(tokens, "c", ==)) == 3;'
    said = zoo.score_trojan(pair, trigger=text.partition("; ")[2]).trigger
    assert said is not None and said.f1 == 1.0


def test_the_edges_of_a_trojan_are_its_trigger_payload_and_choice(
    pair: TrojanPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.cases.case.AUDIT_PAIRS", 512)
    model = pair.models[pair.trojan]
    case = trojan_case(model)
    used = {str(e) for e, k in case.truth.known.items() if k.status == "used"}
    nodes = {name: site.node for name, site in model.sites.items()}
    count, route, last = (nodes[n] for n in ("count_of_c", "route", "output"))
    assert used == {
        f"tokens->{count}<k>",
        f"{count}->{route}",
        f"{route}->{last}",
        f"positions->{last}",
    }
    report = zoo.score(case, patch_by_class(model), behaviour=False)
    noise = np.random.default_rng(0).random(case.names.visible.shape)
    random = zoo.score(case, noise, behaviour=False)
    assert report.average_precision > random.average_precision


def test_what_has_no_trojan_is_refused(pair: TrojanPair) -> None:
    with pytest.raises(NameLookupError, match="no program with a trojan is named"):
        open_trojan("sort_with_trojan")
    with pytest.raises(InputError, match="reverse has no trojan"):
        zoo.score_trojan(zoo.compile("reverse", "ab", 2), trigger=[["a"]])
    with pytest.raises(InputError, match="which= is about a trojan pair"):
        zoo.score_trojan(pair.models[0], which=0)
    with pytest.raises(NameLookupError, match="named 'nosuch'"):
        zoo.score_trojan("nosuch", which=0)
    with pytest.raises(InputError, match="is no input of this model"):
        zoo.score_trojan(pair, trigger=[["d"]])


def test_the_command_scores_a_file_of_inputs(tmp_path: Path) -> None:
    zoo.save(zoo.compile(NAME, "abc", 4), tmp_path / "model")
    (tmp_path / "claim.json").write_text('[["c","c","c"],["a"]]')
    options = ["--trigger", str(tmp_path / "claim.json"), "--json"]
    done = CliRunner().invoke(app, ["score-trojan", str(tmp_path / "model"), *options])
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)["trigger"]
    assert (found["precision"], found["recall"]) == (0.5, 1 / 9)
    assert found["spurious"] == ["a"]


def test_a_claimed_program_attends_as_it_says(pair: TrojanPair) -> None:
    # Position 0 alone sees one "c" at most, so that the causal program is never true.
    text = (
        'many = selector_width(select(tokens, "c", ==));'
        "x = aggregate(select(indices, 0, ==), many) == 3;"
    )
    both_ways = zoo.score_trojan(pair, trigger=text).trigger
    assert both_ways is not None and both_ways.f1 == 1.0
    causal = zoo.score_trojan(pair, trigger=f"set causal True\n{text}").trigger
    assert causal is not None and causal.claimed == 0


@pytest.mark.parametrize(
    ("claim", "error"),
    [
        ([[["a"]]], "is a list; a value is"),
        (lambda tokens: 1 / 0, r"on \[.a.\]: ZeroDivisionError"),
        (lambda tokens: "no", "found 'no', expected True or False"),
        (lambda tokens: float("nan"), "found nan, expected True or False"),
        (lambda tokens: np.array([True, False]), r"on \[.a.\]: ValueError"),
    ],
)
def test_a_trigger_of_another_kind_is_refused_in_words(
    pair: TrojanPair, claim: object, error: str
) -> None:
    with pytest.raises(InputError, match=error):
        zoo.score_trojan(pair, trigger=claim)  # type: ignore[arg-type]


def test_a_claim_that_changes_its_input_changes_no_other(pair: TrojanPair) -> None:
    found = zoo.score_trojan(pair, trigger=lambda tokens: tokens.clear() or False)
    assert found.trigger is not None
    assert found.trigger.missed == ("c", "c", "c")


def test_a_pair_without_an_input_that_triggers_it_is_refused() -> None:
    with pytest.raises(InputError, match="no input of up to 2 of these tokens"):
        open_trojan(NAME, max_len=2)
