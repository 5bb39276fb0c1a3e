"""Do methods mix the circuits of classes of inputs?

Two programs in which a property of the input decides which mechanism computes the
output, compiled at length 4. Methods get pairs of one class, of all inputs, or of
clusters of pairs. The clusters are made without knowing the classes, by 2-means of the
scores of single pairs (EAP-IG), scaled to length 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.report import Table, Target

if TYPE_CHECKING:
    from zoo.cases.case import Case

PROGRAMS = (
    "shift_or_reverse_by_parity",
    "reverse_if_ends_agree",
)
CLASSES = ("true", "false")
METHODS = ("exact", "eap", "eap-ig-inputs", "edge-pruning", "random")
DATA = ("one class", "all inputs", "clusters")
LENGTH, PAIRS = 4, 128


def measure(quick: bool) -> dict[str, Any]:
    """Return the mixing index and the precision of every circuit."""
    programs = PROGRAMS[:1] if quick else PROGRAMS
    methods = ("eap", "random") if quick else METHODS
    rows = [row for name in programs for row in _on_program(name, methods)]
    return {"programs": list(programs), "rows": rows}


def _on_program(name: str, methods: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    import zoo
    from zoo.methods import find_method
    from zoo.scoring.circuit_sets import mixing_index

    model = zoo.compile(name, max_len=LENGTH)
    cases = {
        label: zoo.open_case(model, within=label, pairs=PAIRS) for label in CLASSES
    }
    used = {
        label: {
            str(e) for e, known in case.truth.known.items() if known.status == "used"
        }
        for label, case in cases.items()
    }
    every = _all_inputs(cases["true"])
    size = round(np.mean([len(edges) for edges in used.values()]))
    data: dict[str, list[tuple[Case, int]]] = {
        "one class": [(cases[c], len(used[c])) for c in CLASSES],
        "all inputs": [(every, len(used["true"] | used["false"]))],
        "clusters": [(cluster, size) for cluster in _clusters(every)],
    }
    for method in methods:
        for kind, some in data.items():
            for case, wanted in some:
                edges = _first(find_method(method), case, wanted)
                true = max(len(edges & used[c]) for c in CLASSES)
                yield {
                    "program": name,
                    "method": method,
                    "data": kind,
                    "mixing": mixing_index(edges, used.values()),
                    "precision": true / len(edges),
                }


def _all_inputs(case: Case) -> Case:
    """Return the case of the same model with pairs of all its inputs."""
    from zoo.cases.pairs import draw_pairs

    pairs = draw_pairs(case.model, "train", PAIRS)
    return case.with_changes(pairs=pairs, within=None)


def _clusters(case: Case) -> Iterator[Case]:
    """Yield the case with the pairs of each of two clusters."""
    from scipy.cluster.vq import kmeans2

    from zoo.methods.eap_ig import STEPS, shares_of
    from zoo.methods.interpolation import inputs_at, pair_scores

    masks = [inputs_at(case, share) for share in shares_of(STEPS, 1)]
    scores = pair_scores(case, masks).reshape(len(case.pairs), -1)
    sizes = np.linalg.norm(scores, axis=1, keepdims=True)
    found: Any = kmeans2
    _, labels = found(scores / np.maximum(sizes, 1e-30), 2, seed=0, minit="++")
    for label in range(2):
        rows = np.flatnonzero(labels == label)
        if len(rows):
            yield case.with_changes(pairs=case.pairs.take(rows))


def _first(method: Any, case: Case, size: int) -> set[str]:
    """Return the edges of the greatest scores."""
    scores = np.asarray(method.run(case, 0), float)
    scores = np.abs(scores) if method.magnitude else scores
    found = np.array([scores[case.names.edge_index(e)] for e in case.names.edges])
    return {case.edges[i] for i in np.argsort(-found, kind="stable")[:size]}


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the means over programs, by method and data."""
    methods = dict.fromkeys(row["method"] for row in result["rows"])
    rows = [
        [
            f"({method})" if method == "random" else method,
            *(
                f"{_mean(result, method, kind, figure):.3f}"
                for figure in ("mixing", "precision")
                for kind in DATA
            ),
        ]
        for method in methods
    ]
    header = [
        f"{figure}: {kind}" for figure in ("mixing", "precision") for kind in DATA
    ]
    return [
        Table(
            f"Mixing of classes, means over {len(result['programs'])} routed programs",
            ["<method on classes", *header],
            rows,
            [
                "Precision: of a circuit against the class that it is most like. A "
                "circuit has as many edges as are true, and of a cluster as many as a "
                "class has on average."
            ],
        )
    ]


def _mean(result: dict[str, Any], method: str, kind: str, figure: str) -> float:
    found = [
        row[figure]
        for row in result["rows"]
        if row["method"] == method and row["data"] == kind
    ]
    return float(np.mean(found)) if found else float("nan")


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether one class is mixed less than all, where edges are patched."""
    one, every = (_mean(result, "exact", kind, "mixing") for kind in DATA[:2])
    if np.isnan(one):
        return []
    return [
        Target(
            "Mixing index of exact patching, one class and all",
            "less on one class",
            f"{one:.3f}, {every:.3f}",
            one < every,
        )
    ]
