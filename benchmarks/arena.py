"""What do scripted agents reach in the arena, and what does chance?

A hundred models that were compiled from random programs, each behind a budget of 2000
forward passes. Two scripted agents and a control that does not look at the model submit
edges, roles, descriptions and a program; the verdict comes from running them. The truth
of some models is compared with what an audit of the whole model says. docs/arena.md has
the formulas.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.report import RESULTS, Table, Target
from benchmarks.resumed import measured_once

MODELS, EACH, BUDGET = 100, 5, 2_000
AUDITED = 3
"""Models whose truth is compared with an audit."""
AGENTS = ("chance", "eap", "exact")
FIGURES = {
    "edges, AP": ("edges", "ap"),
    "edges, F1": ("edges", "f1"),
    "roles": ("roles", "share"),
    "descriptions": ("descriptions", "share"),
    "program": ("program", "gained"),
    "structure": ("program", "structure"),
}
RECORDS = RESULTS / "arena.jsonl"
# Code for small models runs once: it need not be fast, and is compiled in a third.
QUICKLY = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
    "--xla_cpu_parallel_codegen_split_count=1 --xla_cpu_use_fusion_emitters=false"
)


def measure(quick: bool) -> dict[str, Any]:
    """Return the figures of every agent on every model."""
    firsts = range(0, 2 if quick else MODELS, 2 if quick else EACH)
    jobs = [{"first": f, "models": 2 if quick else EACH} for f in firsts]
    kept = None if quick else RECORDS
    records = measured_once(kept, jobs, ("benchmarks.arena", "play_models"), 3_600)
    failures = [r["failure"] for r in records if "failure" in r]
    rows = [row for r in records for row in r.get("rows", ())]
    return {"rows": rows, "failures": failures}


def play_models(first: int, models: int) -> dict[str, Any]:
    """Return what all agents reach on some models."""
    os.environ.setdefault("XLA_FLAGS", QUICKLY)
    return {"rows": [_play_one(seed) for seed in range(first, first + models)]}


def _play_one(seed: int) -> dict[str, Any]:
    from zoo.arena.agents.chance import play_chance
    from zoo.arena.agents.eap import play_eap
    from zoo.arena.agents.exact import play_exact
    from zoo.arena.judging import ArenaJudge
    from zoo.arena.models import make_hidden
    from zoo.arena.opening import play_in_process
    from zoo.arena.session import ArenaSession

    start = time.process_time()
    hidden = make_hidden("compiled", seed)
    plays = dict(zip(AGENTS, (play_chance, play_eap, play_exact), strict=True))
    found: dict[str, Any] = {}
    judge = ArenaJudge(hidden)
    for name, play in plays.items():
        session = ArenaSession(hidden, BUDGET, judge=judge)
        verdict = play(play_in_process(session), seed)
        found[name] = {f: _figure(verdict, f) for f in FIGURES}
        found[name]["passes"] = session.spent
    seconds = round(time.process_time() - start, 1)
    config, used = hidden.model.config, hidden.truth[0]
    row = {"seed": seed, "layers": config.n_layers, "edges": len(config.names.edges)}
    row |= {"used": int(used.sum()), "agents": found, "seconds": seconds}
    return row | ({"audit": _audited(hidden)} if seed < AUDITED else {})


def _audited(hidden: Any) -> bool:
    """Return whether an audit of the model finds the same used edges."""
    import zoo
    from zoo.cases.truth import truth_of

    names = hidden.model.config.names
    said = truth_of(names, zoo.audit(hidden.model, scope="sample", pairs=2_000))
    return bool((said.mask("used") == hidden.truth[0]).all())


def _figure(verdict: Mapping[str, Any], figure: str) -> float:
    part, name = FIGURES[figure]
    return 0.0 if verdict[part] is None else float(verdict[part][name])


Rows = Sequence[Mapping[str, Any]]


def _mean(rows: Rows, agent: str, figure: str) -> float:
    return float(np.mean([row["agents"][agent][figure] for row in rows]))


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the means of every agent, over all models and by layers."""
    rows = result["rows"]
    share = float(np.mean([row["used"] / row["edges"] for row in rows]))
    seconds = float(np.median([row["seconds"] for row in rows]))
    body = [
        [agent, *(f"{_mean(rows, agent, f):.3f}" for f in FIGURES)] for agent in AGENTS
    ]
    layers = sorted({row["layers"] for row in rows})
    by_layers = [
        [
            f"{agent}, {depth}",
            str(len(some)),
            *(f"{_mean(some, agent, f):.3f}" for f in FIGURES),
        ]
        for agent in AGENTS
        for depth in layers
        for some in [[row for row in rows if row["layers"] == depth]]
    ]
    return [
        Table(
            f"Arena: means over {len(rows)} compiled models, budget {BUDGET}",
            ["<agent", *FIGURES],
            body,
            [
                f"{share:.3f} of the edges are used, on the average. All three agents "
                f"and their verdicts took {seconds:.0f} CPU s a model, median."
            ],
        ),
        Table("Arena: by layers", ["<agent, layers", "models", *FIGURES], by_layers),
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether the control is at chance, and the agents are above it."""
    rows = result["rows"]
    share = float(np.mean([row["used"] / row["edges"] for row in rows]))
    chance = _mean(rows, "chance", "edges, AP")
    words = max(_mean(rows, "chance", f) for f in ("descriptions", "program"))
    audits = [row["audit"] for row in rows if "audit" in row]
    exact = _mean(rows, "exact", "edges, AP")
    return [
        Target(
            "Arena: models played by every agent",
            f"{MODELS}",
            f"{len(rows)}",
            len(rows) == MODELS and not result["failures"],
        ),
        Target(
            "Arena: AP of random edges over the share of used edges",
            "at most 1.5",
            f"{chance / share:.2f}",
            chance / share <= 1.5,
        ),
        Target(
            "Arena: random descriptions and programs, greatest mean gain",
            "at most 0.1",
            f"{words:.3f}",
            words <= 0.1,
        ),
        Target(
            "Arena: AP of exact patching",
            "at least 0.9",
            f"{exact:.3f}",
            exact >= 0.9,
        ),
        Target(
            "Arena: models whose used edges are those of an audit",
            "all",
            f"{sum(audits)} of {len(audits)}",
            all(audits),
        ),
    ]
