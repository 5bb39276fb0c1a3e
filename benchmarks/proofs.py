"""What can be proven of trained releases: no donor changes an output, edge by edge."""

from __future__ import annotations

from typing import Any

from benchmarks.report import RESULTS, Table, Target
from benchmarks.resumed import measured_once

RELEASES = (
    "reverse-siit",
    "sort-siit",
    "histogram-siit",
    "maximum-siit",
    "value-range-siit",
)
INPUTS = 100
"""Base inputs of each; donors are all 87,380."""


def once(release: str, inputs: int) -> dict[str, Any]:
    """Prove what can be proven of one release; return shares and CPU seconds."""
    import time

    import zoo
    from zoo.auditing.proof.figures import mean_share
    from zoo.auditing.proof.prove import prove
    from zoo.auditing.subject import subject_of
    from zoo.causal.strata import make_space
    from zoo.threads import use_one_thread

    use_one_thread()
    subject = subject_of(zoo.load(f"releases/{release}"))
    space = make_space(subject.causal)
    start = time.process_time()
    found = prove(subject, space, inputs=inputs)
    worst = found.worst
    nodes = found.nodes
    return {
        "cpu_s": round(time.process_time() - start),
        "inputs": found.inputs,
        "donors": found.donors,
        "edges": len(found.edges),
        "edge_share": found.share,
        "edges_in_full": sum(r.hits == r.total for r in found.edges.values()),
        "worst_edge": worst and [worst[0], worst[1].share],
        "nodes": {name: r.share for name, r in nodes.items()},
        "node_share": mean_share(nodes.values()),
    }


def measure(quick: bool) -> dict[str, Any]:
    """Return one record a release."""
    jobs = [
        {"release": name, "inputs": 10 if quick else INPUTS}
        for name in (RELEASES[3:4] if quick else RELEASES)
    ]
    path = None if quick else RESULTS / "proofs.jsonl"
    return {"proofs": measured_once(path, jobs, ("benchmarks.proofs", "once"), 3600)}


def tables(result: dict[str, Any]) -> list[Table]:
    """Return certified shares by release."""
    rows = []
    for found in (one for one in result["proofs"] if "failure" not in one):
        name, share = found["worst_edge"]
        rows.append(
            (
                found["job"]["release"],
                f"{found['edge_share']:.4f}",
                f"{found['edges_in_full']} of {found['edges']}",
                f"{share:.3f} {name}",
                f"{found['node_share']:.3f}",
                f"{found['cpu_s']}",
            )
        )
    heads = (
        "<release",
        "certified, single edges",
        "edges in full",
        "<least",
        "single nodes",
        "CPU s",
    )
    note = (
        "Share of (edge, input, position) at which an output is right and no donor can "
        f"make it wrong, over a sample of {INPUTS} inputs and all donors with all "
        "shifts. What is not certified need not break."
    )
    return [Table("What can be proven of trained releases", heads, rows, (note,))]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return no target: bounds that are not reached break nothing."""
    return []
