"""Areas that are named after others, against their code's values and their definitions.

The expected numbers were computed by the peers' own code on the vectors made here:
MIB circuit track of 30 June 2025 with EAP-IG's graph of 24 July 2025, and auto-circuit
of 22 April 2025 (`measure_task_roc`, then `measurements_auc`).
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from compiler.errors import InputError
from compiler.machine.names import Names
from zoo.cases.levels import Level
from zoo.cases.scores import Scores
from zoo.scoring.conventions import SIZES, area, edge_counts
from zoo.scoring.mib import mib_area

MIB = [(0, 0.5693481276), (1, 0.5797503467), (2, 0.484775641), (3, 0.5700416089)]
AUTO_CIRCUIT = [
    (50, 0, 0.6312056738),
    (200, 1, 0.5066489362),
    (201, 2, 0.4938271605),
    (1108, 3, 0.4980079102),
]


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n scores and which are true: whole numbers spread by a fixed rule."""
    places = np.arange(n)
    scores = ((places * 7919 + seed * 104729) % 10007) / 10007 - 0.5
    true = (places * 31 + seed) % 17 == 0
    return scores, true


def by_definition(level: Level, scores: np.ndarray, true: np.ndarray) -> float:
    """Return MIB's area in plain Python over the names of edges: no heap, no masks."""
    edges = {
        name: (name.split("->")[0], name.split("->")[1].partition("<")[0])
        for name in level.items
    }
    size = {name: abs(s) for name, s in zip(level.items, scores, strict=True)}
    inside = {name for name, t in zip(level.items, true, strict=True) if t}
    points = []
    for share in SIZES:
        left, chosen, nodes = share * len(edges), set(), {"logits"}
        while left > 0:
            left -= 1
            open_ = [e for e in edges if edges[e][1] in nodes and e not in chosen]
            best = max(open_, key=lambda e: size[e])
            chosen.add(best)
            nodes.add(edges[best][0])
        while True:
            written = {edges[e][0] for e in chosen} | {"logits"}
            fed = {edges[e][1] for e in chosen} | {"input"}
            kept = {e for e in chosen if edges[e][0] in fed and edges[e][1] in written}
            if kept == chosen:
                break
            chosen = kept
        points.append(
            (
                len(chosen - inside) / (len(edges) - len(inside)),
                len(chosen & inside) / len(inside),
            )
        )
    return sum(
        (x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in itertools.pairwise(points)
    )


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (3, 2), (4, 1)])
@pytest.mark.parametrize("seed", range(3))
def test_mib_is_greedy_from_the_logits_up(shape: tuple[int, int], seed: int) -> None:
    level = Level(Names(*shape), "qkv", merged=True)
    scores, true = drawn(len(level.items), seed)
    true[seed] = True  # the smallest graph has 8 edges
    found = mib_area(Scores(level, scores), true)
    assert found == pytest.approx(by_definition(level, scores, true))


@pytest.mark.parametrize(("seed", "expected"), MIB)
def test_mib_equals_the_code_of_mib(seed: int, expected: float) -> None:
    level = Level(Names(2, 4), "qkv", merged=True)
    scores, true = drawn(len(level.items), seed)
    assert mib_area(Scores(level, scores), true) == pytest.approx(expected, abs=1e-9)


def test_mib_takes_no_coarser_items() -> None:
    level = Level(Names(2, 2), "head")
    with pytest.raises(InputError, match="ranks edges into q, k and v"):
        mib_area(Scores(level, np.ones(len(level.items))), np.zeros(3, bool))


@pytest.mark.parametrize(("n", "seed", "expected"), AUTO_CIRCUIT)
def test_auto_circuit_equals_its_code(n: int, seed: int, expected: float) -> None:
    scores, true = drawn(n, seed)
    assert area(scores, true, "auto-circuit") == pytest.approx(expected, abs=1e-9)


def test_auto_circuit_takes_one_point_of_a_circuit() -> None:
    chosen = np.array([True, True, False, False, False])
    true = np.array([True, False, True, False, False])
    # (0, 0), (1/3, 1/2), (1, 1) and nothing between
    expected = (1 / 3) * 0.25 + (2 / 3) * 0.75
    assert area(chosen.astype(float), true, "auto-circuit") == pytest.approx(expected)
    assert area(-true.astype(float), true, "auto-circuit") == 1.0  # by |score|
    assert area(1.0 - true, true, "auto-circuit") == 1e-3  # its least


def test_auto_circuit_counts_fewer_of_many() -> None:
    assert edge_counts(-np.arange(4.0)) == [0, 1, 2, 3, 4]
    assert edge_counts(-np.arange(230.0))[:12] == [*range(11), 20]
    assert edge_counts(-np.arange(230.0))[-3:] == [100, 200, 230]
    assert edge_counts(np.repeat([2.0, 1.0, 0.0], 100)) == [0, 100, 200, 300]
