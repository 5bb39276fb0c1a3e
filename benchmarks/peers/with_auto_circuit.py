"""auto-circuit on our exports, and our EAP and ACDC on the same pairs.

    python3 -m venv peers
    peers/bin/pip install -e . torch==2.13.0 'transformer_lens>=3,<4'
    peers/bin/pip install --no-deps auto-circuit==1.0.1 transformer_lens==2.18.0
    peers/bin/pip install blobfile attrs ordered-set plotly vscode-tqdm
    peers/bin/python -m benchmarks.peers.with_auto_circuit

auto-circuit 1.0.1 asks for any transformer_lens from 1.13, and fails on import with 3
and 4, in which `past_key_value_caching` has another place; 2.18 is the last that it
runs with. That one asks for numpy < 2, as jax does not, and runs with 2: so it goes in
without what it asks for, over the packages that version 3 brought.

Settings without which the figures are not of the same thing:

- The export's `use_attn_result`, `use_split_qkv_input` and `use_hook_mlp_in`.
- Pairs of one length without PAD, and `slice_output="not_first_seq"`: the mean of the
  divergence is over all positions there, and here over those that have an answer.
- One batch: auto-circuit adds up gradients over batches, and its ACDC sees the first.
- `positions="one"`: the mean difference of answers is over positions there, so the
  others get equal answers, and its gradient is ours divided by the positions.
- Its gradient of the mask at 0, `mask_gradient_prune_scores` (the same as its EAP, by
  its tests), with logits and `avg_diff`; resampling from the corrupt input.
- No shifted positions: both embeddings are one source there. Ours are added up, and
  where `positions` writes the same in both runs, its edges are always removed.
- auto-circuit's ACDC takes the edges into a layer in the order of a Python set of
  objects with text in them, another one in every process. It is given our order. A
  column says how many decisions are others in an order that is drawn.
"""

# auto-circuit is not among the dependencies.
# pyright: reportMissingImports=false
from __future__ import annotations

import random
import time
from importlib.metadata import version
from typing import Any

import numpy as np

from benchmarks.report import Table, save_result

MODELS = (
    "reverse-siit",
    "sort-siit",
    "histogram-siit",
    "induction-siit",
    "most-frequent-siit",
)
PAIRS = 64
TAUS = (1e-3, 1e-2, 1e-1)


def case_of(name: str) -> Any:
    """Return the case of a release with pairs of the full length."""
    from zoo.cases.case import open_case

    case = open_case(name, pairs=10**6, shifted=0.0, positions="one")
    full = (case.pairs.clean_labels[:, 1:] >= 0).all(axis=1)
    full &= (case.pairs.corrupt_labels[:, 1:] >= 0).all(axis=1)
    return case.with_changes(pairs=case.pairs.take(np.flatnonzero(full)[:PAIRS]))


def peer_of(case: Any) -> tuple[Any, Any]:
    """Return the exported model, patchable by auto-circuit, and its loader."""
    import torch
    from auto_circuit.data import PromptDataLoader, PromptDataset
    from auto_circuit.utils.graph_utils import patchable_model

    lens = case.model.to_transformer_lens()
    lens.set_use_attn_result(True)
    lens.set_use_split_qkv_input(True)
    lens.set_use_hook_mlp_in(True)
    lens.requires_grad_(False)
    pairs: Any = case.pairs
    rows: Any = np.arange(len(case.pairs))
    answers: Any = np.zeros((2, *pairs.clean.shape), np.int64)
    labels: Any = np.stack([pairs.clean_labels, pairs.corrupt_labels])
    answers[:, rows, pairs.answer] = labels[:, rows, pairs.answer]
    right, wrong = (list(torch.tensor(a[:, 1:, None])) for a in answers)
    clean, corrupt = (torch.tensor(a).long() for a in (pairs.clean, pairs.corrupt))
    loader = PromptDataLoader(
        PromptDataset(clean, corrupt, right, wrong),
        seq_len=None,
        diverge_idx=0,
        batch_size=len(pairs),
    )
    model = patchable_model(
        lens, factorized=True, slice_output="not_first_seq", separate_qkv=True
    )
    return model, loader


def compare(name: str) -> dict[str, Any]:
    """Return how far auto-circuit's scores of a model are from ours."""
    from auto_circuit.prune_algos.mask_gradient import mask_gradient_prune_scores

    import zoo
    from zoo.methods import find_method

    case = case_of(name)
    model, loader = peer_of(case)
    settings = dict(grad_function="logit", answer_function="avg_diff", mask_val=0.0)
    theirs, their_seconds = timed(
        lambda: mask_gradient_prune_scores(model, loader, None, **settings)
    )
    ours, our_seconds = timed(lambda: np.asarray(find_method("eap").run(case, 0)))
    # Ours by auto-circuit's names: both embeddings are one source there.
    merged: dict[str, float] = dict.fromkeys(case.names.auto_circuit.values(), 0.0)
    for edge, spelled in spelling(case):
        merged[spelled] += float(ours[case.names.edge_index(edge)])
    found = {str(e): float(e.prune_score(theirs)) for e in model.edges}
    scale = case.pairs.clean.shape[1] - 1
    pairs = np.array([(merged[n], found[n] * scale) for n in merged])
    report = zoo.score(name, theirs, absolute=True, behaviour=False)
    named = zoo.score(name, found, absolute=True, behaviour=False)
    return {
        "model": name,
        "edges": len(found),
        "pairs": len(case.pairs),
        "eap": {
            "spearman": spearman(*pairs.T),
            "spearman_of_sizes": spearman(*np.abs(pairs).T),
            "worst": float(np.abs(pairs[:, 0] - pairs[:, 1]).max()),
            "greatest": float(np.abs(pairs[:, 0]).max()),
            "our_seconds": our_seconds,
            "their_seconds": their_seconds,
        },
        "scored": {
            "auroc": report.auroc,
            "by_name": named.auroc,
            "source": report.record.source,
        },
        "acdc": [compare_acdc(case, model, loader, tau) for tau in TAUS],
    }


def compare_acdc(case: Any, model: Any, loader: Any, tau: float) -> dict[str, Any]:
    """Return whether both remove the same edges at a threshold."""
    from zoo.methods.acdc import acdc_circuit, removal_order

    names = case.names
    kept, our_seconds = timed(lambda: acdc_circuit(case, tau))
    order = [(names.sources[s], names.readers[r]) for r, s in removal_order(case)]
    spelled = {tuple(edge): text for edge, text in spelling(case)}
    by_name = {str(edge): edge for edge in model.edges}
    ordered = [by_name[n] for n in dict.fromkeys(spelled[edge] for edge in order)]
    ours = {
        text for edge, text in spelling(case) if kept[names.edge_index(edge)]
    }  # kept by name; `positions` never is
    theirs, their_seconds = timed(lambda: their_circuit(model, loader, tau, ordered))
    drawn = random.Random(0).sample(ordered, len(ordered))
    other = their_circuit(model, loader, tau, drawn)
    return {
        "tau": tau,
        "removed": len(ordered) - len(ours),
        "removed_there": len(ordered) - len(theirs),
        "differ": sorted(ours ^ theirs),
        "differ_in_another_order": len(theirs ^ other),
        "our_seconds": our_seconds,
        "their_seconds": their_seconds,
    }


def their_circuit(model: Any, loader: Any, tau: float, order: list[Any]) -> set[str]:
    """Return the names of the edges that auto-circuit's ACDC keeps.

    Args:
        model: patchable.
        loader: its only batch is used.
        tau: the threshold.
        order: of the edges; those into later layers come first whatever it is.
    """
    from auto_circuit.prune_algos.ACDC import acdc_prune_scores

    model.edges = order
    exponent = round(np.log10(tau))
    scores = acdc_prune_scores(model, loader, None, tao_exps=[exponent], tao_bases=[1])
    return {str(edge) for edge in order if float(edge.prune_score(scores)) > 1.0}


def spelling(case: Any) -> list[tuple[Any, str]]:
    """Return each of our edges with auto-circuit's name for it."""
    from compiler.machine.names import merge_input

    names = case.names
    return [(edge, names.auto_circuit[merge_input(edge)]) for edge in names.edges]


def spearman(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the rank correlation."""
    from scipy import stats

    found: Any = stats.spearmanr(ours, theirs)
    return float(found.statistic)


def timed(run: Any) -> tuple[Any, float]:
    """Return what a function returns, and the CPU seconds of its second run."""
    run()
    start = time.process_time()
    found = run()
    return found, time.process_time() - start


def tables(results: list[dict[str, Any]]) -> list[Table]:
    """Return EAP beside EAP, and ACDC beside ACDC."""
    eap = [
        (
            r["model"],
            str(r["edges"]),
            f"{r['eap']['spearman']:.6f}",
            f"{r['eap']['worst'] / r['eap']['greatest']:.1e}",
            f"{r['scored']['auroc']:.3f}",
            f"{r['eap']['our_seconds']:.3f}",
            f"{r['eap']['their_seconds']:.3f}",
        )
        for r in results
    ]
    head = ("<model", "edges", "Spearman", "worst", "zoo.score", "our s", "their s")
    note = "worst: the greatest difference, over the greatest score of ours."
    acdc = [
        (
            r["model"],
            f"{a['tau']:g}",
            str(a["removed"]),
            str(a["removed_there"]),
            str(len(a["differ"])),
            str(a["differ_in_another_order"]),
            f"{a['our_seconds']:.2f}",
            f"{a['their_seconds']:.2f}",
        )
        for r in results
        for a in r["acdc"]
    ]
    columns = ("<model", "tau", "removed", "there", "differ", "in another order")
    return [
        Table("EAP, signed scores of all edges", head, eap, (note,)),
        Table("ACDC at equal thresholds", (*columns, "our s", "their s"), acdc),
    ]


def main() -> None:
    """Compare, print, and write the results."""
    import torch

    from zoo.threads import use_one_thread

    use_one_thread()
    torch.set_num_threads(1)
    results = [compare(name) for name in MODELS]
    for table in tables(results):
        print(f"\n{table.as_text()}", flush=True)
    packages = ("auto-circuit", "transformer-lens", "torch")
    data = {
        "packages": {name: version(name) for name in packages},
        "settings": {"pairs": PAIRS, "taus": TAUS},
        "models": results,
    }
    print(f"\nwritten: {save_result('auto_circuit', data)}")


if __name__ == "__main__":
    main()
