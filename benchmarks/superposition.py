"""How far ANDs in superposition interfere, and what dictionaries find of them.

Models of `zoo.superpose` of three sizes: the bound that their weights prove, what
readings are in runs, and the bound of as many neurons that read random sets of inputs,
as in Hänni et al. 2024 (the best of several densities and seeds; 1 and more: such sets
do not do). Then dictionaries of one model, with 1,029 ANDs in 248 dimensions and inputs
that are rare, correlated and nested: small sparse autoencoders of 1,024 features (600
steps), principal components and random directions, compared with the true features, by
the share of tokens at which a feature is active.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.report import Table, Target

if TYPE_CHECKING:
    from zoo.cases.case import Case
    from zoo.dictionary.report import DictionaryReport

SIZES = ((25, 2), (49, 2), (49, 3))
ACTIVITY = {"zipf": 1.0, "together": 0.3, "nested": 0.25}
INPUTS, FEATURES, STEPS, QUICK = 10_000, 1_024, 600, 500
SITES = {"m0": 1, "stream.1": 4}  # site -> how many features of TopK fire at a token
BANDS = (0.001, 0.01)
DENSITIES, SEEDS = np.arange(0.05, 0.55, 0.05), 5
ROUNDING, FAINT = 2e-5, 1e-5


def measure(quick: bool) -> dict[str, Any]:
    """Return the bounds of all sizes, and the scores of all dictionaries."""
    from zoo.threads import use_one_thread

    use_one_thread()
    sizes = SIZES[:1] if quick else SIZES
    return {
        "sizes": [_measure_size(n, k) for n, k in sizes],
        "dictionaries": _measure_dictionaries(*sizes[min(1, len(sizes) - 1)], quick),
        "activity": ACTIVITY,
        "quick": quick,
    }


def _measure_size(n_inputs: int, sparsity: int) -> dict[str, Any]:
    import zoo

    start = time.process_time()
    model = zoo.superpose(n_inputs, sparsity=sparsity)
    seconds = time.process_time() - start
    bound, found = zoo.bound_readings(model), zoo.measure_readings(model)
    assert model.features is not None
    return {
        "inputs": n_inputs,
        "sparsity": sparsity,
        "ands": bound.ands,
        "neurons": bound.neurons,
        "features": len(model.features.names),
        "d_model": model.config.d_model,
        "false": bound.error,
        "true": bound.true_at_least,
        "threshold": bound.threshold,
        "holds": bound.holds,
        "sets": found.sets,
        "complete": found.complete,
        "measured_false": found.false,
        "measured_true": found.true,
        "over": found.worst,
        "random": _random_sets(n_inputs, sparsity, bound.neurons),
        "seconds": seconds,
    }


def _random_sets(n_inputs: int, sparsity: int, neurons: int) -> float:
    """Return the least bound of random sets of inputs, for the same pairs."""
    from compiler.superposed.bound import worst_sets
    from compiler.superposed.sets import choose_sets

    pairs = choose_sets(n_inputs, sparsity).pairs
    best = np.inf
    for density in DENSITIES:
        for seed in range(SEEDS):
            rng = np.random.default_rng(seed)
            members = rng.random((n_inputs, neurons)) < density
            if (members[pairs[:, 0]] & members[pairs[:, 1]]).any(axis=1).all():
                error = worst_sets(members, pairs, sparsity)[0].max()
                best = min(best, float(error))
    return best


def _measure_dictionaries(n_inputs: int, sparsity: int, quick: bool) -> dict[str, Any]:
    import zoo
    from zoo.alignment.places import find_place
    from zoo.auditing.subject import accepts_of
    from zoo.cases.case import Case
    from zoo.cases.pairs import draw_pairs
    from zoo.cases.truth import truth_of_circuit
    from zoo.dictionary.features import known_features

    zipf, together, nested = (ACTIVITY[k] for k in ("zipf", "together", "nested"))
    model = zoo.superpose(
        n_inputs,
        sparsity=sparsity,
        rotate=0,
        zipf=zipf,
        together=together,
        nested=nested,
    )
    drawn = draw_pairs(model, "train", 16)
    case = Case(model.name, model, truth_of_circuit(model.circuit), drawn)
    sparse: Any = accepts_of(model)
    count = QUICK if quick else INPUTS
    seen, others = (
        model.encode_batch(sparse.draw(np.random.default_rng(seed), count))
        for seed in (0, 1)
    )
    scores: dict[str, Any] = {}
    for site in SITES:
        scores[site] = {}
        place = find_place(case.config, site)
        truth = known_features(case, place, others).directions
        learned = _dictionaries(case, site, seen, quick)
        for name, directions in chain([("oracle", truth)], learned):
            report = zoo.score_dictionary(
                case, directions, site=site, inputs=others, draws=1
            )
            scores[site][name] = _figures(report)
    return {"model": model.name, "d_model": model.config.d_model, "sites": scores}


def _dictionaries(
    case: Case, site: str, seen: Any, quick: bool
) -> Iterator[tuple[str, Any]]:
    """Yield dictionaries of a site by name, learned from some inputs."""
    from zoo.alignment.places import find_place
    from zoo.alignment.tokens import read_tokens
    from zoo.finders.autoencoder import train_dictionary

    held = read_tokens(case, find_place(case.config, site), seen)
    steps = 100 if quick else STEPS
    yield "sae-topk", train_dictionary(held, FEATURES, top_k=SITES[site], steps=steps)
    yield "sae-l1", train_dictionary(held, FEATURES, steps=steps)
    spread = np.linalg.svd(held - held.mean(axis=0), full_matrices=False)
    yield "pca", spread.Vh[spread.S / spread.S[0] > FAINT]
    yield "random", np.random.default_rng(0).standard_normal((FEATURES, held.shape[1]))


def _figures(report: DictionaryReport) -> dict[str, Any]:
    got = report.figures
    bands = {
        str(band.below or 1): {
            "count": band.count,
            "cosine": band.cosine,
            "recall": band.matched,
        }
        for band in report.by_frequency(BANDS)
    }
    return {
        "found": report.found,
        "true": len(report.features),
        "to_found": got.to_found,
        "to_true": got.to_true,
        "precision": got.precision.share,
        "recall": got.recall.share,
        "f1": got.f1,
        "bands": bands,
    }


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the sizes, and the dictionaries of each site."""
    sizes = [
        (
            f"{row['inputs']}, {row['sparsity']} on",
            f"{row['ands']:,}",
            str(row["neurons"]),
            f"{row['features']:,}",
            str(row["d_model"]),
            f"{row['false']:.4f}",
            f"{row['measured_false']:.4f}",
            f"{row['measured_true']:.4f}",
            f"{row['random']:.3f}",
            f"{row['sets']:,}{'' if row['complete'] else ' (sample)'}",
            f"{row['seconds']:.1f}",
        )
        for row in result["sizes"]
    ]
    header = ("<inputs", "ANDs", "neurons", "features", "d_model", "false at most")
    more = ("run: false", "run: true", "random sets", "sets run", "CPU s")
    found = [Table("ANDs in superposition", (*header, *more), sizes)]
    for site, scores in result["dictionaries"]["sites"].items():
        names = ["below 0.1 %", "to 1 %", "above"]
        titles = [f"{n}: {f}" for n in names for f in ("cosine", "recall")]
        rows = [_row(name, row) for name, row in scores.items()]
        columns = ("<dictionary", "directions", "to true", "F1", *titles)
        counts = ", ".join(str(b["count"]) for b in scores["oracle"]["bands"].values())
        note = f"True features in the three bands of frequency: {counts}."
        found.append(Table(f"Dictionaries of {site}", columns, rows, [note]))
    return found


def _row(name: str, row: dict[str, Any]) -> list[str]:
    cells = [name, str(row["found"]), f"{row['to_true']:.3f}", f"{row['f1']:.3f}"]
    for key in (*map(str, BANDS), "1"):
        band = row["bands"].get(key)
        figures = ("-", "-") if band is None else (band["cosine"], band["recall"])
        cells += [f if isinstance(f, str) else f"{f:.3f}" for f in figures]
    return cells


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether the bounds hold, in runs too, and the scores know the truth."""
    rows = result["sizes"]
    large = max(row["ands"] for row in rows)
    over = max(row["over"] for row in rows)
    proven = sum(row["holds"] for row in rows)
    sites = result["dictionaries"]["sites"].values()
    oracle = min(site["oracle"]["recall"] for site in sites)
    random = max(site["random"]["recall"] for site in sites)
    width = result["dictionaries"]["d_model"]
    features = max(r["features"] for r in rows if r["d_model"] <= 256)
    return [
        Target("Sizes of ANDs in superposition, bound proven", ">= 3", f"{proven}",
               proven >= 3),
        Target("Most ANDs in superposition", ">= 1000", f"{large:,}", large >= 1000),
        Target("Readings above their bound, by rounding", f"<= {ROUNDING}",
               f"{max(over, 0):.6f}", over <= ROUNDING),
        Target("Features that compute, in at most 256 dimensions", ">= 1000",
               f"{features:,} in {width}", features >= 1000),
        Target("Recall of the true features as a dictionary, least", ">= 0.9",
               f"{oracle:.3f}", oracle >= 0.9),
        Target("Recall of random directions as a dictionary", "0", f"{random:.3f}",
               random == 0),
    ]  # fmt: skip
