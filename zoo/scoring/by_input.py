"""Scores of edges against what each single input uses.

The edges that one input uses are found by patching each edge of the circuit with many
donor inputs (`zoo.truth(name, input)`). A method that scores edges once for the whole
model is compared with each of these truths; so it is seen whether its ranking is that
of the model's average, or also that of single inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from compiler.errors import InputError
from compiler.model import Model
from compiler.rasp.values import Value
from zoo.cases.bootstrap import Interval, interval_of_mean
from zoo.cases.by_input import DONORS, donor_inputs, truth_on_input
from zoo.cases.case import Case, open_case
from zoo.cases.truth import Truth
from zoo.ranking import auroc, average_precision
from zoo.scoring.formats import Missing, read_scores

INPUTS = 32
"""Inputs on which a ranking is scored."""


@dataclass(frozen=True)
class InputScore:
    """A ranking against what one input uses.

    Attributes:
        input: its tokens.
        used: how many edges it uses.
        auroc: area under the curve of true and false positive rates, in [0, 1].
        average_precision: in [0, 1].
    """

    input: tuple[Value, ...]
    used: int
    auroc: float
    average_precision: float


@dataclass(frozen=True)
class ByInputReport:
    """A ranking against what each input uses.

    Attributes:
        model: the name of the case.
        edges: how many edges were ranked.
        inputs: the score on each input that uses some edge and not all.
        auroc: mean over the inputs.
        auroc_interval: 95 % of it, over inputs drawn again.
        average_precision: mean over the inputs.
        average_precision_interval: 95 % of it.
        random: mean average precision of random scores: the share of used edges.
    """

    model: str
    edges: int
    inputs: tuple[InputScore, ...]
    auroc: float
    auroc_interval: Interval
    average_precision: float
    average_precision_interval: Interval
    random: float

    def __repr__(self) -> str:
        return (
            f"<ByInputReport {self.model}: AP {self.average_precision:.3f}, AUROC "
            f"{self.auroc:.3f} over {len(self.inputs)} inputs>"
        )


def score_by_input(
    source: str | Path | Model | Case,
    scores: Any,
    format: str | None = None,
    *,
    missing: Missing = None,
    absolute: bool = False,
    inputs: int | Sequence[Sequence[Value]] = INPUTS,
    donors: int = DONORS,
    within: str | None = None,
    seed: int = 0,
) -> ByInputReport:
    """Return what scores of edges are worth on single inputs.

    Args:
        source: a release's name, a folder, a model, a program's name, or a case.
        scores: of all edges, in any format of `formats.py`; or a function that is
            called with the tokens of each input and returns such scores.
        format: which, where it is not to be recognised.
        missing: the score of what has none; see `zoo.score`.
        absolute: whether edges are ranked by absolute value.
        inputs: how many inputs, drawn from the test split; or the inputs.
        donors: how many donor inputs are tried on each.
        within: the class of inputs, in place of `:CLASS` behind the name.
        seed: of donors and intervals.

    Raises:
        NameLookupError: nothing has that name, or an edge is unknown.
        InputError: scores are NaN or missing, or no input uses any edge.
    """
    case = open_case(source, split="test", within=within)
    chosen = _inputs(case, inputs)
    among, rows = donor_inputs(case.subject, seed), []
    for tokens in chosen:
        given = scores(tokens) if callable(scores) else scores
        read = read_scores(case.names, given, format, missing)
        if read.level.kind != "qkv" or read.level.merged:
            raise InputError(
                f"the scores are of '{read.level}'; what one input uses is known of "
                "edges of q, k and v. Give scores of these"
            )
        ranked = read.magnitude() if absolute else read
        truth = truth_on_input(
            case.model, case.subject, tokens, among, donors=donors, seed=seed
        )
        rows.append(_scored(tokens, ranked.values, read.level.index, truth))
    kept = [row for row in rows if row is not None]
    if not kept:
        raise InputError(
            f"{case.name}: no edge changes any output of these {len(rows)} inputs. Try "
            "other inputs, or more donors"
        )
    return _report(case, kept, seed)


def _inputs(
    case: Case, inputs: int | Sequence[Sequence[Value]]
) -> list[tuple[Value, ...]]:
    if not isinstance(inputs, int):
        return [tuple(row) for row in inputs]
    if inputs < 1:
        raise InputError(f"inputs is {inputs}; give at least 1")
    vocab, config = case.model.typed.vocab, case.config
    rows = np.unique(case.pairs.clean, axis=0)[:inputs]
    plain = [
        [i for i in row if i not in (config.bos_id, config.pad_id)] for row in rows
    ]
    return [tuple(vocab[i] for i in row) for row in plain]


def _scored(
    tokens: tuple[Value, ...], values: np.ndarray, index: np.ndarray, truth: Truth
) -> InputScore | None:
    used = truth.mask("used")
    counted = ~truth.mask("undetectable") & truth.names.visible
    labels = np.zeros(len(values), bool)
    labels[index[used]] = True
    kept = np.zeros(len(values), bool)
    kept[index[counted]] = True
    labels, values = labels[kept], values[kept]
    if not labels.any() or labels.all():
        return None
    return InputScore(
        tokens,
        int(labels.sum()),
        auroc(values, labels),
        average_precision(values, labels),
    )


def _report(case: Case, rows: list[InputScore], seed: int) -> ByInputReport:
    areas = np.array([row.auroc for row in rows])
    precisions = np.array([row.average_precision for row in rows])
    edges = len(case.names.edges)
    return ByInputReport(
        model=case.name,
        edges=edges,
        inputs=tuple(rows),
        auroc=float(areas.mean()),
        auroc_interval=interval_of_mean(areas, seed),
        average_precision=float(precisions.mean()),
        average_precision_interval=interval_of_mean(precisions, seed),
        random=float(np.mean([row.used for row in rows])) / edges,
    )
