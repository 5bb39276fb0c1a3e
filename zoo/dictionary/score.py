"""A dictionary against the true features: `zoo.score_dictionary` is here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.deprecation import accept_old_arguments
from compiler.errors import InputError
from compiler.model import Model
from zoo.alignment.places import find_place
from zoo.alignment.reading import varied_subspace
from zoo.alignment.tokens import TokenIds, read_tokens
from zoo.auditing.certificate import Certificate, rate
from zoo.cases.bootstrap import interval_of_mean
from zoo.cases.case import Case, open_case
from zoo.cases.pairs import PAIRS, SHIFTED, draw_pairs
from zoo.cases.truth import truth_of_circuit
from zoo.dictionary.coders import compare_coder, decoder_of, is_coder
from zoo.dictionary.cosines import (
    Cosines,
    check_dictionary,
    cosines,
    match,
    project,
)
from zoo.dictionary.features import KnownFeatures, known_features
from zoo.dictionary.report import DictionaryFigures, DictionaryReport, Feature

THRESHOLD, DRAWS = 0.9, 20


@accept_old_arguments(turned="shifted")
def score_dictionary(
    source: str | Path | Model | Case,
    dictionary: Any,
    *,
    site: str,
    threshold: float = THRESHOLD,
    draws: int = DRAWS,
    seed: int = 0,
    inputs: TokenIds | None = None,
    certificate: Certificate | None = None,
    split: str = "test",
    shifted: float = SHIFTED,
    ablation: str = "resample",
    loss: str = "difference",
    positions: str = "all",
) -> DictionaryReport:
    """Return how near the directions of a dictionary come to a model's features.

    Args:
        source: a release's name, a folder, a model, a program's name, or a case; a
            compiled, rotated or compressed one.
        dictionary: [feature, d_model], as SAEs keep their decoders; or an SAE of
            SAELens as it is: an object with `W_dec`, `encode` and `decode`.
        site: where its activations come from: a source (`m0`), or the stream before a
            layer (`stream.1`).
        threshold: the least |cosine| of a match.
        draws: how many random dictionaries are taken as a control.
        seed: of these.
        inputs: [input, ctx] token ids that show how often features are active, and
            in which directions the data vary; those of the case if None.
        certificate: of a model that is no release. It is audited if None, unless it
            is given as a model.
        split: of the data: `train` or `test`.
        shifted: share of the pairs whose corrupt run has shifted positions.
        ablation: what stands in the place of a patched write: `resample`, `mean`,
            `zero` or `optimal`; see `Case`.
        loss: what the effect of a patch is measured by; see `zoo/cases/losses.py`.
        positions: `all` positions at which answers differ, or the `one` of the data.

    Raises:
        NameLookupError: the site is unknown; the nearest are offered.
        InputError: the dictionary has another shape, NaN, or rows of zeros; or the
            model was trained, so that its features are not known.
    """
    if not 0 < threshold <= 1:
        raise InputError(f"threshold is {threshold}; give a cosine above 0, at most 1")
    if draws < 1:
        raise InputError(f"draws is {draws}; give at least 1 random dictionary")
    if isinstance(source, Model) and certificate is None:  # edges are not needed
        truth = truth_of_circuit(source.circuit)
        drawn = draw_pairs(source, split, PAIRS, 0, shifted)
        source = Case(source.name, source, truth, drawn, ablation, loss, positions)
    case = open_case(
        source,
        certificate=certificate,
        split=split,
        shifted=shifted,
        ablation=ablation,
        loss=loss,
        positions=positions,
    )
    found = check_dictionary(decoder_of(dictionary), case.config.d_model)
    place = find_place(case.config, site)
    known = known_features(case, place, inputs)
    held = read_tokens(case, place, inputs).astype(np.float64)
    seen = varied_subspace(held)
    rng = np.random.default_rng(seed)
    random = [_random(found.shape, rng) for _ in range(draws)]

    def figures(*dictionaries: Float[np.ndarray, "found d_model"]) -> DictionaryFigures:
        every = [cosines(known.directions, d) for d in dictionaries]
        return figures_of(every, threshold, seed)

    def visible(*dictionaries: Float[np.ndarray, "found d_model"]) -> DictionaryFigures:
        true = project(known.directions, seen)
        every = [cosines(true, project(d, seen)) for d in dictionaries]
        return figures_of(every, threshold, seed)

    return DictionaryReport(
        model=case.name,
        site=site,
        threshold=threshold,
        found=len(found),
        features=_features(known, cosines(known.directions, found), threshold),
        left_out=known.constant,
        figures=figures(found),
        random=figures(*random),
        visible=visible(found),
        visible_random=visible(*random),
        draws=draws,
        seed=seed,
        coders=compare_coder(dictionary, case, place, seed)
        if is_coder(dictionary)
        else {},
    )


def _random(
    shape: tuple[int, ...], rng: np.random.Generator
) -> Float[np.ndarray, "found d_model"]:
    drawn = rng.standard_normal(shape)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def figures_of(every: list[Cosines], threshold: float, seed: int) -> DictionaryFigures:
    """Return the figures of cosines; of several dictionaries, those of all together."""
    to_found = np.concatenate([near.max(axis=1) for near in every])
    to_true = np.concatenate([near.max(axis=0) for near in every])
    hits = sum(len(match(near, threshold)) for near in every)
    precision, recall = rate(hits, len(to_true)), rate(hits, len(to_found))
    return DictionaryFigures(
        to_found=float(to_found.mean()),
        to_found_interval=interval_of_mean(to_found, seed),
        to_true=float(to_true.mean()),
        to_true_interval=interval_of_mean(to_true, seed),
        precision=precision,
        recall=recall,
        f1=2 * hits / (len(to_true) + len(to_found)),
    )


def _features(
    known: KnownFeatures, near: Cosines, threshold: float
) -> tuple[Feature, ...]:
    matched = dict(match(near, threshold))
    nearest = near.argmax(axis=1).tolist()
    return tuple(
        Feature(
            name,
            nearest[i],
            float(near[i].max()),
            matched.get(i),
            float(known.rates[i]),
        )
        for i, name in enumerate(known.names)
    )
