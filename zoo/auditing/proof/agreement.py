"""Whether a stated proof is the one that is made here."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from zoo.auditing.proof.figures import Proof
from zoo.auditing.rates import Rate

NEAR = 1e-3
"""Share of the positions by which a count may differ: where a bound is as large as what
is needed, rounding decides."""


def is_near_proof(own: Proof, said: Proof) -> bool:
    """Return whether two proofs are the same but for rounding.

    Args:
        own: made here, for the inputs and with the seed of the other one.
        said: as a certificate states it.
    """
    about = ("inputs", "all_inputs", "donors", "shifts", "positions", "method")
    if any(getattr(own, name) != getattr(said, name) for name in about):
        return False
    most = ceil(NEAR * own.positions)
    return (
        _near(own.edges, said.edges, most)
        and _near(own.nodes, said.nodes, most)
        and own.edges_without_cells.keys() == said.edges_without_cells.keys()
        and all(
            abs(count - said.edges_without_cells[name]) <= most
            for name, count in own.edges_without_cells.items()
        )
        and abs(own.whole_inputs.hits - said.whole_inputs.hits)
        <= max(1, ceil(NEAR * own.inputs))
        and own.whole_inputs.total == said.whole_inputs.total
    )


def _near(own: Mapping[str, Rate], said: Mapping[str, Rate], most: int) -> bool:
    return own.keys() == said.keys() and all(
        rate.total == said[name].total and abs(rate.hits - said[name].hits) <= most
        for name, rate in own.items()
    )
