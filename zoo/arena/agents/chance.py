"""Random answers, without a look at the model: what knowing nothing is worth."""

from __future__ import annotations

from typing import Any

from zoo.arena.agents.play import look, submit
from zoo.arena.opening import Arena

SHARE = 0.2
"""Share of the edges, and of the heads and MLPs, that are said to be in the circuit."""


def play_chance(arena: Arena, seed: int = 0) -> dict[str, Any]:
    """Return the verdict on random scores, roles, descriptions and a random program."""
    view = look(arena, seed)
    edges = [str(edge) for edge in view.names.edges]
    drawn = view.rng.random(len(edges)) * 0.5 / (1 - SHARE)
    chosen = [n for n in view.names.sources[2:] if view.rng.random() < SHARE]
    library = view.library([view.draw() for _ in range(8)])
    features = [*library.plain(), *library.heads()]
    picked = view.rng.integers(len(features), size=len(chosen) + 1)
    return submit(
        arena,
        {
            "edges": dict(zip(edges, drawn.round(6).tolist(), strict=True)),
            "roles": {n: str(view.rng.choice(view.info["roles"])) for n in chosen},
            "descriptions": {
                node: {"rasp": features[place].program}
                for node, place in zip(chosen, picked, strict=False)
            },
            "program": features[picked[-1]].program,
        },
    )
