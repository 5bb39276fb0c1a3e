"""PlainRuns in which some writes have moved, followed up to the leads of classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from zoo.auditing.proof.attention import attend
from zoo.auditing.proof.network import Network, PlainRuns
from zoo.auditing.proof.zonotope import Zonotope, least_leads, transform

Leads = Float[np.ndarray, "row place"]


@dataclass(frozen=True, eq=False)
class Followed:
    """Plain runs, and the sources whose writes may differ from theirs.

    Attributes:
        network: the transformer.
        runs: plain runs.
        labels: [row, place] the class that should win.
        moves: by source, by how much its write may differ.
    """

    network: Network
    runs: PlainRuns
    labels: Int[np.ndarray, "row place"]
    moves: Mapping[int, Zonotope]

    def at(self, moves: Mapping[int, Zonotope]) -> Followed:
        """Return the same with other moves."""
        return replace(self, moves=moves)

    def seen(self, visible: int, stream: np.ndarray) -> Zonotope:
        """Return what a reader sees, of sources before the given number of them."""
        found = Zonotope(stream)
        for source, move in self.moves.items():
            if source < visible:
                found = found.plus(move)
        return found

    def with_head(
        self,
        layer: int,
        head: int,
        seen: tuple[Zonotope, Zonotope, Zonotope],
        allowed: Bool[np.ndarray, "row place key"] | None = None,
    ) -> Followed:
        """Return the state with one more head that moved.

        Args:
            layer: its layer.
            head: which one.
            seen: what its queries, keys and values see.
            allowed: which key each place may attend to; as in the runs if None.
        """
        source = self.network.names.source_index(f"a{layer}.h{head}")
        allowed = self.network.allowed(self.runs.ids) if allowed is None else allowed
        write = attend(self.network, layer, head, seen, allowed, source)
        move = write.shifted(-self.runs.writes[source])
        return self.at({**self.moves, source: move})

    def behind(self, layer: int, seen: Zonotope | None = None) -> Leads:
        """Return the least leads, given how the heads of a layer and all before moved.

        Args:
            layer: whose MLP is next.
            seen: what that MLP sees; all that moved if None.
        """
        middle, source = self.runs.middles[layer], f"m{layer}"
        visible = self.network.names.source_index(source)
        rest = self.seen(visible, middle)
        seen = rest if seen is None else seen
        if layer == self.network.config.n_layers - 1:
            rest = rest.shifted(self.network.weights.b_out[layer])
            return least_leads(self.network, seen, rest, self.labels)
        write = transform(self.network, layer, seen, visible)
        move = write.shifted(-self.runs.writes[visible])
        return self.at({**self.moves, visible: move}).after(layer)

    def after(self, layer: int) -> Leads:
        """Return the least leads, given how everything up to a layer's MLP moved."""
        layer, state = layer + 1, self
        if layer == self.network.config.n_layers:
            raise AssertionError("what the last MLP writes is for the logits alone")
        visible = self.network.names.sources_before(layer)
        seen = self.seen(visible, self.runs.fronts[layer])
        for head in range(self.network.config.n_heads):
            state = state.with_head(layer, head, (seen, seen, seen))
        return state.behind(layer)
