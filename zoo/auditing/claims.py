"""What an audit has to find, by the kind of the model; nothing heavy to import."""

from __future__ import annotations

from collections.abc import Mapping

TRAINED_CLAIMS = {
    "behaviour": 0.995,
    "interchange": 0.995,
    "nodes": 0.995,
    "edges": 0.99,
    "all edges at once": 0.99,
}
ABLATIONS = 0.99
"""What a trained model has to keep right with constants in the place of what is
outside its circuit; a compiled one keeps all. A claim of a full audit only."""
COMPILED_CLAIMS = dict.fromkeys(TRAINED_CLAIMS, 1.0)


def thresholds(kind: str) -> Mapping[str, float]:
    """Return the claims of a kind of model; what was learnt errs on a few inputs."""
    return TRAINED_CLAIMS if kind in ("trained", "compressed") else COMPILED_CLAIMS


def missed(kind: str, found: Mapping[str, float]) -> list[str]:
    """Return the claims whose figure is below what it has to reach."""
    return [
        name for name, least in thresholds(kind).items() if found.get(name, 1.0) < least
    ]
