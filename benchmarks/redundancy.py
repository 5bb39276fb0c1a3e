"""What do methods find where several circuits are enough?

Compiled programs with redundant parts, at length 4. First all minimal circuits under
three ablations. Then methods: do they rank the edges of all minimal circuits first, is
their circuit of the least size enough, and are the circuits that they report real
alternatives, or do they hold edges that can be left out?
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.report import Table, Target

if TYPE_CHECKING:
    from zoo.cases.case import Case
    from zoo.scoring.sufficient import Circuits, Judge

PROGRAMS = (
    "reverse_by_vote",
    "histogram_by_vote",
    "contains_a_or_b",
    "contains_a_and_b",
    "first_by_evidence",
    "maximum_by_evidence",
    "first_with_backup",
    "maximum_with_backup",
    "first_against_doubt",
    "maximum_against_doubt",
)
ABLATIONS = ("resample", "mean", "zero")
CASES = (
    ("reverse_by_vote", "resample"),
    ("histogram_by_vote", "resample"),
    ("first_by_evidence", "resample"),
    ("maximum_by_evidence", "resample"),
    ("first_with_backup", "zero"),
    ("maximum_with_backup", "zero"),
)
METHODS = ("exact", "acdc", "eap", "eap-ig-inputs", "eap-ig-ilp", "edge-pruning")
CONTROL = "random"
LENGTH, PAIRS, LIMIT = 4, 128, 16
DRAWS = 4
"""Seeds of edge pruning, and samples of the pairs for a method without a seed."""


def measure(quick: bool) -> dict[str, Any]:
    """Return all minimal circuits, and what methods find of them."""
    programs, cases = PROGRAMS[-2:] if quick else PROGRAMS, CASES
    methods = ("eap", CONTROL) if quick else (*METHODS, CONTROL)
    truths = {
        name: {ablation: _truth(name, ablation) for ablation in ABLATIONS}
        for name in programs
    }
    if quick:
        cases = CASES[2:3]
    ranked: dict[str, list[dict[str, Any]]] = {name: [] for name in methods}
    reported: dict[str, list[dict[str, Any]]] = {}
    for name, ablation in cases:
        for label, found in _on_case(name, ablation, methods, ranked):
            reported.setdefault(label, []).append(found)
    return {"truths": truths, "ranked": ranked, "reported": reported}


def _case(name: str, ablation: str, split: str = "test") -> Case:
    """Return the case of a compiled program; its circuit is true by construction."""
    import zoo
    from zoo.cases.case import Case
    from zoo.cases.pairs import draw_pairs
    from zoo.cases.truth import truth_of_circuit

    model = zoo.compile(name, max_len=LENGTH)
    pairs = draw_pairs(model, split, PAIRS)
    return Case(name, model, truth_of_circuit(model.circuit), pairs, ablation)


def _truth(name: str, ablation: str) -> dict[str, Any]:
    import zoo

    found = zoo.circuits(_case(name, ablation), limit=LIMIT)
    return {
        "circuits": len(found.sufficient),
        "sizes": [len(one) for one in found.sufficient],
        "complete": found.complete,
        "alone": sum(effect > 0 for effect in found.single.values()),
        "union": len(found.union),
        "edges": len(found.single),
        "monotone": found.monotone,
    }


def _on_case(
    name: str,
    ablation: str,
    methods: Sequence[str],
    ranked: dict[str, list[dict[str, Any]]],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Add to `ranked`, and yield what each source of several circuits reports."""
    import zoo
    from zoo.methods import find_method
    from zoo.scoring.sufficient import Judge

    train, test = (_case(name, ablation, split) for split in ("train", "test"))
    truth = zoo.circuits(test, limit=LIMIT)
    judge = Judge(test, 1.0)
    for method in methods:
        known = find_method(method)
        draws = DRAWS if method in ("edge-pruning", "eap-ig-inputs", "exact") else 1
        circuits = []
        for draw in range(draws):
            case = train if known.seeded or not draw else _half(train, draw)
            order = _order(known, case, draw)
            size = _enough(judge, order, len(truth.sufficient[0]))
            circuits.append(order[:size])
            if not draw:
                ranked[method].append(_ranking(judge, truth, order, size))
        if draws > 1:
            yield method, _report(test, circuits, truth)
    yield "pruning", _report(test, zoo.prune_circuits(train), truth)


def _half(case: Case, seed: int) -> Case:
    """Return the case with half of its pairs, drawn."""
    rows = np.random.default_rng(seed).permutation(len(case.pairs))
    return case.with_changes(pairs=case.pairs.take(rows[: len(rows) // 2]))


def _order(method: Any, case: Case, seed: int) -> list[str]:
    """Return all edges, the most important first."""
    scores = np.asarray(method.run(case, seed), float)
    scores = np.abs(scores) if method.magnitude else scores
    found = [scores[case.names.edge_index(edge)] for edge in case.names.edges]
    return [case.edges[i] for i in np.argsort(-np.array(found), kind="stable")]


def _enough(judge: Judge, order: list[str], least: int) -> int:
    """Return the least number of edges, from the first on, that are enough."""
    sizes = range(least, len(order))
    return next((n for n in sizes if judge.keeps(order[:n])), len(order))


def _ranking(
    judge: Judge, truth: Circuits, order: list[str], size: int
) -> dict[str, Any]:
    union, least = truth.union, len(truth.sufficient[0])
    return {
        "recall": len(union & set(order[: len(union)])) / len(union),
        "least_suffices": judge.keeps(order[:least]),
        "needed": size / least,
    }


def _report(
    case: Case, circuits: Sequence[Sequence[str]], truth: Circuits
) -> dict[str, Any]:
    """Return how many of some circuits are enough, minimal and in the list."""
    import zoo

    distinct = list({frozenset(one) for one in circuits})
    found = zoo.score_circuits(case, distinct, truth=truth)
    listed = {frozenset(one) for one in truth.sufficient}
    return {
        "reported": len(distinct),
        "suffice": sum(one.suffices for one in found.reported),
        "minimal": sum(one.minimal for one in found.reported),
        "listed": sum(one in listed for one in distinct),
        "coverage": found.coverage,
    }


def tables(result: dict[str, Any]) -> list[Table]:
    """Return the minimal circuits, the rankings, and the reported circuits."""
    rows = [
        [
            name,
            *(_count(found[ablation]) for ablation in ABLATIONS),
            f"{found['resample']['alone']} of {found['resample']['edges']}",
        ]
        for name, found in result["truths"].items()
    ]
    ranked = [
        [
            f"({name})" if name == CONTROL else name,
            f"{np.mean([x['recall'] for x in some]):.3f}",
            f"{sum(x['least_suffices'] for x in some)} of {len(some)}",
            f"{np.mean([x['needed'] for x in some]):.2f}",
        ]
        for name, some in result["ranked"].items()
    ]
    reported = [
        [
            name,
            *(f"{sum(x[key] for x in some)}" for key in _COUNTED),
            f"{np.mean([x['coverage'] for x in some]):.3f}",
        ]
        for name, some in result["reported"].items()
    ]
    return [
        Table(
            "Minimal circuits of programs with redundant parts",
            ["<program", *ABLATIONS, "edges with an effect alone"],
            rows,
            ["A plus means that there are more; 0 that no set of edges is enough."],
        ),
        Table(
            f"Rankings of edges, means over {len(CASES)} redundant models",
            ["<ranking by", "recall", "least size suffices", "edges needed"],
            ranked,
            [
                "Recall: of all edges of minimal circuits, among as many first ones. "
                "Edges needed: times the size of the smallest minimal circuit."
            ],
        ),
        Table(
            f"Reported circuits, over {len(CASES)} redundant models",
            [
                "<circuits by",
                "reported",
                "suffice",
                "minimal",
                "in the list",
                "coverage",
            ],
            reported,
            ["Coverage: share of a model's minimal circuits that were reported."],
        ),
    ]


_COUNTED = ("reported", "suffice", "minimal", "listed")


def _count(found: dict[str, Any]) -> str:
    return f"{found['circuits']}{'' if found['complete'] else '+'}"


def targets(result: dict[str, Any]) -> list[Target]:
    """Return whether the lists are those that the programs were made for."""
    truths = result["truths"]
    wanted = {
        "first_by_evidence": (3, 3, 3),
        "first_with_backup": (1, 2, 2),
        "first_against_doubt": (1, 1, 1),
        "maximum_against_doubt": (1, 1, 1),
    }
    right = [
        tuple(truths[name][a]["circuits"] for a in ABLATIONS) == counts
        for name, counts in wanted.items()
        if name in truths
    ]
    return [
        Target(
            "Minimal circuits of evidence, backup and doubt",
            "3, 1 to 2, 1",
            f"{sum(right)} of {len(right)} programs",
            all(right),
        )
    ]
