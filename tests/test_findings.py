"""The figures of docs/findings.md are those that were measured.

Every table of the page is named here by its first column, with where each of its cells
stands in the results. The text is free: a figure in it only has to be in a table too.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from benchmarks import (
    mixing,
    parts,
    patching_choices,
    reading,
    redundancy,
    steering,
    superposition,
    variables,
)

ROOT = Path(__file__).resolve().parents[1]
METHODS = {
    "exact patching": "exact",
    "exact patching, mean change": "exact-mean",
    "ACDC": "acdc",
    "UGS, corrupt runs": "ugs-resample",
    "edge pruning": "edge-pruning",
    "edge SP": "edge-sp",
    "AtP, QK fix": "atp-qk",
    "AtP\\*": "atp-star",
    "EAP-IG-inputs": "eap-ig-inputs",
    "EAP": "eap",
    "information flow": "ifr",
    "weight norm (control)": "weight-norm",
    "random scores (control)": "random",
    "UGS, as published": "ugs",
    "RelP": "relp",
}
STEERING = {
    "true interchange": "interchange",
    "mean replacement": "mean-replacement",
    "difference of means": "difference-of-means",
    "sparse autoencoder": "sae",
}
ORDERS = {
    "edges into q, k and v; nodes": "qkv and node",
    "edges into q, k and v; edges between nodes": "qkv and head",
}
FIGURES = {"AP": "average_precision", "AUROC": "auroc"}
QKV = "figures/trained/qkv/{}"
# The first column's title, and a cell of each further column as a format of the
# results: by the method (or order, or size) of the row, rounded as the page rounds it.
COLUMNS: dict[str, tuple[str, ...]] = {
    "method | trained: AUROC": (
        f"{QKV}/auroc .3f",
        f"{QKV}/low .3f to {QKV}/high .3f",
        f"{QKV}/average_precision .3f",
        *(f"figures/{k}/qkv/{{}}/auroc .3f" for k in ("compiled", "rotated", "decoys")),
        f"{QKV}/seconds .2f",
    ),
    "method | into values": tuple(f"slots/trained/{{}}/{slot} .3f" for slot in "vqk"),
    "orders compared": ("order/{}/tau .2f", "order/{}/low .2f to order/{}/high .2f"),
    "method, on trained models": (
        f"{QKV}/auroc .3f",
        "figures/trained/node/{}/auroc .3f",
    ),
    "trained models": ("widths/mean_width/{} .3f",),
}
COMPARISONS = (
    "widths/pairs d",
    "widths/differ d",
    "figures/trained/qkv/eap/stability .3f",
    "figures/trained/qkv/ugs/stability .3f",
)


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs/findings.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    text = (ROOT / "benchmarks/results/findings.json").read_text(encoding="utf-8")
    return json.loads(text)


def rows_of(page: str, title: str) -> list[list[str]]:
    """Return the rows of the one table whose header begins with `title`."""
    (found,) = re.findall(
        rf"^\| {re.escape(title)}[^\n]*\n\|[^\n]*\n((?:\|.*\n)+)", page, re.MULTILINE
    )
    lines = found.splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def measured(result: dict[str, Any], cell: str, key: str = "") -> str:
    """Return a cell as the page writes it, `path/to/figure .3f` filled in."""

    def figure(match: re.Match[str]) -> str:
        value: Any = result
        for part in match[1].replace("{}", key).split("/"):
            value = value[part]
        return format(value, match[2])

    return re.sub(r"(\w+/\S+(?: and \w+/\S+)?) (\.\df|d)", figure, cell)


@pytest.mark.parametrize("title", COLUMNS)
def test_a_table_has_the_measured_figures(
    title: str, page: str, result: dict[str, Any]
) -> None:
    rows = rows_of(page, title)
    assert len(rows) > 1
    for label, *cells in rows:
        key = label if label.isdigit() else (METHODS | ORDERS)[label]
        assert cells == [measured(result, cell, key) for cell in COLUMNS[title]], label


def test_the_tables_of_single_figures_are_measured(
    page: str, result: dict[str, Any]
) -> None:
    for method, kind, name, value in rows_of(page, "method | models"):
        path = f"figures/{kind}/qkv/{METHODS[method]}/{FIGURES[name]} .3f"
        assert value == measured(result, path), method
    values = [value for _, value in rows_of(page, "comparison")]
    assert values == [measured(result, cell) for cell in COMPARISONS]
    assert f"the {result['models']['trained']} trained releases" in page


def test_both_versions_have_the_measured_figures(page: str) -> None:
    def read(name: str) -> Any:
        text = (ROOT / f"benchmarks/results/{name}.json").read_text(encoding="utf-8")
        return json.loads(text)

    certified, giveaways = read("certified"), read("giveaways")
    assert len(certified["models"]) == len(giveaways["full"]) == 20
    for method, *values in rows_of(page, "method, both versions"):
        means = [certified["means"][s][METHODS[method]] for s in ("first", "full")]
        expected = [
            f"{m[f]:.3f}" for m in means for f in ("average_precision", "auroc")
        ]
        assert values == expected
    *controls, random = rows_of(page, "score that looks at no output")
    for name, *values in controls:
        found = [
            fmean(row["controls"][name][0] for row in giveaways[s])
            for s in ("first", "full")
        ]
        assert values == [f"{value:.3f}" for value in found]
    means = [fmean(row["random"] for row in giveaways[s]) for s in ("first", "full")]
    assert random[1:] == [f"{value:.3f}" for value in means]
    assert certified["tau"] == 1.0


def test_the_share_of_true_edges_is_that_of_the_certificates(page: str) -> None:
    true = every = 0
    for path in sorted((ROOT / "releases").glob("*-siit/certificate.json")):
        certificate = json.loads(path.read_text(encoding="utf-8"))
        circuit = certificate["circuit"]
        true += sum(edge["status"] == "used" for edge in circuit)
        every += len(circuit) + len(certificate["edges"])
    found = [value for _, value in rows_of(page, "edges of the 36 trained models")]
    assert found == [str(every), str(true), f"{true / every:.1%}".replace("%", " %")]


def test_figures_of_steering_reading_and_parts_are_the_benchmarks(page: str) -> None:
    answers, lenses = reading.tables(result_of("reading"))
    assert rows_of(page, "who answers") == [list(row) for row in answers.rows]
    found = [[row[0], row[1], *row[4:]] for row in lenses.rows]
    assert rows_of(page, "lens | score") == found
    (found_parts,) = parts.tables(result_of("parts"))
    assert rows_of(page, "decomposition") == [row[:5] for row in found_parts.rows]
    compiled, trained = (
        {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
        for table in steering.tables(result_of("steering"))[:2]
    )
    for title, *values in rows_of(page, "method | compiled: gain"):
        name = STEERING.get(title, title)
        row = trained[name]
        assert values == [compiled[name]["gained"], row["gained"], row["damage"]]


def test_figures_of_patching_choices_are_the_benchmarks(page: str) -> None:
    result = result_of("patching_choices")
    trained, compiled = patching_choices.tables(result)
    titles = [title.lstrip("<") for title in trained.header]
    (header,) = re.findall(r"^\| (ablation \| direction.*) \|$", page, re.MULTILINE)
    columns = [titles.index(title) for title in header.split(" | ")]
    rows = [[row[i] for i in columns] for row in trained.rows]
    assert rows_of(page, "ablation | direction") == rows
    assert len(rows) == 17 and compiled.title.endswith("compiled models")
    first = dict(zip(titles, compiled.rows[0], strict=True))
    assert (first["ablation"], first["direction"]) == ("resample", "noise")
    assert {first[f"exact, {loss}"] for loss in ("LD", "P", "KL")} == {"1.000"}
    assert "on the 9 compiled releases" in page and "over 9 compiled" in compiled.title
    counts = f"{len(result['models'])} releases, of which the\ntable has the 13 trained"
    assert counts in page and "over 13 trained" in trained.title


def test_figures_of_variables_are_the_benchmarks(page: str) -> None:
    result = result_of("variables")
    found = dict(
        zip(
            ("subspace", "map", "coder", "claim", "free map"),
            variables.tables(result),
            strict=True,
        )
    )
    for title, table in found.items():
        header = " | ".join(name.lstrip("<") for name in table.header)
        assert header.startswith(title)
        assert rows_of(page, header) == [[*row] for row in table.rows], title
    kinds = [model["compiled"] for model in result["models"]]
    counts = f"{sum(kinds)} compiled and {len(kinds) - sum(kinds)} trained"
    assert counts in page and not result["failures"]


def test_figures_of_superposition_are_the_benchmarks(page: str) -> None:
    sizes, *sites = superposition.tables(result_of("superposition"))
    assert rows_of(page, "inputs | ANDs") == [[*row[:9]] for row in sizes.rows]
    for site, table in zip(superposition.SITES, sites, strict=True):
        found = rows_of(page, f"dictionary of {site}")
        assert found == [[*row] for row in table.rows]


def test_figures_of_redundancy_and_mixing_are_the_benchmarks(page: str) -> None:
    truths, ranked, reported = redundancy.tables(result_of("redundancy"))
    assert rows_of(page, "ranking by") == [[*row] for row in ranked.rows]
    assert rows_of(page, "circuits by") == [[*row] for row in reported.rows]
    (mixed,) = mixing.tables(result_of("mixing"))
    assert rows_of(page, "method on classes") == [[*row] for row in mixed.rows]
    several = (ROOT / "docs/several.md").read_text(encoding="utf-8")
    found = rows_of(several, "minimal circuits of")
    assert [[row[0].strip("`"), *row[1:]] for row in found] == [
        [*row] for row in truths.rows
    ]


def result_of(name: str) -> dict[str, Any]:
    """Return what a benchmark measured."""
    path = ROOT / "benchmarks/results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_text_has_no_figure_that_no_table_has(page: str) -> None:
    lines = page.splitlines()
    tables = "\n".join(line for line in lines if line.startswith("|"))
    text = "\n".join(line for line in lines if not line.startswith("|"))
    figures = r"(?<![\w.])\d\.\d{2,3}(?!\d)"
    assert set(re.findall(figures, text)) <= set(re.findall(figures, tables))
