"""The page on what the zoo is made of: `python -m zoo.composition` writes docs/zoo.md.

Counts and figures are read off the releases. Trainings that did not reach the bar are
in docs/attempts.json; `python -m zoo.composition RUN ..` adds those of some folders.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
PAGE, ATTEMPTS = DOCS / "zoo.md", DOCS / "attempts.json"

HEAD = """\
# What the zoo is made of

`python -m zoo.composition` writes this page from the releases: the newest version of
each. `zoo releases` prints the same list with filters, `zoo card NAME` what the audit
of a release found, and `zoo build --suite ..` makes releases again
([building.md](building.md)).

How programs were chosen: those that the literature uses and no earlier set trained
(sort, maximum, palindromes, median, patterns, rank, induction, runs, brackets), each
small enough for a full audit over all of its inputs. A method that is tuned on one kind
of circuit should meet another: circuits of one node and of seven, in models of two
layers and of three, in any head of any layer, in plain transformers and in the shapes
that people use. Compiled models are there because their mechanism is exact; trained
ones because their weights look like those of trained models.

The bar of a trained release: right on every input of its space, or of its strata where
that is too large; and every claim of its audit holds (`zoo show NAME`).
"""

TRIED = """\
## What was tried and did not reach the bar

Each line is a training that used up its steps, with the thresholds that it missed. The
recipe is `robust` for the architecture. With RMSNorm it is mostly zeros in the place of
nodes that hurt: they change the scale that every reader sees.
"""


def composition_page() -> str:
    """Return the page, in Markdown."""
    from zoo.release.shelf import circuit_sizes, list_releases

    every = list_releases()
    sizes = {r["name"]: circuit_sizes(r["name"], r["version"]) for r in every}
    parts = [HEAD, _counts(every, sizes)]
    for kind in ("trained", "compiled", "compressed"):
        members = [r for r in every if r["kind"] == kind]
        if members:
            parts += [f"## {kind.capitalize()}\n", _table_of(members, sizes)]
    attempts = json.loads(ATTEMPTS.read_text(encoding="utf-8"))
    rows = [
        (f"`{a['program']}`", a["like"] or "plain", f"{a['steps']:,}", a["missed"])
        for a in attempts
    ]
    parts += [TRIED, _table("program|shape|>steps|missed", rows)]
    return "\n".join(parts)


def _counts(
    every: Sequence[Mapping[str, Any]], sizes: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return how many releases are of each kind, shape and size."""
    shapes = Counter(f"{r['kind']}, {r.get('architecture') or 'plain'}" for r in every)
    trained = [r for r in every if r["kind"] == "trained"]
    nodes = [sizes[r["name"]]["nodes"] for r in trained]
    layers = Counter(r["layers"] for r in trained)
    rows = [("releases", len(every)), *sorted(shapes.items(), key=lambda i: -i[1])]
    for least in (2, 3, 4, 6):
        number = sum(x >= least for x in nodes)
        rows.append((f"trained, {least} nodes or more", number))
    rows += [(f"trained, {n} layers", layers[n]) for n in sorted(layers)]
    full = sum(r.get("audit") == "full" for r in trained)
    rows += [("trained, with a full audit", full)]
    return _table("|>", [(name, f"{number}") for name, number in rows])


def _table_of(
    releases: Iterable[Mapping[str, Any]], sizes: Mapping[str, Mapping[str, Any]]
) -> str:
    rows = []
    for r in releases:
        size = f"{r['layers']} x {r['heads']} x {r['d_model']}"
        least = min(r["claims"].values())
        shape = r.get("architecture") or "plain"
        version = f"`{r['name']}`" + (f", {r['version']}" if r["version"] > 1 else "")
        circuit = f"{r['edges']} of {r['of_edges']}"
        nodes = sizes[r["name"]]["nodes"]
        audit = r.get("audit", "sample")
        rows.append((version, shape, size, nodes, circuit, audit, f"{least:.4f}"))
    titles = "name, version|shape|>layers x heads x d_model|>nodes|>edges|audit"
    return _table(f"{titles}|>lowest claim", rows)


def _table(titles: str, rows: Iterable[Sequence[object]]) -> str:
    """Return a table; a title with `>` in front is of a column set to the right."""
    names = titles.split("|")
    ends = "|".join("--:" if name.startswith(">") else ":--" for name in names)
    heads = " | ".join(name.removeprefix(">") for name in names)
    lines = [f"| {heads} |", f"|{ends}|"]
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return "\n".join(lines) + "\n"


def attempt_of(folder: Path) -> dict[str, Any] | None:
    """Return what a training missed, None if it missed nothing or has not ended.

    Args:
        folder: of the run; its name says the architecture, as in `sort-llama`.

    Raises:
        FormatError: it is none.
    """
    from zoo.training.check import Check
    from zoo.training.outcome import shortfalls
    from zoo.training.recipe_file import read_recipe
    from zoo.training.store import HISTORY, RECIPE, read_setting

    recipe, setting = read_recipe(folder / RECIPE), read_setting(folder)
    checks = json.loads((folder / HISTORY).read_text(encoding="utf-8"))
    last = Check(**checks[-1])
    missed = shortfalls(last, recipe)
    if not missed or last.step < recipe.steps:
        return None
    name = folder.resolve().name
    known = next((f for f in ("gpt2", "llama", "qwen2", "bert") if f in name), "")
    return {
        "program": setting.name,
        "like": known,
        "steps": last.step,
        "missed": "; ".join(missed),
    }


def main(folders: Sequence[str]) -> None:
    """Add the attempts of some runs, and write the page."""
    attempts = json.loads(ATTEMPTS.read_text(encoding="utf-8"))
    found = [a for a in map(attempt_of, map(Path, folders)) if a is not None]
    unique = {json.dumps(a, sort_keys=True): a for a in (*attempts, *found)}
    lines = ",\n ".join(json.dumps(a) for a in sorted(unique.values(), key=str))
    ATTEMPTS.write_text(f"[{lines}]\n", encoding="utf-8")
    PAGE.write_text(composition_page(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
