"""Scripted agents submit through the calls alone, and stay within the budget."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.arena.agents.chance import play_chance
from zoo.arena.agents.eap import attribution_scores, best_probe
from zoo.arena.agents.exact import edge_scores
from zoo.arena.agents.features import FeatureLibrary
from zoo.arena.agents.play import look
from zoo.arena.judging import ArenaJudge
from zoo.arena.models import HiddenModel
from zoo.arena.opening import play_in_process
from zoo.arena.session import ArenaSession


def test_exact_patching_finds_the_used_edges_within_its_budget(
    hidden: HiddenModel,
) -> None:
    session = ArenaSession(hidden, 240)
    scores = edge_scores(look(play_in_process(session), 0))
    names = hidden.model.config.names
    used, _ = hidden.truth
    found = {e for e in names.edges if scores.get(str(e), 0) >= 0.5}
    true = {e for e in names.edges if used[names.edge_index(e)]}
    assert found <= true
    assert len(found) >= 0.6 * len(true)
    assert 0 < session.left < 120


def test_small_patches_score_every_edge(hidden: HiddenModel) -> None:
    session = ArenaSession(hidden, 300)
    scores = attribution_scores(look(play_in_process(session), 0))
    assert len(scores) == len(hidden.model.config.names.edges)
    assert all(0 <= score <= 1 for score in scores.values())
    assert session.left >= 0


def test_a_probe_finds_the_feature_that_is_written() -> None:
    rng = np.random.default_rng(0)
    found = FeatureLibrary(("a", "b"), rng.integers(2, size=(80, 3)), False)
    candidates = [*found.plain(), *found.heads()]
    truth = next(
        c for c in candidates if c.text == "selector_width(select(tokens, tokens, ==))"
    )
    values = truth.values[found.live].astype(int)
    rows = np.eye(4)[values] @ rng.standard_normal((4, 6))
    best = best_probe(rows, candidates, found.live, rng)
    assert np.array_equal(best.values, truth.values)


def test_the_control_submits_without_a_look_at_the_model(
    hidden: HiddenModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = ArenaSession(hidden, 10)
    monkeypatch.setattr(
        ArenaJudge, "judge", lambda self, read: {"edges": len(read.scores)}
    )
    verdict = play_chance(play_in_process(session), 3)
    assert session.left == 10
    assert verdict["edges"] == len(hidden.model.config.names.edges)
