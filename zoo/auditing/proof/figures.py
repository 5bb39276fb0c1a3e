"""The figures of a proof, as a certificate holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from zoo.auditing.rates import Rate


@dataclass(frozen=True)
class ProofMethod:
    """What one has to know to make a proof again.

    Attributes:
        seed: of the sample of base inputs: the first `inputs` of NumPy's
            `default_rng(seed).permutation` of all inputs, which are sorted by length,
            and then as the token ids count.
        slack: of the largest absolute logit and 1, by what a right output has to lead.
        cells: boxes into which donors' writes are sorted.
        arithmetic: of the bounds.
    """

    seed: int
    slack: float
    cells: int
    arithmetic: str = "float64"


@dataclass(frozen=True)
class Proof:
    """What was proven of a model.

    Attributes:
        inputs: base inputs for which it was tried.
        all_inputs: whether these are all inputs of the model.
        donors: donor inputs, which are all inputs of the model.
        shifts: donors' positions are shifted by 0 up to this less 1 places.
        positions: labelled positions of the base inputs.
        edges: by edge outside the circuit, the share of positions that are certified.
            The interval counts positions as drawn one by one.
        edges_without_cells: by edge, the number of positions that are certified without
            cells; docs/check_proof.py checks these.
        nodes: by node outside the circuit, the same.
        whole_inputs: share of base inputs of which every position is certified for
            every single edge outside.
        method: what one has to know to make it again.
    """

    inputs: int
    all_inputs: bool
    donors: int
    shifts: int
    positions: int
    edges: Mapping[str, Rate]
    edges_without_cells: Mapping[str, int]
    nodes: Mapping[str, Rate]
    whole_inputs: Rate
    method: ProofMethod

    @property
    def share(self) -> float:
        """The certified share of (edge, input, position), 1.0 where no edge is."""
        return mean_share(self.edges.values())

    @property
    def worst(self) -> tuple[str, Rate] | None:
        """The edge of which least is certified, if there is any."""
        if not self.edges:
            return None
        name = min(self.edges, key=lambda n: (self.edges[n].share, n))
        return name, self.edges[name]


def mean_share(rates: Iterable[Rate]) -> float:
    """Return the share of all counts together; 1.0 of none."""
    shares = [one.share for one in rates]
    return float(np.mean(shares)) if shares else 1.0
