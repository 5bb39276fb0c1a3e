"""What a program computes on many inputs: its hash, and whether that is worth keeping.

The inputs depend on the vocabulary, the length and nothing else, so hashes of two
suites over the same inputs can be compared.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from compiler.ir.interpret import Trace
from compiler.passes.check import count_inputs
from zoo.sampling.chance import Chance

SHORT, LONG = 2000, 1000
"""All inputs of the shortest lengths are used, as long as they are at most `SHORT`,
and `LONG` random ones of the greater lengths."""
MOST_COMMON = 0.95
"""A program whose commonest output has a greater share of all outputs is nearly
constant; one that agrees with a function of token and position at a greater share of
all positions is nearly such a function."""


@dataclass(frozen=True, eq=False)
class ProbeInputs:
    """The inputs that programs are compared on.

    Attributes:
        tokens: [input, max_len] indices into the vocabulary.
        lengths: [input] number of tokens, ascending.
        every: the greatest length of which all inputs are here.
    """

    tokens: Int[np.ndarray, "input seq"]
    lengths: Int[np.ndarray, " input"]
    every: int

    @property
    def live(self) -> Bool[np.ndarray, "input seq"]:
        """Which cells hold a token."""
        return np.arange(self.tokens.shape[1])[None, :] < self.lengths[:, None]


@dataclass(frozen=True)
class BehaviourFigures:
    """What is known of a program's outputs on the probe inputs.

    Attributes:
        hash: of all outputs, the same for two programs whose outputs differ by names.
        most_common: the share of the commonest output among all positions.
        local: the share of positions at which the best function of token and position
            has the program's output.
        is_local: whether that function has it at every position.
    """

    hash: str
    most_common: float
    local: float
    is_local: bool


def probe_inputs(n_tokens: int, max_len: int) -> ProbeInputs:
    """Return the inputs for a number of tokens and a greatest length."""
    every = 1
    while every < max_len and count_inputs(n_tokens, every + 1) <= SHORT:
        every += 1
    blocks = [np.indices((n_tokens,) * n).reshape(n, -1).T for n in range(1, every + 1)]
    rows = [row.tolist() for block in blocks for row in block]
    if every < max_len:
        chance = Chance(f"inputs of {n_tokens} tokens and {max_len} positions")
        span = max_len - every
        for number in range(LONG):
            length = every + 1 + number * span // LONG
            rows.append([chance.below(n_tokens) for _ in range(length)])
    lengths = np.array([len(row) for row in rows], np.int64)
    tokens = np.zeros((len(rows), max_len), np.int32)
    for cells, row in zip(tokens, rows, strict=True):
        cells[: len(row)] = row
    return ProbeInputs(tokens, lengths, every)


def measure_behaviour(trace: Trace, inputs: ProbeInputs) -> BehaviourFigures:
    """Return the figures of a program that was run on the probe inputs."""
    live = inputs.live
    found = trace.output[live]
    rows, positions = np.nonzero(live)
    place = inputs.tokens[rows, positions] * live.shape[1] + positions
    values = int(found.max()) + 1
    counts = np.bincount(place * values + found).astype(np.int64)
    counts = np.pad(counts, (0, -len(counts) % values)).reshape(-1, values)
    agreeing = int(counts.max(axis=1).sum())
    return BehaviourFigures(
        hash=behaviour_hash(found),
        most_common=round(int(counts.sum(axis=0).max()) / len(found), 6),
        local=round(agreeing / len(found), 6),
        is_local=agreeing == len(found),
    )


def behaviour_hash(outputs: Int[np.ndarray, " cell"]) -> str:
    """Return 32 hexadecimal digits of outputs, whatever their values are called.

    Each value is replaced by the number of different values before its first place.
    """
    place = np.full(int(outputs.max()) + 1, len(outputs))
    # The first place of each value: of several assignments the last one stays.
    place[outputs[::-1]] = np.arange(len(outputs))[::-1]
    names = np.empty(len(place), np.int64)
    names[np.argsort(place, kind="stable")] = np.arange(len(place))
    canonical = names[outputs].astype("<u4")
    return hashlib.sha256(canonical.tobytes()).hexdigest()[:32]
