"""Scores against the truth: `zoo.score` is here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from compiler.deprecation import accept_old_arguments
from compiler.errors import InputError, count
from compiler.model import Model
from zoo.auditing.certificate import Certificate
from zoo.cases.bootstrap import Interval, interval_over_items
from zoo.cases.case import Case, open_case
from zoo.cases.levels import Level
from zoo.cases.pairs import PAIRS, SHIFTED
from zoo.cases.positions import Roles
from zoo.cases.scores import Scores
from zoo.ranking import average_precision, expected_hits, ranks_of, surely_top
from zoo.scoring.by_position import POSITION, score_positions
from zoo.scoring.conventions import area, known_convention
from zoo.scoring.endings import check_file
from zoo.scoring.faithfulness import curve_of, faithfulness
from zoo.scoring.formats import Missing, read_scores
from zoo.scoring.marking import Marks, mark
from zoo.scoring.mib import area_of_circuits, greedy_circuits, mib_level
from zoo.scoring.report import Missed, Record, Report, Spurious
from zoo.scoring.subsets import measure_subsets


@accept_old_arguments(turned="shifted")
def score(
    source: str | Path | Model | Case,
    scores: Any,
    format: str | None = None,
    *,
    missing: Missing = None,
    absolute: bool = False,
    granularity: str | None = None,
    convention: str = "exact",
    roles: Roles | None = None,
    k: int | None = None,
    threshold: float | None = None,
    behaviour: bool = True,
    seed: int = 0,
    certificate: Certificate | None = None,
    split: str = "test",
    pairs: int = PAIRS,
    shifted: float | None = None,
    ablation: str = "resample",
    loss: str = "difference",
    positions: str = "all",
) -> Report:
    """Return what scores of a model's edges are worth.

    Args:
        source: a release's name, a folder, a model, a program's name, or a case.
        scores: positive where an edge helps; any format of `formats.py`.
        format: which, where it is not to be recognised.
        missing: the score of what has none: a number, `lowest`, or None to refuse.
        absolute: whether items are ranked by absolute value. Never done silently.
        granularity: `qkv`, `head` or `node`; that of the scores if None. Where items
            are joined, the greatest of their scores counts. With `position`, edges at
            positions are scored; see `by_position.py`.
        convention: how the AUROC is taken, see `conventions.py`.
        roles: with `position`, what positions are scored together: a function of the
            tokens that gives each a role, a variable whose value is the role, or `own`
            for the roles that the program says.
        k: how many items count as found; as many as are true if None.
        threshold: items above it count as found, in place of k. Where a circuit is
            given and not scores, its items count as found if both are None.
        behaviour: whether the circuits are also run: curves, completeness, minimality.
        seed: of intervals and knock-outs.
        certificate: of a model that is no release; it is audited if None.
        split: of the data: `train` or `test`.
        pairs: how many of them, at most.
        shifted: share of the pairs whose corrupt run has shifted positions; None is
            half of them, or none where the scores have one node for both embeddings.
        ablation: what stands in the place of a patched write: `resample`, `mean`,
            `zero` or `optimal`; see `Case`.
        loss: what the effect of a patch is measured by; see `zoo/cases/losses.py`.
        positions: `all` positions at which answers differ, or the `one` of the data.

    Raises:
        NameLookupError: an edge, a release or a convention is unknown.
        InputError: scores are NaN, missing, or for another architecture.
        FormatError: a file cannot be read.
    """
    if k is not None and k < 0:
        raise InputError(f"k={k}: expected 0 or more items")
    convention = known_convention(convention)
    if isinstance(scores, str | Path):
        check_file(Path(scores))
    case = open_case(
        source,
        certificate=certificate,
        split=split,
        pairs=pairs,
        shifted=SHIFTED if shifted is None else shifted,
        ablation=ablation,
        loss=loss,
        positions=positions,
    )
    if granularity == POSITION or roles is not None:
        options = {"roles": roles, "missing": missing, "absolute": absolute}
        return score_positions(case, scores, **options, k=k, seed=seed)
    read = read_scores(case.names, scores, format, missing)
    if read.level.merged and not isinstance(source, Case) and shifted is None:
        # Tools with one input node cannot shift the positions of a run.
        case = case.with_shifts(0.0)
    level = Level(case.names, granularity or read.level.kind, read.level.merged)
    joined = read.at_level(level)
    if joined.is_circuit and k is None and threshold is None:
        threshold = 0.5
    ranked = joined.magnitude() if absolute else joined
    marks = mark(case, level)
    if not (marks.true & marks.counted).any():
        raise InputError(
            f"{case.name}: no item of its circuit can be seen in these pairs at "
            f"'{level}'. Take pairs with shifted positions: shifted=0.5"
        )
    return _report(
        case, ranked, joined, marks, absolute, convention, k, threshold, behaviour, seed
    )


def _report(
    case: Case,
    ranked: Scores,
    signed: Scores,
    marks: Marks,
    absolute: bool,
    convention: str,
    k: int | None,
    threshold: float | None,
    behaviour: bool,
    seed: int,
) -> Report:
    values, true = ranked.values[marks.counted], marks.true[marks.counted]
    hits = int(true.sum())
    if threshold is not None:
        found = values > threshold
        wanted, right = int(found.sum()), float(true[found].sum())
    else:
        wanted = min(hits if k is None else k, len(values))
        found = surely_top(values, wanted)
        right = expected_hits(values, true, wanted) if wanted else 0.0
    precision = right / wanted if wanted else 0.0
    recall = right / hits
    circuit = marks.level.spread(_scatter(found, marks.counted))
    negative = signed.negative().any()
    ranks = behaviour and not signed.is_circuit  # a circuit has no other sizes
    curve = curve_of(case, signed) if ranks else None
    other = curve_of(case, signed.magnitude()) if ranks and negative else curve
    auroc, interval = _area(case, signed, values, true, convention, seed)
    return Report(
        model=case.name,
        auroc=auroc,
        auroc_interval=interval,
        average_precision=average_precision(values, true),
        average_precision_interval=interval_over_items(
            average_precision, values, true, seed
        ),
        k=wanted,
        precision=precision,
        recall=recall,
        f1=2 * right / (wanted + hits),
        hamming=wanted + hits - 2 * right,
        true=hits,
        counted=len(values),
        undetectable=marks.undetectable,
        constant=marks.constant,
        unused=marks.unused,
        missed=_missed(case, ranked, marks, found),
        spurious=_spurious(ranked, marks, found),
        faithfulness_curve=curve,
        magnitude_curve=other,
        subsets=measure_subsets(case, circuit, seed) if behaviour else None,
        record=_record(case, ranked, absolute, convention),
        warnings=(
            *_warnings(signed, marks, absolute, wanted, int(found.sum())),
            *_about_circuit(case, signed, circuit, behaviour),
        ),
        items=tuple(marks.level.items[i] for i in np.flatnonzero(marks.counted)),
        scores=values,
        labels=true,
    )


def _area(
    case: Case,
    signed: Scores,
    values: np.ndarray,
    true: np.ndarray,
    convention: str,
    seed: int,
) -> tuple[float, Interval]:
    """Return the area by a convention, and its interval over items drawn again.

    MIB's circuits are of all edges of the graph; what is drawn again is whom their
    rates are taken over.
    """
    if convention != "mib":
        return area(values, true, convention), interval_over_items(
            lambda s, t: area(s, t, convention), values, true, seed
        )
    known = case.truth.mask("used", "undetectable")
    inside = mib_level(signed.level).any_of(known)
    circuits = greedy_circuits(signed)
    interval = interval_over_items(
        lambda rows, t: area_of_circuits(circuits[:, rows.astype(int)], t),
        np.arange(len(inside), dtype=np.float64),
        inside,
        seed,
    )
    return area_of_circuits(circuits, inside), interval


def _scatter(found: np.ndarray, counted: np.ndarray) -> np.ndarray:
    chosen = np.zeros(len(counted), bool)
    chosen[counted] = found
    return chosen


def _missed(
    case: Case, ranked: Scores, marks: Marks, found: np.ndarray
) -> tuple[Missed, ...]:
    places = np.flatnonzero(marks.counted)
    values = ranked.values[places]
    ranks = ranks_of(values)
    lost = np.flatnonzero(marks.true[places] & ~found)
    items = marks.level.items
    return tuple(
        Missed(
            items[places[i]],
            float(values[i]),
            int(ranks[i]),
            tuple(case.truth.used_edges_of(marks.level, items[places[i]])),
        )
        for i in sorted(lost, key=lambda i: ranks[i])
    )


def _spurious(ranked: Scores, marks: Marks, found: np.ndarray) -> tuple[Spurious, ...]:
    places = np.flatnonzero(marks.counted)
    values = ranked.values[places]
    ranks = ranks_of(values)
    wrong = np.flatnonzero(~marks.true[places] & found)
    return tuple(
        Spurious(marks.level.items[places[i]], float(values[i]), int(ranks[i]))
        for i in sorted(wrong, key=lambda i: ranks[i])
    )


def _record(case: Case, ranked: Scores, absolute: bool, convention: str) -> Record:
    shifted = float((case.pairs.shifts > 0).mean())
    return Record(
        granularity=str(ranked.level),
        sign="magnitude" if absolute else "as given",
        ablation=case.ablation,
        direction="complement",
        positions=f"{case.positions}; {shifted:.0%} of the corrupt runs shifted",
        loss=case.loss,
        convention=convention,
        pairs=len(case.pairs),
        filled=ranked.filled,
        source=ranked.source,
    )


def _about_circuit(
    case: Case, given: Scores, circuit: np.ndarray, behaviour: bool
) -> tuple[str, ...]:
    """Return what to know of a circuit that was given in the place of scores."""
    if not given.is_circuit:
        return ()
    said = (
        "a circuit was given, and no scores: F1 and the lists are of its items, the "
        "AUROC has one point, and there are no circuits of other sizes"
    )
    if behaviour:
        said += f"; its faithfulness is {faithfulness(case, circuit[None])[0]:.3f}"
    return (said,)


def _warnings(
    signed: Scores, marks: Marks, absolute: bool, wanted: int, sure: int
) -> tuple[str, ...]:
    said = []
    if marks.undetectable:
        said.append(
            "not counted, for no donor in these pairs shows them: "
            f"{count(marks.undetectable, 'item')} of the circuit"
        )
    negative = int(signed.negative().sum())
    if negative and not absolute:
        said.append(
            f"{count(negative, 'negative score')}, ranked last; if the size is what "
            "counts, say so: --absolute, absolute=True"
        )
    counted = signed.values[marks.counted]
    if len(counted) and (counted == counted[0]).all():
        said.append(
            f"every item that counts has the score {counted[0]:.4g}: nothing is "
            "ranked, and the AUROC is that of no information"
        )
    if signed.filled:
        said.append(f"{count(signed.filled, 'item')} had no score and got one")
    if left := wanted - sure:
        said.append(
            f"ties at the cut: the last {left} of the {wanted} highest can be chosen "
            "in several ways. F1 and SHD are means over these; the lists have as found "
            "what always is"
        )
    if marks.true.sum() < 5:
        said.append("fewer than 5 items are true: the figures are coarse")
    return tuple(said)
