"""Is the model what the program says? Exhaustively where that is possible.

Two laws, each over all inputs (or pairs of inputs) or a seeded sample of them:
the model's output is the interpreter's; and the model with one variable taken from a
second input gives what the interpreter gives with that variable overridden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from compiler.errors import unknown_name
from compiler.ir.interpret import Trace, interpret
from compiler.lower.readout import decode_indices
from compiler.machine.patch import Patch
from compiler.model import Model
from compiler.passes.check import Accepts, most_inputs, sample_inputs
from compiler.rasp.program import Draws
from compiler.rasp.values import Value

EXHAUSTIVE = 1_000_000
NUMBER_ERROR = 1e-5
_BATCH = 2048


@dataclass(frozen=True)
class Mismatch:
    """One input on which the model is wrong."""

    tokens: tuple[Value, ...]
    expected: tuple[Value, ...]
    found: tuple[Value, ...]
    variable: str | None = None
    donor: tuple[Value, ...] | None = None

    @property
    def text(self) -> str:
        """One line: the input, what is right, what the model says."""
        swapped = "" if self.donor is None else f", {self.variable} of {self.donor}"
        return (
            f"on {list(self.tokens)}{swapped}: expected {list(self.expected)}, found "
            f"{list(self.found)}"
        )


@dataclass(frozen=True)
class Verification:
    """What was compared, and how it went.

    Attributes:
        inputs: how many inputs (or pairs of inputs) were run.
        complete: whether these are all there are.
        positions: how many positions were compared.
        undefined: positions left out, because the program gives them no meaning.
        wrong: positions at which the model differs.
        worst: greatest relative error of a number (0 for classes).
        margin: least distance of the right logit to the next (classes only).
        example: the first mismatch, if there is one.
        interchanges: of each variable how interchanges of it went, by name; empty where
            none were run.
    """

    inputs: int
    complete: bool
    positions: int
    undefined: int
    wrong: int
    worst: float
    margin: float
    example: Mismatch | None
    interchanges: Mapping[str, Verification] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        """Whether no compared position is wrong, with interchanges or without."""
        return self.wrong == 0 and all(v.right for v in self.interchanges.values())

    @property
    def accuracy(self) -> float:
        """Fraction of the compared positions that are right, in [0, 1]."""
        return 1.0 - self.wrong / max(1, self.positions)


def verify_outputs(
    model: Model,
    *,
    limit: int = EXHAUSTIVE,
    sample: int = 20_000,
    seed: int = 0,
    accepts: Accepts | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Verification:
    """Return how the model compares with the interpreter.

    Args:
        model: any model.
        limit: all inputs are run where there are at most this many.
        sample: how many are drawn otherwise.
        seed: of the sample.
        accepts: which inputs the program is for.
        progress: called with (done, total) after every batch.
    """
    tokens, lengths, complete = _inputs(model, limit, sample, seed, accepts)
    tally = _ComparisonSums(model)
    for part in _batches(len(tokens)):
        trace = interpret(model.typed, tokens[part], lengths[part])
        ids = model.ids(*_fill(tokens[part], lengths[part]))
        tally.add(trace, _logits(model, ids, len(tokens))[:, 1:])
        if progress is not None:
            progress(min(part.stop, len(tokens)), len(tokens))
    return tally.result(complete)


def verify_variables(
    model: Model,
    *,
    pairs: int = 20_000,
    seed: int = 0,
    accepts: Accepts | None = None,
) -> Iterator[tuple[str, Verification]]:
    """Yield every variable that is no input, with how interchanges of it compare."""
    for name in model.circuit.sites:
        given = name in ("tokens", "positions", "indices")
        if given or model.typed.index(name) < 0:  # a recoded copy of a variable
            continue
        yield (
            name,
            verify_interchange(model, name, pairs=pairs, seed=seed, accepts=accepts),
        )


def verify_interchange(
    model: Model,
    variable: str,
    *,
    pairs: int = 20_000,
    seed: int = 0,
    accepts: Accepts | None = None,
) -> Verification:
    """Return how interchanges of one variable compare with the interpreter's.

    For a pair of a base input and a donor input, the variable's site gets the donor's
    values at every position that both inputs have. The interpreter overrides the
    variable with the same values. All pairs are run if there are at most `pairs`.

    Raises:
        NameLookupError: the program has no such variable, or the model no site for it.
    """
    if model.typed.index(variable) < 0:
        names = [v.name for v in model.typed.variables]
        raise unknown_name("variable", variable, names)
    tokens, lengths, bases, sources, complete = _pairs(model, pairs, seed, accepts)
    tally = _ComparisonSums(model, variable)
    mask = model.variable_mask(variable)
    for part in _batches(len(bases)):
        base, source = bases[part], sources[part]
        shared = np.minimum(lengths[base], lengths[source])
        donor_trace = interpret(model.typed, tokens[source], lengths[source])
        index = model.typed.index(variable)
        override = donor_trace.values[index].copy()
        place = np.arange(tokens.shape[1])[None, :]
        override[place >= shared[:, None]] = -2
        trace = interpret(model.typed, tokens[base], lengths[base], {index: override})
        logits = _patched(model, mask, tokens, lengths, base, source, shared)
        tally.add(trace, logits[:, 1:], donor_trace)
    return tally.result(complete)


def _pairs(
    model: Model, pairs: int, seed: int, accepts: Accepts | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, bool]:
    """Return inputs, the bases and sources among them, and whether these are all."""
    few = int(pairs**0.5)
    tokens, lengths, complete = _inputs(model, few, pairs, seed, accepts)
    count = len(tokens)
    if (complete and count <= few) or not count:
        every = np.divmod(np.arange(count * count), max(1, count))
        return tokens, lengths, *every, complete
    # Every input is a base, as far as the pairs go; its source may be any.
    rng = np.random.default_rng(seed + 1)
    bases = rng.permutation(np.arange(pairs) % count)
    sources = rng.integers(count, size=pairs)
    return tokens, lengths, bases, sources, False


def _patched(
    model: Model,
    mask: Float[np.ndarray, "source 1 d_model"],
    tokens: Int[np.ndarray, "input seq"],
    lengths: Int[np.ndarray, " input"],
    base: Int[np.ndarray, " pair"],
    source: Int[np.ndarray, " pair"],
    shared: Int[np.ndarray, " pair"],
) -> Float[np.ndarray, "pair ctx class"]:
    """Return the logits of the bases with one site taken from the sources."""
    from compiler.machine.forward import forward_batch, logits_batch

    ids = model.ids(*_fill(tokens, lengths))
    donor = forward_batch(model.transformer, ids[source]).writes
    place = np.arange(model.config.n_ctx)[None, :]
    live = (place >= 1) & (place <= shared[:, None])  # [pair, ctx]
    masks = live[:, None, :, None] * mask[None]  # [pair, source, ctx, d_model]
    basis = None if model.basis is None else model.basis.astype(np.float32)
    patch = Patch.nodes(masks.astype(np.float32), donor, basis)
    return np.asarray(logits_batch(model.transformer, ids[base], patch))


def _logits(
    model: Model, ids: Int[np.ndarray, "input ctx"], count: int
) -> Float[np.ndarray, "input ctx class"]:
    """Return the logits of one batch of `count` inputs.

    A batch that is not full is filled up, so that all of them have one shape: for each
    shape the forward pass is compiled anew, which takes a second.
    """
    from compiler.machine.forward import logits_in_chunks

    size = min(_BATCH, 1 << max(count - 1, 0).bit_length())
    filled = np.concatenate([ids, np.repeat(ids[-1:], size - len(ids), axis=0)])
    return np.asarray(logits_in_chunks(model.transformer, filled))[: len(ids)]


def _fill(tokens: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return tokens.astype(np.int32), lengths.astype(np.int64)


def _inputs(
    model: Model, limit: int, sample: int, seed: int, accepts: Accepts | None
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return all inputs where they are at most `limit`, else a sample."""
    # What is drawn by a grammar is never all, and takes a second for 10,000 inputs.
    few = most_inputs(model.typed, accepts) <= limit and not isinstance(accepts, Draws)
    return sample_inputs(model.typed, limit if few else sample, seed, accepts)


def _batches(count: int) -> Iterator[slice]:
    for start in range(0, count, _BATCH):
        yield slice(start, min(start + _BATCH, count))


class _ComparisonSums:
    """Adds up comparisons."""

    def __init__(self, model: Model, variable: str | None = None) -> None:
        self.model, self.variable = model, variable
        self.inputs = self.positions = self.undefined = self.wrong = 0
        self.worst, self.margin = 0.0, np.inf
        self.example: Mismatch | None = None

    def add(self, trace: Trace, logits: np.ndarray, donor: Trace | None = None) -> None:
        seq = trace.output.shape[1]
        exists = np.arange(seq)[None, :] < trace.lengths[:, None]
        live = exists & (trace.output >= 0)
        found = decode_indices(self.model.readout, logits)
        wrong = live & ~self.right(logits, found, trace.output)
        self.inputs += len(logits)
        self.positions += int(live.sum())
        self.undefined += int((exists & ~live).sum())
        self.wrong += int(wrong.sum())
        self.measure(logits, trace.output, live)
        if wrong.any() and self.example is None:
            self.example = self.mismatch(
                trace, found, int(np.argwhere(wrong)[0, 0]), donor
            )

    def right(
        self, logits: np.ndarray, found: np.ndarray, output: np.ndarray
    ) -> np.ndarray:
        """Return [batch, seq] where the model agrees.

        A class must be the same one. A number must lie within NUMBER_ERROR of the
        true one, relative to values above 1: domains of means are so dense that
        the nearest member is no better a judge.
        """
        if self.model.readout.kind == "classes":
            return found == output
        close = self.errors(logits, output) <= NUMBER_ERROR
        return np.where(np.isnan(self.expected(output)), found == output, close)

    def expected(self, output: np.ndarray) -> np.ndarray:
        return self.model.readout.numbers[output]

    def errors(self, logits: np.ndarray, output: np.ndarray) -> np.ndarray:
        expected = self.expected(output)
        scale = np.maximum(np.abs(expected), 1.0)
        return np.abs(logits[..., 0] - expected) / scale

    def measure(self, logits: np.ndarray, output: np.ndarray, live: np.ndarray) -> None:
        if not live.any():
            return
        if self.model.readout.kind == "classes":
            rows, right = logits[live], output[live]
            if rows.shape[1] > 1:
                chosen = rows[np.arange(len(rows)), right]
                rows = rows.copy()
                rows[np.arange(len(rows)), right] = -np.inf
                self.margin = min(self.margin, float((chosen - rows.max(axis=1)).min()))
            return
        errors = self.errors(logits, output)[live]
        self.worst = max(self.worst, float(np.nan_to_num(errors).max()))

    def mismatch(
        self, trace: Trace, found: np.ndarray, row: int, donor: Trace | None
    ) -> Mismatch:
        values: Sequence[Value] = self.model.readout.values
        return Mismatch(
            tokens=tuple(trace.input(row)),
            expected=tuple(trace.decoded(self.model.typed.output, row)),
            found=tuple(values[i] for i in found[row, : trace.lengths[row]]),
            variable=self.variable,
            donor=None if donor is None else tuple(donor.input(row)),
        )

    def result(self, complete: bool) -> Verification:
        return Verification(
            self.inputs,
            complete,
            self.positions,
            self.undefined,
            self.wrong,
            self.worst,
            float(self.margin),
            self.example,
        )
