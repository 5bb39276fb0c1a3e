"""Areas under ROC curves by other people's own code, and by ours on the same vectors.

    PYTHONPATH=.venv/lens3:. .venv/bin/python -m benchmarks.peers.with_conventions \\
        --eap-ig EAP-IG --mib MIB-circuit-track --acdc Automatic-Circuit-Discovery

Each checkout is optional, and its convention is left out without it. Figures in the
docs are for MIB-circuit-track of 30 June 2025, EAP-IG of 24 July 2025 and
Automatic-Circuit-Discovery of 1 October 2024. Of ACDC one function is run, without the
imports of its file. auto-circuit's numbers are in tests/zoo/scoring/test_conventions.
"""

from __future__ import annotations

import argparse
import ast
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from compiler.machine.names import Names
from zoo.cases.levels import Level
from zoo.cases.scores import Scores
from zoo.scoring.conventions import area
from zoo.scoring.mib import mib_area

DRAWS = 50


def vectors() -> list[tuple[Level, np.ndarray, np.ndarray]]:
    """Return (level, scores, which are true) of graphs of several shapes."""
    rng, found = np.random.default_rng(0), []
    for _ in range(DRAWS):
        level = Level(Names(*rng.integers(1, 5, 2).tolist()), "qkv", merged=True)
        true = rng.random(len(level.items)) < 0.1
        true[0] = True
        found.append((level, rng.standard_normal(len(true)), true))
    return found


def mib_there(level: Level, scores: np.ndarray, true: np.ndarray) -> float:
    """Return the area of MIB's points, by its `evaluate_area_under_roc`."""
    graph = import_module("eap.graph").Graph
    evaluation = import_module("MIB_circuit_track.evaluation")
    names = level.names
    cfg = {"n_layers": names.n_layers, "n_heads": names.n_heads}
    cfg |= {"parallel_attn_mlp": False, "d_model": 1}
    truth, found = graph.from_model(cfg), graph.from_model(cfg)
    for item, score, inside in zip(level.items, scores, true, strict=True):
        found.edges[item].score = float(score)
        truth.edges[item].in_graph = bool(inside)
    rates: Any = evaluation.evaluate_area_under_roc(truth, found)
    return float(np.trapezoid(rates["TPR"], rates["FPR"]))


def acdc_there(checkout: Path) -> Any:
    """Return a function of (scores, true): ACDC's area of a point a threshold."""
    tree = ast.parse((checkout / "acdc" / "acdc_graphics.py").read_text())
    wanted = [n for n in tree.body if getattr(n, "name", "") == "pessimistic_auc"]
    space: dict[str, Any] = {"np": np}
    exec(compile(ast.Module(wanted, []), "acdc_graphics.py", "exec"), space)

    def found(scores: np.ndarray, true: np.ndarray) -> float:
        chosen = [scores >= cut for cut in np.unique(scores)[::-1]]
        wrong = [0.0, *(c[~true].mean() for c in chosen), 1.0]
        hits = [0.0, *(c[true].mean() for c in chosen), 1.0]
        return float(space["pessimistic_auc"](wrong, hits))

    return found


def main() -> None:
    """Print the greatest difference of each convention."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("eap-ig", "mib", "acdc"):
        parser.add_argument(f"--{name}", type=Path, help="a checkout")
    given = parser.parse_args()
    drawn = vectors()
    if given.mib and given.eap_ig:
        sys.path[:0] = [str(given.eap_ig / "src"), str(given.mib)]
        gaps = [
            mib_area(Scores(level, s), t) - mib_there(level, s, t)
            for level, s, t in drawn
        ]
        print(f"mib: {DRAWS} vectors, greatest difference {np.abs(gaps).max():.1e}")
    if given.acdc:
        there = acdc_there(given.acdc)
        gaps = [area(s, t, "acdc") - there(s, t) for _, s, t in drawn]
        print(f"acdc: {DRAWS} vectors, greatest difference {np.abs(gaps).max():.1e}")


if __name__ == "__main__":
    main()
