"""The bound on how far ANDs in superposition are off, from the weights of a model.

The reading of an AND is the attention logit with which its question attends to a
question, in units in which a reading of 1 is an AND without interference. What the
weights say is compared with an ideal: neurons that add up inputs of 0 or 1, and read
evenly. The ideal has the exact bound of `compiler/superposed/bound.py`; how far the
weights are from it is bounded term by term, and added. Rounding of the arithmetic of
float32 is not in the bound, and neither is what edges outside the circuit carry in a
rotated model, which is rounding as well; `measure_readings` shows how large it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations
from math import comb

import numpy as np
from jaxtyping import Bool, Float, Int

from compiler.dimensions import SitedModel
from compiler.errors import InputError
from compiler.model import Model
from compiler.superposed.bound import worst_sets
from compiler.superposed.layout import FACT, StreamLayout, layout_of

ENUMERATED = 50_000
"""Sets of inputs up to which all of them are run."""


@dataclass(frozen=True, eq=False)
class ReadingBound:
    """What is proven about all inputs of at most `sparsity` literals.

    Attributes:
        sparsity: how many inputs may be on.
        ands: how many ANDs there are.
        neurons: how many neurons compute them.
        false_at_most: [and] the reading of each AND where it is false.
        true_at_least: the reading of every AND where it is true.
        threshold: the reading above which the answer is True.
        worst: [and, sparsity] inputs that are on where each false reading is greatest.
    """

    sparsity: int
    ands: int
    neurons: int
    false_at_most: Float[np.ndarray, " and"]
    true_at_least: float
    threshold: float
    worst: Int[np.ndarray, "and sparsity"]

    def __repr__(self) -> str:
        return (
            f"<ReadingBound: {self.ands} ANDs of at most {self.sparsity} inputs, "
            f"{self.neurons} neurons; false at most {self.error:.4f}, true at least "
            f"{self.true_at_least:.4f}, threshold {self.threshold:.4f}>"
        )

    @property
    def error(self) -> float:
        """The greatest reading of any AND where it is false."""
        return float(self.false_at_most.max())

    @property
    def margin(self) -> float:
        """How far every reading stays on its side of the threshold, at least."""
        return min(self.true_at_least - self.threshold, self.threshold - self.error)

    @property
    def holds(self) -> bool:
        """Whether the bound proves every answer right."""
        return self.margin > 0


@dataclass(frozen=True)
class MeasuredReadings:
    """What the readings of a model are in runs.

    Attributes:
        sets: how many sets of inputs were run.
        complete: whether these are all sets of at most `sparsity` inputs.
        false: the greatest reading of an AND that is false.
        true: the least reading of an AND that is true.
        worst: the greatest of a false one less its own bound; at most rounding.
    """

    sets: int
    complete: bool
    false: float
    true: float
    worst: float


@dataclass(frozen=True, eq=False)
class _ReadingWeights:
    """What of the weights decides a reading.

    Attributes:
        counted: [case, input, neuron] what an input that is on adds to a neuron, where
            1 to sparsity inputs are on, at least and at most.
        shift: [question, neuron] what a neuron has besides, at each question.
        weights: [and, neuron] what a neuron adds to an attention logit.
        offset: [and, question] the attention logit of each question without any
            neuron, less that of BOS.
        beside: [and] the greatest change of that by another input that is on.
    """

    counted: Float[np.ndarray, "case input neuron"]
    shift: Float[np.ndarray, "question neuron"]
    weights: Float[np.ndarray, "and neuron"]
    offset: Float[np.ndarray, "and question"]
    beside: Float[np.ndarray, " and"]

    @property
    def unit(self) -> Float[np.ndarray, " and"]:
        """Return by AND the attention logit that is a reading of 1."""
        return self.weights.sum(axis=1)


def bound_readings(model: SitedModel, sparsity: int | None = None) -> ReadingBound:
    """Return what the weights of a model prove about its readings.

    Args:
        model: one of `superpose`, made, loaded or rotated.
        sparsity: how many inputs may be on; what the model was made for if None.

    Raises:
        InputError: it is another model, or the sparsity is below 2.
    """
    size = _sparsity(model, sparsity)
    found, pairs = _read(model, size), _pairs(model)
    members = found.counted[0] > 0.5
    even = members[pairs].all(axis=1)
    ideal = even / np.maximum(even.sum(axis=1, keepdims=True), 1)
    error, worst = worst_sets(members, pairs, size)
    # What a neuron may be off by, what uneven weights add, and what is read besides.
    off = size * np.abs(found.counted - members).max() + np.abs(found.shift + 1).max()
    reading = found.weights / found.unit[:, None]
    uneven = np.abs(reading - ideal).sum(axis=1) * (size - 1)
    middle = found.offset.mean(axis=1)
    besides = np.abs(found.offset - middle[:, None]).max(axis=1) + size * found.beside
    slack = np.abs(reading).sum(axis=1) * off + uneven + besides / found.unit
    threshold = -middle / found.unit
    return ReadingBound(
        sparsity=size,
        ands=len(pairs),
        neurons=members.shape[1],
        false_at_most=error + slack,
        true_at_least=float(1 - slack.max()),
        threshold=float(threshold[np.abs(threshold - 0.5).argmax()]),
        worst=worst,
    )


def measure_readings(
    model: Model, *, sets: int = 2_000, seed: int = 0, batch: int = 4_096
) -> MeasuredReadings:
    """Return the readings of all ANDs in runs of the transformer.

    The sets of inputs are the worst one of each AND, and all or a sample of the others.

    Args:
        model: one of `superpose`.
        sets: how many further sets are drawn, where there are more than `ENUMERATED`.
        seed: of the sample.
        batch: how many sets are run at a time.
    """
    bound = bound_readings(model)
    unit, pairs = _read(model, bound.sparsity).unit, _pairs(model)
    chosen, complete = _sets(model, bound, sets, seed)
    key = _axes(model) @ np.asarray(model.weights.W_K[1, 0], np.float64)
    at = _layout(model)
    false, true, worst = 0.0, np.inf, -np.inf
    for start in range(0, len(chosen), batch):
        on = chosen[start : start + batch]
        hidden = _hidden(model, on, at) @ key[at.hidden]
        read = hidden @ _queries(model).T / model.config.d_head**0.5
        read /= unit
        right = on[:, pairs[:, 0]] & on[:, pairs[:, 1]]
        false = max(false, float(read[~right].max(initial=0.0)))
        true = min(true, float(read[right].min(initial=np.inf)))
        over = np.where(right, -np.inf, read - bound.false_at_most)
        worst = max(worst, float(over.max()))
    return MeasuredReadings(len(chosen), complete, false, true, worst)


def _hidden(
    model: Model, on: Bool[np.ndarray, "row input"], at: StreamLayout
) -> Float[np.ndarray, "row neuron"]:
    """Return what the neurons write at a question, with these inputs on."""
    question = model.typed.vocab[at.n_inputs]
    words = [[question, *(f"x{i}" for i in np.flatnonzero(row))] for row in on]
    writes = np.asarray(model.run(words).writes, np.float64)
    source = model.config.names.source_index("m0")
    return writes[:, source, 1] @ _axes(model)[at.hidden].T


def _sets(
    model: Model, bound: ReadingBound, sets: int, seed: int
) -> tuple[Bool[np.ndarray, "row input"], bool]:
    """Return sets of inputs that are on, and whether they are all that there are."""
    n, size = _layout(model).n_inputs, bound.sparsity
    complete = sum(comb(n, k) for k in range(1, size + 1)) <= ENUMERATED
    if complete:
        sizes = range(1, size + 1)
        rows = list(chain.from_iterable(combinations(range(n), k) for k in sizes))
    else:
        rng = np.random.default_rng([*b"readings", seed])
        drawn = (rng.choice(n, size, replace=False) for _ in range(sets))
        rows = [*map(tuple, bound.worst.tolist()), *map(tuple, drawn)]
    on = np.zeros((len(rows), n), bool)
    for line, row in zip(on, rows, strict=True):
        line[list(row)] = True
    return on, complete


def _read(model: SitedModel, sparsity: int) -> _ReadingWeights:
    """Return what of the weights decides the readings."""
    config, scale, n = model.config, model.config.d_head**0.5, _layout(model).n_inputs
    w = {k: np.asarray(a, np.float64) for k, a in model.weights._asdict().items()}
    words, bos = w["W_E"][:n], w["W_E"][config.bos_id]
    questions = w["W_E"][n : config.d_vocab - 2]
    # Layer 0: a question looks at BOS and at literals.
    query = questions @ w["W_Q"][0, 0] + w["b_Q"][0, 0]
    logits = query @ ((words - bos) @ w["W_K"][0, 0]).T / scale  # [query, key]
    heights = np.exp([logits.min(), logits.max()])
    share = heights / (1 + np.arange(1, sparsity + 1)[:, None] * heights)
    share = share.reshape(-1, 1, 1)  # at either end of what each size may have
    moved = words @ w["W_V"][0, 0] @ w["W_O"][0, 0]
    still = questions + bos @ w["W_V"][0, 0] @ w["W_O"][0, 0]
    # Layer 1: a question looks at questions.
    asked, key = questions @ w["W_Q"][1, 0] + w["b_Q"][1, 0], w["W_K"][1, 0]
    return _ReadingWeights(
        counted=(share * moved) @ w["W_in"][0],
        shift=still @ w["W_in"][0] + w["b_in"][0],
        weights=asked @ (w["W_out"][0] @ key).T / scale,
        offset=asked @ ((still - bos) @ key).T / scale,
        beside=np.abs(asked @ (share.max() * moved @ key).T / scale).max(axis=1),
    )


def _queries(model: SitedModel) -> Float[np.ndarray, "and d_head"]:
    """Return the query of each question in the second layer."""
    n, vocabulary = _layout(model).n_inputs, model.config.d_vocab - 2
    words = np.asarray(model.weights.W_E, np.float64)[n:vocabulary]
    matrix, shift = (
        np.asarray(array, np.float64)[1, 0]
        for array in (model.weights.W_Q, model.weights.b_Q)
    )
    return words @ matrix + shift


def _axes(model: SitedModel) -> Float[np.ndarray, "d_model d_model"]:
    """Return the direction of each dimension of the layout."""
    if model.basis is None:
        return np.eye(model.config.d_model)
    return np.asarray(model.basis, np.float64)


def _layout(model: SitedModel) -> StreamLayout:
    """Return where everything is.

    Raises:
        InputError: the model is no such one.
    """
    found = layout_of(model.facts)
    if found is None:
        raise InputError(
            f"{model.name} computes no ANDs in superposition, so there is no bound. "
            "Give a model of zoo.superpose"
        )
    return found


def _sparsity(model: SitedModel, given: int | None) -> int:
    _layout(model)
    size = int(model.facts[FACT]["sparsity"]) if given is None else given
    if not 2 <= size <= _layout(model).n_inputs:
        raise InputError(
            f"{model.name}: sparsity is {size}; give how many inputs may be on, 2 to "
            f"{_layout(model).n_inputs}"
        )
    return size


def _pairs(model: SitedModel) -> Int[np.ndarray, "and 2"]:
    """Return the inputs of each AND."""
    at = _layout(model)
    prime = int(model.facts[FACT]["prime"])
    first, second = np.triu_indices(at.n_inputs, 1)
    apart = first // prime != second // prime
    return np.stack([first[apart], second[apart]], axis=1)
