"""What an audit has to find, by the kind of the model; nothing heavy to import."""

from __future__ import annotations

from collections.abc import Mapping

TRAINED_CLAIMS = {
    "behaviour": 0.995,
    "interchange": 0.995,
    "nodes": 0.995,
    "edges": 0.99,
    "all edges at once": 0.99,
    "circuit edges used": 1.0,
    "ablations": 0.99,
}
"""By claim, the share that it has to reach. `ablations` is one of full audits only."""
COMPILED_CLAIMS = dict.fromkeys(TRAINED_CLAIMS, 1.0)


def thresholds(kind: str) -> Mapping[str, float]:
    """Return the claims of a kind of model; what was learnt errs on a few inputs."""
    return TRAINED_CLAIMS if kind in ("trained", "compressed") else COMPILED_CLAIMS


def missed(kind: str, found: Mapping[str, float]) -> list[str]:
    """Return the claims whose figure is below what it has to reach."""
    return [
        name for name, least in thresholds(kind).items() if found.get(name, 1.0) < least
    ]
