"""Which inputs each neuron reads, so that few of them serve many pairs.

The inputs are points (x, y) of a plane over the integers modulo a prime q: input i has
x = i // q. A neuron reads the points of a curve y = a x^2 + b x + c, where a is one of
r numbers, and b and c are any. Two points with different x lie on r of these curves
together, one for each a, and a third point lies on at most one of the r, since three
points determine a parabola. (These are the codewords of a Reed-Solomon code of
dimension 3.) So r q^2 neurons serve all pairs of points with different x, of which
there are up to q^3 (q - 1) / 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count as count_from

import numpy as np
from jaxtyping import Bool, Int

from compiler.errors import InputError

MOST_ANDS = 4_096
"""ANDs of one model; each has a variable and two directions in its files."""
MOST_SPARSITY = 12


@dataclass(frozen=True, eq=False)
class NeuronSets:
    """Which inputs each neuron reads.

    Attributes:
        prime: q, the number of inputs in each column.
        shared: r, how many neurons read both inputs of a pair.
        pairs: [and, 2] the inputs of each AND, in order.
        members: [input, neuron] whether the neuron reads the input.
    """

    prime: int
    shared: int
    pairs: Int[np.ndarray, "and 2"]
    members: Bool[np.ndarray, "input neuron"]

    @property
    def n_inputs(self) -> int:
        """Return how many inputs there are."""
        return len(self.members)

    @property
    def d_mlp(self) -> int:
        """Return how many neurons there are."""
        return self.members.shape[1]

    def serving(self) -> Bool[np.ndarray, "and neuron"]:
        """Return which neurons read both inputs of each AND."""
        return self.members[self.pairs[:, 0]] & self.members[self.pairs[:, 1]]


def choose_sets(
    n_inputs: int, sparsity: int, d_mlp: int | None = None, seed: int = 0
) -> NeuronSets:
    """Return sets for inputs of which at most `sparsity` are on.

    Args:
        n_inputs: how many inputs there are.
        sparsity: how many of them may be on at once.
        d_mlp: the most neurons; the least that will do if None. With more of them
            the bound is smaller; there are fewer than ANDs in any case.
        seed: of the curves, and of the order of the points in each column.

    Raises:
        InputError: the sizes cannot be; says which would do.
    """
    _check(n_inputs, sparsity)
    prime = _prime(n_inputs, sparsity)
    needed = sparsity * prime**2
    if d_mlp is not None and d_mlp < needed:
        raise InputError(
            f"superpose: d_mlp is {d_mlp}, and {n_inputs} inputs of which "
            f"{sparsity} may be on need {needed}. Give d_mlp={needed}"
            f"{_smaller(prime, d_mlp, sparsity)}"
        )
    pairs = _pairs(n_inputs, prime)
    if len(pairs) > MOST_ANDS:
        raise InputError(
            f"superpose: {n_inputs} inputs have {len(pairs):,} ANDs, and at most "
            f"{MOST_ANDS:,} are compiled. Give at most {_most_inputs()} inputs"
        )
    if len(pairs) <= needed:
        raise InputError(
            f"superpose: {n_inputs} inputs have {len(pairs)} ANDs, and the sets need "
            f"{needed} neurons, so that nothing would be in superposition. Give at "
            f"least {least_inputs(sparsity)} inputs"
        )
    most = min(d_mlp or needed, prime**3, len(pairs) - 1)
    shared = max(sparsity, most // prime**2)
    return NeuronSets(prime, shared, pairs, _members(n_inputs, prime, shared, seed))


def least_inputs(sparsity: int) -> int:
    """Return the least number of inputs that have more ANDs than neurons."""
    return next(
        n
        for n in count_from(2)
        if len(_pairs(n, prime := _prime(n, sparsity))) > sparsity * prime**2
    )


def _check(n_inputs: int, sparsity: int) -> None:
    """Raise InputError unless both are integers of a possible size."""
    for name, value in (("n_inputs", n_inputs), ("sparsity", sparsity)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise InputError(f"superpose: {name} is {value!r}; give an integer")
    if not 2 <= sparsity <= MOST_SPARSITY:
        raise InputError(
            f"superpose: sparsity is {sparsity}, expected how many inputs may be "
            f"on at once: 2 to {MOST_SPARSITY}. An AND needs 2"
        )
    if not sparsity <= n_inputs <= MOST_ANDS:
        raise InputError(
            f"superpose: n_inputs is {n_inputs}, expected {sparsity} (the "
            f"sparsity) to {_most_inputs()}. Give at least {least_inputs(sparsity)}"
        )


def _prime(n_inputs: int, sparsity: int) -> int:
    """Return the least prime whose square has room for the inputs."""
    return next(
        n
        for n in count_from(max(2, sparsity))
        if n * n >= n_inputs and all(n % d for d in range(2, n))
    )


def _pairs(n_inputs: int, prime: int) -> Int[np.ndarray, "and 2"]:
    """Return the pairs of inputs in different columns."""
    first, second = np.triu_indices(n_inputs, 1)
    apart = first // prime != second // prime
    return np.stack([first[apart], second[apart]], axis=1)


def _most_inputs() -> int:
    """Return the most inputs whose ANDs are compiled."""
    return next(
        n - 1 for n in count_from(2) if len(_pairs(n, _prime(n, 2))) > MOST_ANDS
    )


def _smaller(prime: int, d_mlp: int, sparsity: int) -> str:
    """Return what could be asked for with so few neurons."""
    found = []
    if d_mlp >= 2 * prime**2:
        found.append(f"sparsity={d_mlp // prime**2}")
    fitting = [
        n
        for n in range(least_inputs(sparsity), _most_inputs() + 1)
        if sparsity * _prime(n, sparsity) ** 2 <= d_mlp
    ]
    if fitting:
        found.append(f"n_inputs={fitting[-1]}")
    return "".join(f", or {choice}" for choice in found)


def _members(
    n_inputs: int, prime: int, shared: int, seed: int
) -> Bool[np.ndarray, "input neuron"]:
    """Return which points lie on which curves."""
    rng = np.random.default_rng([*b"curves", seed])
    leading = np.sort(rng.permutation(prime)[:shared])
    order = np.stack([rng.permutation(prime) for _ in range(prime)])
    x = np.arange(n_inputs) // prime
    y = order[x, np.arange(n_inputs) % prime]
    a, b, c = (
        grid.reshape(-1)
        for grid in np.meshgrid(leading, np.arange(prime), np.arange(prime))
    )
    heights = (np.outer(x**2, a) + np.outer(x, b) + c) % prime
    return heights == y[:, None]
