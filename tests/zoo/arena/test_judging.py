"""True claims have 1, and who knows nothing gets what chance gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compiler.errors import ZooError
from tests.zoo.arena.conftest import SEED
from zoo.annotation.roles import ROLES
from zoo.arena.calls import NodeDescription, SubmitCall, TableRow
from zoo.arena.judging import ArenaJudge
from zoo.arena.models import HiddenModel, sampled_text
from zoo.arena.usage import used_edges
from zoo.ranking import average_precision


@pytest.fixture(scope="module")
def judge(hidden: HiddenModel) -> ArenaJudge:
    return ArenaJudge(hidden, inputs=300)


def _all_rows(judge: ArenaJudge, name: str) -> NodeDescription:
    found = judge.found
    rows = tuple(
        TableRow(tuple(found.words(i)), tuple(found.decoded(name, i)))
        for i in range(len(found))
    )
    return NodeDescription(inputs=rows)


def _judged(judge: ArenaJudge, **said: Any) -> dict[str, Any]:
    return judge.judge(judge.read(SubmitCall(**said)))


def test_the_truth_has_one_everywhere(judge: ArenaJudge) -> None:
    hidden, names = judge.hidden, judge.hidden.model.config.names
    used, _ = hidden.truth
    verdict = _judged(
        judge,
        edges={str(e): 1.0 for e in names.edges if used[names.edge_index(e)]},
        roles={node: min(judge.roles_of(node)) for node in judge.variables},
        descriptions={n: _all_rows(judge, v[0]) for n, v in judge.variables.items()},
        program=sampled_text(SEED, 1),
    )
    assert verdict["edges"]["ap"] == verdict["edges"]["f1"] == 1
    assert verdict["roles"]["share"] == 1
    assert verdict["descriptions"]["share"] == 1
    assert verdict["program"]["gained"] == verdict["program"]["structure"] == 1
    assert verdict["program"]["wrong"] is None


def test_who_knows_nothing_gets_what_chance_gives(judge: ArenaJudge) -> None:
    names = judge.hidden.model.config.names
    used, _ = judge.hidden.truth
    true = used[names.visible]
    share = float(true.mean())
    empty = _judged(judge)
    assert empty["edges"]["ap"] == empty["edges"]["chance"] == round(share, 4)
    assert empty["edges"]["f1"] == empty["roles"]["share"] == 0
    assert empty["descriptions"]["share"] == 0
    assert empty["program"] is None
    rng = np.random.default_rng(0)
    found = [average_precision(rng.random(true.size), true) for _ in range(400)]
    # The mean over random orders is a little above the share where items are few.
    assert share < np.mean(found) < share + 0.1


def test_constants_names_and_memory_win_no_description(judge: ArenaJudge) -> None:
    node = next(iter(judge.variables))
    rows = judge.found.words(5), judge.found.words(7)
    cheats = {
        "constant": NodeDescription(rasp="x = 0 * indices;"),
        "unknown": NodeDescription(tokens=()),
        "few": NodeDescription(
            inputs=tuple(TableRow(tuple(r), tuple(range(len(r)))) for r in rows)
        ),
    }
    for name, claim in cheats.items():
        gained = _judged(judge, descriptions={node: claim})["descriptions"]["share"]
        assert gained <= 0.01, name
    wide = {
        n: NodeDescription(tokens=())
        for n in judge.hidden.model.config.names.sources[2:]
    }
    assert _judged(judge, descriptions=wide)["descriptions"]["share"] == 0


def test_roles_at_every_node_pay_for_those_that_have_none(judge: ArenaJudge) -> None:
    nodes = judge.hidden.model.config.names.sources[2:]
    best = max(
        _judged(judge, roles=dict.fromkeys(nodes, role))["roles"]["share"]
        for role in ROLES
    )
    assert best <= len(judge.variables) / len(nodes)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"edges": {"m0->logits": 2.0}}, "0 to 1"),
        ({"edges": {"m0": 1.0}}, "not an edge"),
        ({"roles": {"m9": "mapper"}}, "no head or MLP"),
        ({"roles": {"m0": "boss"}}, "no role"),
        ({"program": "x = 1;"}, "sequence"),
        ({"program": "/etc/passwd"}, "stands where a value"),
        ({"program": 'load "a.rasp"; x = tokens;'}, "load"),
        ({"program": "sort"}, "`;`"),
        ({"program": "zoo/api.py:sort"}, "has no meaning in RASP"),
        ({"descriptions": {"m0": NodeDescription(tokens=(("a",),))}}, "a row of 1"),
        (
            {"descriptions": {"m0": NodeDescription(inputs=(TableRow(("a",), ()),))}},
            "0 values for 1",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused_in_words(
    judge: ArenaJudge, said: dict[str, Any], words: str
) -> None:
    with pytest.raises(ZooError, match=words):
        judge.read(SubmitCall(**said))


def test_a_program_that_runs_for_ever_or_is_huge_is_refused(judge: ArenaJudge) -> None:
    nested = "x = indices;" + "x = x + 1;" * 310
    bomb = "def f(n) { return f(n + 1); } x = f(0);"
    for text in (nested, bomb):
        with pytest.raises(ZooError):
            judge.read(SubmitCall(program=text))


def test_every_edge_of_a_fresh_model_is_used_or_has_no_effect_anywhere(
    hidden: HiddenModel,
) -> None:
    """Other pairs find the same edges: what is measured is no matter of chance."""
    used, blind = hidden.truth
    again, _ = used_edges(hidden.model, pairs=200, seed=9)
    assert not (again & ~used).any()
    assert (used.sum() - again.sum()) <= 1
    assert not (used & blind).any()
    circuit = {
        hidden.model.config.names.edge_index(e) for e in hidden.model.circuit.edges
    }
    assert {tuple(map(int, p)) for p in np.argwhere(used)} <= circuit
