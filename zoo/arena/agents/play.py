"""What scripted agents share: inputs, pairs, effects of patches, a submission."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.errors import InputError
from compiler.machine.names import Names
from zoo.arena.agents.features import FeatureLibrary
from zoo.arena.opening import Arena

CHUNK = 64
"""Inputs of one `cache`."""


@dataclass(frozen=True, eq=False)
class ArenaView:
    """What an agent knows of the model from `info`.

    Attributes:
        arena: the calls.
        info: what `info` says.
        names: of sources, readers and edges.
        rng: draws inputs.
    """

    arena: Arena
    info: Mapping[str, Any]
    names: Names
    rng: np.random.Generator

    @property
    def tokens(self) -> list[Any]:
        """The tokens."""
        return list(self.info["tokens"])

    def draw(self, length: int | None = None) -> list[Any]:
        """Return a random input, of any length if None; longer ones more often."""
        longest = self.info["max_len"]
        size = length or 1 + int(longest * self.rng.random() ** 0.5)
        return [
            self.tokens[int(i)] for i in self.rng.integers(len(self.tokens), size=size)
        ]

    def library(self, inputs: Sequence[Sequence[Any]]) -> FeatureLibrary:
        """Return expressions to be tried on some inputs."""
        ids = np.full((len(inputs), self.info["max_len"]), -1)
        for row, tokens in zip(ids, inputs, strict=True):
            row[: len(tokens)] = [self.tokens.index(t) for t in tokens]
        causal = self.info["attends"] == "to earlier positions"
        return FeatureLibrary(tuple(self.tokens), ids, causal)

    def writes(
        self, inputs: Sequence[Sequence[Any]]
    ) -> Float[np.ndarray, "source input seq d_model"]:
        """Return what sources write at each token; zeros where there is none."""
        shape = len(inputs), len(self.names.sources), self.info["max_len"]
        found = np.zeros((*shape, self.info["d_model"]))
        for start in range(0, len(inputs), CHUNK):
            rows = self.arena.cache(inputs[start : start + CHUNK])
            for row, written in enumerate(rows, start):
                found[row, :, : len(inputs[row])] = np.array(written)[:, 1:]
        return found.swapaxes(0, 1)

    def effects(
        self, patches: Sequence[Sequence[str]], strength: float = 1.0
    ) -> Float[np.ndarray, " patch"]:
        """Return the change of logits that each patch makes, on one random pair.

        In half of the pairs the donor's positions are shifted. Costs two passes and one
        for each patch.
        """
        base = self.draw(self.info["max_len"] - int(self.rng.integers(2)))
        donor = self.draw(len(base))
        shift = int(self.rng.integers(1, self.info["max_len"]))
        shift = shift if self.rng.random() < 0.5 else 0
        clean = np.array(self.arena.logits([base])[0])
        found: list[float] = []
        most = self.info["limits"]["patches"]
        for start in range(0, len(patches), most):
            part = patches[start : start + most]
            run = self.arena.patch(base, part, donor, shift=shift, strength=strength)
            moved = np.abs(np.array(run["logits"]) - clean)
            found += moved.max(axis=(1, 2)).tolist()
        return np.array(found) / strength


def look(arena: Arena, seed: int) -> ArenaView:
    """Return what an agent begins with."""
    info = arena.info()
    names = Names(info["n_layers"], info["n_heads"])
    return ArenaView(arena, info, names, np.random.default_rng(seed))


def submit(arena: Arena, said: dict[str, Any]) -> dict[str, Any]:
    """Submit; what is refused is left out, the program first, then descriptions."""
    while True:
        try:
            return arena.submit(**said)
        except InputError:
            if said.pop("program", None) is None:
                if not said.get("descriptions"):
                    raise
                said["descriptions"].popitem()
