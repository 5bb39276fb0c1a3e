"""docs/findings.md quotes what was measured, in its table and in its text."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
METHODS = {
    "exact patching": "exact",
    "ACDC": "acdc",
    "UGS, corrupt runs": "ugs-resample",
    "edge pruning": "edge-pruning",
    "edge SP": "edge-sp",
    "AtP, QK fix": "atp-qk",
    "EAP-IG-inputs": "eap-ig-inputs",
    "EAP": "eap",
    "weight norm (control)": "weight-norm",
    "UGS, as published": "ugs",
    "RelP": "relp",
}
KINDS = ("compiled", "rotated", "decoys")
PLACES = {
    "found": "slots/trained/{}/{}",
    "precision": "figures/{}/qkv/{}/average_precision",
    "order": "order/qkv and {}/{}",
    "width": "widths/mean_width/{}",
    "stability": "figures/trained/qkv/{}/stability",
    "node": "figures/trained/node/{}/auroc",
    "trained": "figures/trained/qkv/{}/auroc",
    **{kind: f"figures/{kind}/qkv/{{}}/auroc" for kind in KINDS},
}
"""Where a figure of the text stands in the results."""
QUOTED = (
    "UGS as published has {trained ugs}, and {trained ugs-resample} with that one",
    "EAP finds {found eap v} of the true edges into values, and {found eap q} and "
    "{found eap k} of those into",
    "integration find {found eap-ig-inputs q} and {found eap-ig-inputs k};",
    "the QK fix, {found atp-qk q} and {found atp-qk k}, for",
    "looks at no input, has {trained weight-norm} on trained models",
    "Its average precision is {precision trained weight-norm}.",
    "EAP falls from {compiled eap} to {rotated eap};",
    "norm falls from {compiled weight-norm} to {decoys weight-norm}, and its AP to "
    "{precision decoys weight-norm}:",
    "(`exact-mean`, {compiled exact-mean})",
    "edge SP ({compiled edge-sp})",
    "information flow ({compiled ifr})",
    "UGS as published ({compiled ugs}) and AtP\\* ({compiled atp-star})",
    "is {order node tau} ({order node low} to {order node high}),",
    "between nodes {order head tau} ({order head low} to {order head high}).",
    "Information flow has {trained ifr} by edges, far below EAP's {trained eap}, and "
    "{node ifr} by nodes, above its {node eap}.",
    "random numbers come to {node random}:",
    "of {width 5} with 5 models, {width 10} with 10, {width 20} with 20 and {width 36} "
    "with all 36",
    "agree on {stability eap} of what EAP finds (Jaccard), {stability ugs} for UGS",
)


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs/findings.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    text = (ROOT / "benchmarks/results/findings.json").read_text(encoding="utf-8")
    return json.loads(text)


def test_the_table_has_the_measured_figures(page: str, result: dict[str, Any]) -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.splitlines()
        if line.startswith("| ") and not line.startswith("| method")
    ]
    assert [row[0] for row in rows] == list(METHODS)
    for label, *cells in rows:
        own = {kind: f["qkv"][METHODS[label]] for kind, f in result["figures"].items()}
        row = own["trained"]
        assert cells == [
            f"{row['auroc']:.3f}",
            f"{row['low']:.3f} to {row['high']:.3f}",
            f"{row['average_precision']:.3f}",
            *(f"{own[kind]['auroc']:.3f}" for kind in KINDS),
            f"{row['seconds']:.2f}",
        ]


def figure(result: dict[str, Any], path: str) -> str:
    """Return a figure of the text, as the page writes it."""
    kind, *rest = path.split()
    value: Any = result
    for key in PLACES[kind].format(*rest).split("/"):
        value = value[key]
    return f"{value:.2f}" if kind == "order" else f"{value:.3f}"


def test_the_text_has_the_measured_figures(page: str, result: dict[str, Any]) -> None:
    lines = [line for line in page.splitlines() if not line.startswith("|")]
    text = " ".join(" ".join(lines).split())
    left = text
    for sentence in QUOTED:
        said = re.sub(r"\{([^}]*)\}", lambda m: figure(result, m[1]), sentence)
        assert said in text
        left = left.replace(said, "")
    widths = result["widths"]
    assert f"{widths['differ']} of {widths['pairs']} pairs of methods differ" in text
    assert f"the {result['models']['trained']} trained releases" in text
    unchecked = set(re.findall(r"(?<![\w.])\d\.\d{2,3}(?!\d)", left))
    assert unchecked <= {"1.000"}  # exact patching's: it is in the table too
