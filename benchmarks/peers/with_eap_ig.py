"""EAP-IG's own code on our exports, and our methods on the same pairs.

    git clone https://github.com/hannamw/EAP-IG
    PYTHONPATH=.venv/lens3:. .venv/bin/python -m benchmarks.peers.with_eap_ig EAP-IG

It needs TransformerLens 3 (`make test TORCH=1` puts it into .venv/lens3) and a checkout
of theirs; figures here are for the one of 24 July 2025 (795f560). Their code asks for
CUDA by name and for text, so `zeros` and `tokenize_plus` are replaced while it runs.
Pairs have one length and no PAD, positions are not shifted, and the metric is minus the
sum of logit differences at one position, as our loss is.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.report import Table, save_result

MODELS = ("sort-siit", "reverse-siit", "induction-siit")
PAIRS = 32
STEPS = 5
METHODS = {
    "eap": "get_scores_eap",
    "clean-corrupt": "get_scores_clean_corrupted",
    "eap-ig-inputs-code": "get_scores_eap_ig",
    "eap-ig-activations-code": "get_scores_ig_activations",
    "eap-ig-inputs": "get_scores_eap_ig",
    "eap-ig-activations": "get_scores_ig_activations",
}
"""Ours -> theirs. The last two follow the paper, from which their code departs."""


def case_of(name: str) -> Any:
    """Return a case of pairs of the full length, asked at one position."""
    from zoo.cases.case import open_case

    case = open_case(name, pairs=10**5, shifted=0.0, positions="one")
    pad = case.model.config.pad_id
    full = (case.pairs.clean != pad).all(axis=1)
    full &= (case.pairs.corrupt != pad).all(axis=1)
    return case.with_changes(pairs=case.pairs.take(np.flatnonzero(full)[:PAIRS]))


def _rank_correlation(ours: Any, theirs: Any) -> float:
    from scipy import stats

    found: Any = stats.spearmanr(ours, theirs)
    return float(found.statistic)


def compare(name: str) -> list[dict[str, Any]]:
    """Return how far each method's scores of a model are from theirs."""
    import torch

    from compiler.machine.names import merge_input
    from zoo.methods import find_method

    case = case_of(name)
    lens, pairs, rows = case.model.to_transformer_lens(), case.pairs, None
    rows = np.arange(len(pairs))
    clean, corrupt = (torch.tensor(a).long() for a in (pairs.clean, pairs.corrupt))
    right, wrong = (
        torch.tensor(labels[rows, pairs.answer]).long()
        for labels in (pairs.clean_labels, pairs.corrupt_labels)
    )

    def metric(logits: Any, *_: Any) -> Any:
        at = logits[rows, np.asarray(pairs.answer)]
        return -(at[rows, right] - at[rows, wrong]).sum()

    found = []
    for ours, theirs in METHODS.items():
        expected = run_theirs(lens, theirs, (clean, corrupt), metric)
        scores = np.asarray(find_method(ours).run(case, 0))
        merged = dict.fromkeys(expected, 0.0)
        for edge in case.names.edges:
            merged[str(merge_input(edge))] += float(scores[case.names.edge_index(edge)])
        a, b = np.array([(merged[n], expected[n]) for n in expected]).T
        found.append(
            {
                "model": name,
                "method": ours,
                "theirs": theirs,
                "spearman": _rank_correlation(a, b),
                "worst": float(np.abs(a - b).max() / np.abs(b).max()),
            }
        )
    return found


def run_theirs(
    lens: Any, name: str, pairs: tuple[Any, Any], metric: Any
) -> dict[str, float]:
    """Return the scores of one of their functions, by the names of edges."""
    import torch

    attribute, graph = import_module("eap.attribute"), import_module("eap.graph")
    made = graph.Graph.from_model(lens)
    zeros = torch.zeros

    def on_cpu(*size: Any, **options: Any) -> Any:
        return zeros(*size, **{**options, "device": "cpu"})

    def tokens(_: Any, ids: Any, max_length: Any = None) -> tuple[Any, ...]:
        length = ids.shape[1]
        return ids, torch.ones_like(ids), torch.full((len(ids),), length), length

    steps = {"steps": STEPS} if "ig" in name else {}
    with (
        mock.patch.object(attribute, "tokenize_plus", tokens),
        mock.patch.object(torch, "zeros", on_cpu),
    ):
        function, batch = getattr(attribute, name), [(*pairs, None)]
        scores = function(lens, made, batch, metric, quiet=True, **steps)
    made.scores[:] = scores
    return {name: float(edge.score) for name, edge in made.edges.items()}


def main() -> None:
    """Compare, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path, help="a checkout of hannamw/EAP-IG")
    parser.add_argument("--models", nargs="+", default=MODELS)
    given = parser.parse_args()
    sys.path.insert(0, str(given.checkout / "src"))
    results = [row for name in given.models for row in compare(name)]
    head = ("<model", "<method", "<theirs", "Spearman", "worst")
    rows = [
        (
            r["model"],
            r["method"],
            r["theirs"],
            f"{r['spearman']:.6f}",
            f"{r['worst']:.1e}",
        )
        for r in results
    ]
    note = "worst: the greatest difference, over the greatest score of theirs."
    print(Table("EAP-IG's code and ours", head, rows, (note,)).as_text())
    print(f"written: {save_result('eap_ig', {'pairs': PAIRS, 'rows': results})}")


if __name__ == "__main__":
    main()
