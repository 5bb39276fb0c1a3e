"""The inputs of a model, with the positions that each output depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from compiler.errors import InputError
from compiler.lower.readout import decode_indices
from compiler.machine.forward import logits_batch
from compiler.model import Model
from compiler.passes.check import Accepts
from zoo.attribution.dependence import Dependence, depend, lengths_of
from zoo.auditing.subject import causal_of
from zoo.causal.tabular import TabularModel
from zoo.lookup import open_named

INPUTS = 64


@dataclass(frozen=True, eq=False)
class AttributionTask:
    """What an attribution method is given, and the truth that it is scored against.

    A method returns [input, ctx, ctx]: of each input the score of each position
    (last axis) for the output at each position. Position 0 is BOS. Only entries in
    which both are tokens of the input count.

    Attributes:
        name: of the model.
        model: the transformer; its `transformer` is what a method runs.
        ids: [input, ctx] token ids, BOS first, PAD behind the tokens.
        lengths: [input] how many tokens each input has.
        relevant: [input, ctx, ctx] output and position: the truth.
        necessary: the same, of positions that alone can change the output.
        suppressed: the same, of positions that are not relevant in this input, and
            are in another of its length.
        counted: [input, ctx] outputs of which some positions are relevant and some
            are not.
        seed: of the draw of inputs.
    """

    name: str
    model: Model
    ids: Int[np.ndarray, "input ctx"]
    lengths: Int[np.ndarray, " input"]
    relevant: Bool[np.ndarray, "input ctx ctx"]
    necessary: Bool[np.ndarray, "input ctx ctx"]
    suppressed: Bool[np.ndarray, "input ctx ctx"]
    counted: Bool[np.ndarray, "input ctx"]
    seed: int

    def __repr__(self) -> str:
        return (
            f"<AttributionTask {self.name}: {len(self.ids)} inputs, "
            f"{int(self.counted.sum())} outputs that count>"
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def transformer(self) -> Any:
        """The configuration and arrays of the model, a pytree."""
        return self.model.transformer

    @property
    def shape(self) -> tuple[int, int, int]:
        """The shape of a method's result."""
        return (*self.ids.shape, self.ids.shape[1])

    @cached_property
    def live(self) -> Bool[np.ndarray, "input ctx"]:
        """Which positions hold a token."""
        places = np.arange(self.ids.shape[1])
        return (places >= 1) & (places <= self.lengths[:, None])

    @cached_property
    def answers(self) -> Int[np.ndarray, "input ctx"]:
        """The model's own outputs, as indices of values."""
        logits = np.asarray(logits_batch(self.transformer, self.ids))
        return decode_indices(self.model.readout, logits).astype(np.int32)


def open_attribution(
    source: str | Path | Model | AttributionTask,
    *,
    inputs: int = INPUTS,
    lengths: Sequence[int] | None = None,
    accepts: Accepts | None = None,
    seed: int = 0,
) -> AttributionTask:
    """Return inputs of a model with the positions that each output depends on.

    Args:
        source: a release's name, a folder, a program's name, a model, or a task,
            which is returned as it is.
        inputs: how many inputs are drawn, evenly over the lengths.
        lengths: of the inputs; all from 2 on whose inputs can be enumerated if None.
        accepts: which inputs there are, a function of their tokens; those that the
            program is for if None. What an output depends on is asked among these.
        seed: of the draw.

    Raises:
        NameLookupError: nothing has that name; the nearest are offered.
        InputError: the truth is not known: the model is of a task that was written by
            hand, or has too many tokens to enumerate its inputs.
    """
    if isinstance(source, AttributionTask):
        return source
    if inputs < 1:
        raise InputError(f"inputs is {inputs}; give at least 1")
    model, name = open_named(source)
    causal = causal_of(model)
    if not isinstance(causal, TabularModel):
        raise InputError(
            f"{name} computes a task that was written by hand, and the inputs that "
            "such a task takes cannot be enumerated. Name a model of a program"
        )
    known = lengths_of(causal)
    if not known:
        raise InputError(
            f"{name} has {len(causal.vocab)} tokens: inputs of two and more are too "
            "many to be enumerated. Name a model with a smaller vocabulary"
        )
    chosen = known if lengths is None else tuple(lengths)
    if bad := sorted(set(chosen) - set(known)):
        raise InputError(
            f"{name}: inputs of length {bad[0]} cannot be enumerated, or there are "
            f"none; the lengths are {known[0]} to {known[-1]}"
        )
    if accepts is not None:
        causal = TabularModel(causal.typed, causal.own_steps, accepts, causal.facts)
    return _drawn(model, name, causal, chosen, inputs, seed)


def _drawn(
    model: Model,
    name: str,
    causal: TabularModel,
    lengths: tuple[int, ...],
    count: int,
    seed: int,
) -> AttributionTask:
    """Return the task of some inputs, drawn evenly over lengths."""
    rng = np.random.default_rng(seed)
    shares = np.bincount(np.arange(count) % len(lengths), minlength=len(lengths))
    parts = []
    for length, share in zip(reversed(lengths), shares, strict=True):
        tokens = _tokens(causal, length, int(share), rng)
        if len(tokens):
            parts.append(_part(causal, depend(causal, length), tokens))
    if not parts:
        raise InputError(f"{name}: no input of these lengths is one that it takes")
    ids, relevant, necessary, suppressed = (
        np.concatenate([part[i] for part in parts]) for i in range(4)
    )
    live = (ids != causal.pad_id) & (np.arange(ids.shape[1]) > 0)
    some, every = relevant.any(axis=2), (relevant | ~live[:, None]).all(axis=2)
    return AttributionTask(
        name=name,
        model=model,
        ids=ids,
        lengths=live.sum(axis=1),
        relevant=relevant,
        necessary=necessary,
        suppressed=suppressed,
        counted=live & some & ~every,
        seed=seed,
    )


def _tokens(
    causal: TabularModel, length: int, count: int, rng: np.random.Generator
) -> Int[np.ndarray, "input position"]:
    """Return distinct inputs of one length that the model takes, drawn at random."""
    size = len(causal.vocab)
    chosen = []
    for index in rng.permutation(size**length):
        if len(chosen) == count:
            break
        row = np.array(np.unravel_index(index, (size,) * length), np.int32)
        words = [causal.vocab[i] for i in row]
        if causal.accepts is None or causal.accepts(words):
            chosen.append(row)
    return np.array(chosen, np.int32).reshape(-1, length)


def _part(
    causal: TabularModel, known: Dependence, tokens: Int[np.ndarray, "input position"]
) -> tuple[np.ndarray, ...]:
    """Return ids, relevant, necessary and suppressed, over all of the context."""
    ids = np.full((len(tokens), causal.n_ctx), causal.pad_id, np.int32)
    ids[:, 0] = causal.bos_id
    ids[:, 1 : known.length + 1] = tokens
    relevant, necessary = known.relevant(tokens), known.necessary(tokens)
    suppressed = known.ever & ~relevant
    after = causal.n_ctx - 1 - known.length
    wider = ((0, 0), (1, after), (1, after))
    return (ids, *(np.pad(a, wider) for a in (relevant, necessary, suppressed)))
