"""The proof part of a certificate as text, in 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from compiler.grid import align
from zoo.auditing.proof.figures import Proof, mean_share
from zoo.auditing.rates import Rate

_WORST = 5


def proof_table(
    proof: Proof,
    sampled_edges: Mapping[str, Rate],
    sampled_nodes: Mapping[str, Rate],
) -> list[str]:
    """Return what is proven as lines, next to what a sample of pairs found.

    Args:
        proof: what is proven.
        sampled_edges: by edge outside, the share of right outputs over a sample.
        sampled_nodes: by node outside, the same.
    """
    which = "all there are" if proof.all_inputs else f"seed {proof.method.seed}"
    lines = ["", *_head(proof, which)]
    rows: list[tuple[str, ...]] = [
        ("", "certified", "in full", "least certified", "sampled")
    ]
    for what, found, sampled in (
        ("single edges", proof.edges, sampled_edges),
        ("single nodes", proof.nodes, sampled_nodes),
    ):
        if found:
            rows.append((what, *_row(found, sampled)))
    lines += align(rows)
    lines += _least(proof, sampled_edges)
    whole = proof.whole_inputs
    lines.append(
        f"  inputs certified at every position for every single edge: "
        f"{whole.hits:,} of {whole.total:,}"
    )
    return lines


def _head(proof: Proof, which: str) -> list[str]:
    return textwrap.wrap(
        f"PROOF  positions of {proof.inputs:,} base inputs ({which}) at which no donor "
        f"can make the output wrong: any of {proof.donors:,} inputs, positions shifted "
        f"by 0 to {proof.shifts - 1}",
        80,
    )


def _row(found: Mapping[str, Rate], sampled: Mapping[str, Rate]) -> tuple[str, ...]:
    full = sum(one.hits == one.total for one in found.values())
    worst = min(found, key=lambda n: (found[n].share, n))
    kept = mean_share(sampled[name] for name in found if name in sampled)
    return (
        f"{mean_share(found.values()):.4f}",
        f"{full} of {len(found)}",
        f"{found[worst].share:.4f} {worst}",
        f"{kept:.4f} right",
    )


def _least(proof: Proof, sampled: Mapping[str, Rate]) -> list[str]:
    """Return the edges of which least is certified, where that is not all."""
    order = sorted(proof.edges, key=lambda n: (proof.edges[n].share, n))
    rows = [
        (
            name,
            f"{proof.edges[name].share:.4f} certified",
            f"{sampled[name].share:.4f} right in the sample" if name in sampled else "",
        )
        for name in order[:_WORST]
        if proof.edges[name].share < 1
    ]
    return align(rows) if rows else []
