"""Edge attribution and linear probes.

EAP takes the gradient of the loss times the difference of two runs (Syed et al. 2023).
The calls give no gradients. What EAP approximates is the first-order effect of an edge,
and that is measured here: the edge is patched by a small share of the difference, and
the change of the logits is divided by this share. It costs as much as exact patching.

A probe is a linear map (ridge regression) from what a component writes to the values of
an expression. A component is described by the expression that its probe predicts best
on held-out tokens.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from zoo.arena.agents.features import CandidateFeature
from zoo.arena.agents.play import ArenaView, look, submit
from zoo.arena.agents.reading import best_program
from zoo.arena.opening import Arena

STRENGTH = 0.05
"""The share of the difference that is patched in."""
LARGE = 0.3
"""First-order effects on logits above this are said to be those of a circuit."""
CACHED = 0.12
"""Share of the budget that is spent on caching."""
RIDGE = 1e-3


def play_eap(arena: Arena, seed: int = 0) -> dict[str, Any]:
    """Return the verdict on edge attribution and linear probes."""
    view = look(arena, seed)
    scores = attribution_scores(view)
    parsed = [view.names.parse_edge(e) for e, s in scores.items() if s >= 0.5]
    nodes = [n for n in view.names.sources[2:] if n in {e.source for e in parsed}]
    inputs = [view.draw() for _ in range(max(1, view.arena.left // 2))][:192]
    library = view.library(inputs)
    outputs = arena.run(inputs)
    written, live = view.writes(inputs), library.live
    candidates = [*library.plain(), *library.heads()]
    roles, descriptions = {}, {}
    for node in nodes:
        rows = written[view.names.source_index(node)][live]
        best = best_probe(rows, candidates, live, view.rng)
        descriptions[node] = {"rasp": best.program}
        sources = {e.source for e in parsed if view.names.node_of(e.reader) == node}
        mlp = "combiner" if len(sources) > 1 else "mapper"
        roles[node] = best.role if node[0] == "a" and best.role != "mapper" else mlp
        if node[0] == "a" and best.role == "mapper":
            roles[node] = "router"
    said: dict[str, Any] = {"edges": scores, "roles": roles}
    said["descriptions"] = descriptions
    program = best_program(outputs, candidates, library)
    return submit(arena, said | ({} if program is None else {"program": program}))


def attribution_scores(view: ArenaView) -> dict[str, float]:
    """Return a score in [0, 1] by edge; at least 0.5 where the effect is large."""
    edges = [str(edge) for edge in view.names.edges]
    left = view.arena.left - int(CACHED * view.info["budget"])
    rounds = max(1, left // (len(edges) + 2))
    patches = [[edge] for edge in edges]
    mean = np.mean([view.effects(patches, STRENGTH) for _ in range(rounds)], axis=0)
    scale = max(float(mean.max()), 1e-9)
    return {
        edge: round(0.5 * float(size > LARGE) + 0.49 * float(size) / scale, 6)
        for edge, size in zip(edges, mean, strict=True)
    }


def best_probe(
    rows: Float[np.ndarray, "token d_model"],
    candidates: list[CandidateFeature],
    live: np.ndarray,
    rng: np.random.Generator,
) -> CandidateFeature:
    """Return the feature whose probe gains most over a constant, on half of the tokens.

    Args:
        rows: the writes at each token.
        candidates: features.
        live: where there are tokens.
        rng: draws the half.
    """
    train = rng.random(len(rows)) < 0.5
    inputs = np.hstack([rows, np.ones((len(rows), 1))])
    kept = inputs[train]
    inverse = np.linalg.inv(kept.T @ kept + RIDGE * np.eye(kept.shape[1])) @ kept.T
    best, most = candidates[0], -1.0
    for candidate in candidates:
        _, labels = np.unique(candidate.values[live], return_inverse=True)
        hot = np.eye(int(labels.max()) + 1)[labels]
        said = (inputs[~train] @ (inverse @ hot[train])).argmax(1)
        right = float((said == labels[~train]).mean())
        common = float(np.bincount(labels[~train]).max() / (~train).sum())
        gained = (right - common) / (1 - common) if common < 1 else 0.0
        if gained > most:
            best, most = candidate, gained
    return best
