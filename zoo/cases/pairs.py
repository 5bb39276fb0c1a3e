"""Clean and corrupt inputs with their answers: a release's data, or drawn like it.

Both inputs of a pair have the same length, so the source `positions` writes the same in
both, and such a pair cannot show what the edges from `positions` carry. Therefore the
corrupt run of every other pair has shifted position embeddings (`zoo.causal.runs`).
`shifted=0` gives pairs without shifts, as other tools have to use them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError, unknown_name
from compiler.machine.config import Config
from compiler.model import Model
from zoo.causal.model import CausalModel
from zoo.release.data import SPLITS, draw_rows
from zoo.release.fields import data_file
from zoo.release.tables import from_parquet, spell
from zoo.release.whole import Folder

PAIRS = 256
SHIFTED = 0.5


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of inputs whose outputs differ.

    Attributes:
        clean: [pair, ctx] token ids.
        corrupt: [pair, ctx] token ids.
        shifts: [pair] by how many places the corrupt run's positions are shifted.
        clean_labels: [pair, ctx] index in `readout.values` of the output for the clean
            input, -1 for none.
        corrupt_labels: [pair, ctx] index of the output for the corrupt input.
        answer: [pair] a position (counting BOS) at which the outputs differ.
    """

    clean: Int[np.ndarray, "pair ctx"]
    corrupt: Int[np.ndarray, "pair ctx"]
    shifts: Int[np.ndarray, " pair"]
    clean_labels: Int[np.ndarray, "pair ctx"]
    corrupt_labels: Int[np.ndarray, "pair ctx"]
    answer: Int[np.ndarray, " pair"]

    def __len__(self) -> int:
        return len(self.clean)

    def __repr__(self) -> str:
        return f"<Pairs: {len(self)}, {int((self.shifts > 0).sum())} shifted>"

    @property
    def inputs(self) -> Int[np.ndarray, "input ctx"]:
        """Token ids of the clean and the corrupt inputs, each input once."""
        return np.unique(np.concatenate([self.clean, self.corrupt]), axis=0)

    def take(self, rows: Any) -> Pairs:
        """Return some of the pairs."""
        return Pairs(
            self.clean[rows],
            self.corrupt[rows],
            self.shifts[rows],
            self.clean_labels[rows],
            self.corrupt_labels[rows],
            self.answer[rows],
        )


def read_pairs(
    folder: Folder, model: Model, split: str, count: int, shifted: float = SHIFTED
) -> Pairs:
    """Return the first pairs of a split of a release's data.

    Raises:
        NameLookupError: there is no such split.
        FormatError: the data was altered, or is larger than is read.
    """
    if split not in SPLITS:
        raise unknown_name("split", split, SPLITS)
    file = data_file(split)
    rows = from_parquet(folder.read(file), file).slice(0, count).to_pylist()
    return make_pairs(model, rows, shifted)


def draw_pairs(
    model: Model,
    split: str,
    count: int,
    seed: int = 0,
    shifted: float = SHIFTED,
    causal: CausalModel | None = None,
) -> Pairs:
    """Return pairs that are drawn as the data of a release is.

    Args:
        model: the model.
        split: `train` or `test`.
        count: how many, at most.
        seed: of the pairs.
        shifted: share of the pairs whose corrupt run has shifted positions.
        causal: the model's causal model over some of the inputs; over all if None.
    """
    rows = draw_rows(model, seed, causal)[split][:count]
    return make_pairs(model, rows, shifted)


def make_pairs(
    model: Model, rows: Sequence[dict[str, Any]], shifted: float = SHIFTED
) -> Pairs:
    """Return pairs of the rows of a release's data.

    Args:
        model: the model, whose output values the labels are indices of.
        rows: rows with the columns of `zoo.release.data.SCHEMA`.
        shifted: share of the pairs whose corrupt run has shifted positions.

    Raises:
        InputError: there are no rows: the program's outputs never differ.
    """
    if not rows:
        raise InputError(
            f"{model.name}: no pair of its inputs has different outputs, so no method "
            "has anything to go by"
        )
    known = {spell(value): i for i, value in enumerate(model.readout.values)}
    known.pop(None, None)
    return Pairs(
        clean=np.array([row["clean_ids"] for row in rows], np.int32),
        corrupt=np.array([row["corrupt_ids"] for row in rows], np.int32),
        shifts=_shifts(model.config, len(rows), shifted),
        clean_labels=_labels(rows, "clean_outputs", known, model.config.n_ctx),
        corrupt_labels=_labels(rows, "corrupt_outputs", known, model.config.n_ctx),
        answer=np.array([row["position"] + 1 for row in rows], np.int32),
    )


def with_shifts(pairs: Pairs, config: Config, shifted: float) -> Pairs:
    """Return the pairs with this share of the corrupt runs shifted, and no others."""
    return replace(pairs, shifts=_shifts(config, len(pairs), shifted))


def _shifts(config: Config, count: int, shifted: float) -> Int[np.ndarray, " pair"]:
    order = np.arange(count)
    if config.positions == "rotary":
        return np.zeros(count, np.int32)
    # Evenly among the pairs, whatever the share: floor((i + 1) s) > floor(i s).
    chosen = np.floor((order + 1) * shifted) > np.floor(order * shifted)
    places = max(config.n_ctx - 1, 2)
    return np.where(chosen, 1 + order % (places - 1), 0).astype(np.int32)


def _labels(
    rows: Sequence[dict[str, Any]], column: str, known: dict[Any, int], n_ctx: int
) -> Int[np.ndarray, "pair ctx"]:
    labels = np.full((len(rows), n_ctx), -1, np.int32)
    for place, row in enumerate(rows):
        found = [known.get(text, -1) for text in row[column]]
        labels[place, 1 : len(found) + 1] = found
    return labels
