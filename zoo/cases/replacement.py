"""Symmetric token replacement: corrupt inputs that differ in one token.

Zhang and Nanda 2024, section 2: one token of the clean input is replaced by another of
the vocabulary, so that the output becomes another one. Here the token is one of those
in which the pair's corrupt input differs, and the new token is the corrupt input's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Int

from compiler.model import Model
from zoo.cases.pairs import Pairs
from zoo.causal.model import CausalModel
from zoo.causal.pairs import MOST_INPUTS
from zoo.causal.population import run_all

ReplacedIds = Int[np.ndarray, "pair ctx"]


def replace_one_token(model: Model, causal: CausalModel, pairs: Pairs) -> Pairs:
    """Return the pairs with corrupt inputs that are one token away, where that can be.

    A pair keeps its corrupt input if no input one token away is an input of the
    program and has another output.

    Args:
        model: names the tokens.
        causal: gives the outputs, and says which inputs there are.
        pairs: pairs of the model's inputs.
    """
    outputs, accepts = _outputs_of(causal), _accepting(model, causal)
    clean, corrupt = pairs.clean, pairs.corrupt.copy()
    labels, found = pairs.corrupt_labels.copy(), np.zeros(len(pairs), bool)
    for place in range(1, clean.shape[1]):
        tried = clean.copy()
        tried[:, place] = pairs.corrupt[:, place]
        said = outputs(tried)
        both = (said >= 0) & (pairs.clean_labels >= 0)
        good = ((said != pairs.clean_labels) & both).any(axis=1) & ~found
        good[good] = accepts(tried[good])
        corrupt[good], labels[good] = tried[good], said[good]
        found |= good
    answer = _answers(pairs, labels)
    return replace(pairs, corrupt=corrupt, corrupt_labels=labels, answer=answer)


def _outputs_of(causal: CausalModel) -> Callable[[ReplacedIds], ReplacedIds]:
    """Return a function from token ids to indices of the outputs."""
    names = [variable.name for variable in causal.variables]
    place = names.index(causal.output)

    def outputs(ids: ReplacedIds) -> ReplacedIds:
        return run_all(causal, ids)[:, place]

    return outputs


def _accepting(
    model: Model, causal: CausalModel
) -> Callable[[ReplacedIds], Bool[np.ndarray, " pair"]]:
    """Return a function that says which inputs the causal model is for."""
    accepts = getattr(causal, "accepts", None)
    vocab = model.typed.vocab
    if accepts is not None:
        return lambda ids: np.array(
            [accepts([vocab[i] for i in row[1:] if i < len(vocab)]) for row in ids],
            bool,
        )
    if hasattr(causal, "accepts"):  # a program that is for every input
        return lambda ids: np.ones(len(ids), bool)
    known = {row.tobytes() for row in causal.inputs(MOST_INPUTS, 0)[0].astype(np.int32)}
    return lambda ids: np.array(
        [row.astype(np.int32).tobytes() in known for row in ids], bool
    )


def _answers(pairs: Pairs, labels: ReplacedIds) -> Int[np.ndarray, " pair"]:
    """Return a position at which the outputs differ: the data's where it still does."""
    apart = (labels != pairs.clean_labels) & (labels >= 0) & (pairs.clean_labels >= 0)
    rows = np.arange(len(pairs))
    kept = apart[rows, pairs.answer]
    return np.where(kept, pairs.answer, apart.argmax(axis=1)).astype(np.int32)
