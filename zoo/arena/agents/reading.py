"""Reading what a component holds: its writes as labels, and an expression for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from zoo.arena.agents.features import CandidateFeature, FeatureLibrary

EXPLAINED = 0.98
"""The share of a write's variance that a feature has to explain."""
NEAR = 0.05
"""Writes that differ by less than this share of the largest are the same."""
MOST_LABELS, MOST_ROWS = 40, 120
"""Labels of one component, and rows of a table, that are put into words."""

Rows = Float[np.ndarray, "token d_model"]
Labels = Int[np.ndarray, " token"]


def without(rows: Rows, others: Float[np.ndarray, "other d_model"]) -> Rows:
    """Return writes without the directions that other writes use.

    What no component reads is written to directions of its own, and the heads that do
    nothing write to no others. So these directions are taken off before values are
    compared.
    """
    if not others.size or not np.abs(others).max() > 0:
        return rows
    _, sizes, directions = np.linalg.svd(others, full_matrices=False)
    kept = directions[sizes > 1e-3 * sizes[0]]
    return rows - (rows @ kept.T) @ kept


def labels_of(rows: Rows) -> Labels | None:
    """Return which writes are the same; None if there are too many different ones."""
    centred = rows - rows.mean(0)
    near = NEAR * max(float(np.linalg.norm(centred, axis=1).max()), 1e-9)
    centres: list[np.ndarray] = []
    found = np.zeros(len(rows), int)
    for place, row in enumerate(rows):
        distances = [float(np.linalg.norm(row - c)) for c in centres]
        if distances and min(distances) < near:
            found[place] = int(np.argmin(distances))
            continue
        found[place] = len(centres)
        centres.append(row)
        if len(centres) > MOST_LABELS:
            return None
    return found


def explained(rows: Rows, labels: Labels) -> float:
    """Return the share of the variance of writes that is between labels."""
    total = float(((rows - rows.mean(0)) ** 2).sum())
    if total <= 1e-9:
        return 0.0
    counts = np.bincount(labels)
    sums = np.zeros((len(counts), rows.shape[1]))
    np.add.at(sums, labels, rows)
    left = rows - (sums / np.maximum(counts, 1)[:, None])[labels]
    return 1.0 - float((left**2).sum()) / total


def best_feature(
    rows: Rows, candidates: Iterable[CandidateFeature], library: FeatureLibrary
) -> CandidateFeature | None:
    """Return the feature with fewest values that explains the writes."""
    best, fewest = None, np.inf
    for candidate in candidates:
        _, labels = np.unique(candidate.values[library.live], return_inverse=True)
        values = int(labels.max()) + 1
        if values < fewest and explained(rows, labels) >= EXPLAINED:
            best, fewest = candidate, values
    return best


def table_of(
    parents: Sequence[CandidateFeature],
    held: Sequence[object],
    library: FeatureLibrary,
    shown: Sequence[str],
) -> CandidateFeature | None:
    """Return a feature that gives each combination of parents' values a label.

    Args:
        parents: what it is computed from.
        held: the label at each token.
        library: the inputs.
        shown: the text of each label.

    Returns:
        None if the parents do not decide the label, or the table is too long.
    """
    names = [f"p{i}_" for i in range(len(parents))]
    columns = [p.values[library.live] for p in parents]
    table: dict[tuple[float, ...], list[int]] = {}
    for key, label in zip(zip(*columns, strict=True), held, strict=True):
        table.setdefault(tuple(map(float, key)), []).append(int(label))  # pyright: ignore
    if len(table) > MOST_ROWS or any(len(set(v)) > 1 for v in table.values()):
        return None
    common = int(np.bincount(np.array(held, int)).argmax())
    text = shown[common]
    for label in sorted({v[0] for v in table.values()} - {common}):
        rows = [key for key, v in table.items() if v[0] == label]
        tests = [
            " and ".join(
                f"{name} == {library.show(value, parent.is_token)}"
                for name, value, parent in zip(names, key, parents, strict=True)
            )
            for key in rows
        ]
        text = f"({shown[label]} if {' or '.join(f'({t})' for t in tests)} else {text})"
    lines = "".join(dict.fromkeys(p.lines for p in parents if p.lines))
    lines += "".join(f"{n} = {p.text};\n" for n, p in zip(names, parents, strict=True))
    values = np.full(library.ids.shape, np.nan)
    values[library.live] = held
    free = len({c for c, column in enumerate(columns) if len(np.unique(column)) > 1})
    role = "combiner" if free > 1 else "mapper"
    return CandidateFeature(text, values, role, lines)


def show_output(value: Any) -> str:
    """Return a value that the arena answered as RASP text."""
    if isinstance(value, dict) and "fraction" in value:
        return "/".join(map(str, value["fraction"]))
    if isinstance(value, float):
        return str(Fraction(value).limit_denominator(60))
    return f'"{value}"' if isinstance(value, str) else str(value)


def best_program(
    outputs: Sequence[Sequence[Any]],
    candidates: Sequence[CandidateFeature],
    library: FeatureLibrary,
) -> str | None:
    """Return the feature whose values tell most of the outputs, as a table."""
    given = [value for row in outputs for value in row]
    values = list(dict.fromkeys(map(repr, given)))
    first = {repr(value): value for value in given}
    held = np.array([values.index(repr(value)) for value in given])
    best, most, table = None, 0, held
    for candidate in candidates:
        _, labels = np.unique(candidate.values[library.live], return_inverse=True)
        counts = np.zeros((int(labels.max()) + 1, len(values)), int)
        np.add.at(counts, (labels, held), 1)
        if counts.max(1).sum() > most:
            best, most = candidate, int(counts.max(1).sum())
            table = counts.argmax(1)[labels]
    if best is None:
        return None
    shown = [show_output(first[text]) for text in values]
    made = table_of([best], table.tolist(), library, shown)
    return None if made is None else made.program
