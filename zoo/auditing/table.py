"""A certificate as text, in 80 columns."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence

from compiler.errors import count
from compiler.grid import align
from zoo.auditing.certificate import NOTE, Certificate, EdgeFinding, Rate, Witness
from zoo.auditing.circuit_lists import CircuitLists

# Of the nodes and edges outside the circuit the worst few are printed; JSON has all.
_WORST = 5


LEGEND = (
    "  effect    share of outputs that change when this edge alone is patched from a",
    "            run on another input",
    "  restored  share of right outputs when this edge and everything outside the",
    "            circuit are patched",
    "  used      the effect is above that of every edge outside the circuit",
    "  unused    the effect is not above that: the model does not need this edge",
    "  undetectable  no other input changes what the edge carries",
)


def table(certificate: Certificate, *, numerical: bool = False) -> list[str]:
    """Return the certificate as lines: claims, circuit, variables, what is outside.

    Args:
        certificate: what an audit found.
        numerical: whether outputs are numbers, which count as right if close.
    """
    c = certificate
    some = "all there are" if c.all_inputs else "a sample"
    inputs = f"{c.inputs:,} inputs ({some})"
    which = "all" if c.all_pairs else f"a sample, seed {c.seed}"
    pairs = f"{c.pairs:,} pairs ({which})"
    lines = textwrap.wrap(f"{c.model}: {inputs}, {pairs}", 80, subsequent_indent="  ")
    lines += [*([NOTE] if numerical else []), ""]
    lines += ["CLAIMS  the figure, what it has to reach, and where it was worst"]
    lines += align(
        [
            (
                "holds" if claim.holds else "FAILS",
                claim.name,
                f"{claim.found:.4f}",
                f"at least {claim.at_least:g}",
                claim.worst if claim.found < 1 else "",
            )
            for claim in c.claims
        ]
    )
    lines += ["", "CIRCUIT  each edge patched alone"]
    lines += align(
        [("", "status", "effect", "95 % interval", "restored", "carries")]
        + [_edge_row(found) for found in c.circuit]
    )
    lines += [
        "",
        *LEGEND,
        *_circuits(c.circuits),
        "",
        "VARIABLES  right outputs with the variable's value from another input",
    ]
    lines += align([(name, *_rate(found)) for name, found in c.interchange.items()])
    lines += _outside("NODES OUTSIDE  right outputs with one node patched", c.nodes)
    lines += _outside("EDGES OUTSIDE  right outputs with one edge patched", c.edges)
    lines += ["", f"  all of them at once: {' '.join(_rate(c.all_edges))}"]
    lines += _witnesses(c.circuit)
    return lines


def _edge_row(found: EdgeFinding) -> tuple[str, ...]:
    effect = found.effect
    return (
        found.edge,
        found.status,
        f"{effect.share:.4f}",
        f"{effect.low:.4f}..{effect.high:.4f}",
        f"{found.restored.share:.4f}",
        ", ".join(found.carries),
    )


def _circuits(circuits: CircuitLists | None) -> list[str]:
    """Return how edges are used together, and the minimal circuits."""
    if circuits is None:
        return []
    lines = ["", "USES  of the edges that have no effect alone"]
    lines += align(
        [
            (
                edge,
                use.kind if use.ablation is None else f"{use.kind}, {use.ablation}",
                "" if use.gap is None else f"lead {use.gap:+.3g} logits",
            )
            for edge, use in circuits.uses.items()
            if use.kind != "alone"
        ]
    )
    for ablation, found in circuits.lists.items():
        more = "" if found.complete else " or more"
        number = count(len(found.sufficient), "minimal circuit")
        lines += ["", f"MINIMAL CIRCUITS  {ablation}: {number}{more}"]
        lines += align(
            [
                (
                    count(len(one.edges), "edge"),
                    f"outputs stay in {one.kept.share:.4f} of pairs",
                    f"{one.minimal.total - one.minimal.right} of "
                    f"{one.minimal.total} parts suffice",
                )
                for one in found.sufficient
            ]
        )
        tests = (("alternatives", found.alternatives), ("all edges", found.outside))
        lines += [
            f"  sets of {name}: {test.right} of {test.total} are as the list says"
            f"{' (all sets)' if test.exhaustive else ''}"
            for name, test in tests
        ]
    return lines


def _rate(found: Rate) -> tuple[str, str, str]:
    interval = f"({found.low:.4f}..{found.high:.4f})"
    return f"{found.share:.4f}", interval, f"of {found.total:,} positions"


def _outside(title: str, rates: Mapping[str, Rate]) -> list[str]:
    if not rates:
        return []
    worst = sorted(rates, key=lambda n: rates[n].share)[:_WORST]
    mean = sum(r.share for r in rates.values()) / len(rates)
    heading = f"{title} ({len(rates)}; mean {mean:.4f}; worst first)"
    rows = [(name, *_rate(rates[name])) for name in worst]
    return ["", *textwrap.wrap(heading, 80), *align(rows)]


def _witnesses(circuit: Sequence[EdgeFinding]) -> list[str]:
    """Return a pair of inputs that shows the effect of each edge."""
    lines = [
        "",
        "WITNESSES  base input, donor input, the output before and after the patch",
    ]
    for found in circuit:
        if found.witness is None:
            lines.append(f"  {found.edge}: none, no pair of inputs changed an output")
            continue
        lines += [f"  {found.edge}", *_witness(found.witness)]
    return lines


def _witness(witness: Witness) -> list[str]:
    shift = f", positions shifted by {witness.shift}" if witness.shift else ""
    parts = (
        f"{listed(witness.base)} donor {listed(witness.donor)}{shift}",
        f"{listed(witness.before)} -> {listed(witness.after)}",
    )
    return [
        line
        for part in parts
        for line in textwrap.wrap(
            part, 80, initial_indent="      ", subsequent_indent="        "
        )
    ]


def listed(values: Sequence[object]) -> str:
    """Return values on one line, as JSON has them."""
    return json.dumps(list(values), default=str, separators=(",", ":"))
