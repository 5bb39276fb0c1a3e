"""Every notebook of `examples/notebooks` runs, and shows what is committed.

They are executed in one kernel, one after the other, which forgets between them. Texts
and tables are compared; numbers in them may differ by TOLERANCE, for other processors
and versions round otherwise. Of figures it is only compared that there is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager

from examples.make_notebooks import (
    METADATA,
    NOTEBOOKS,
    ROOT,
    clean,
    execute,
    open_kernel,
)
from tests.compiler.interchange.models import needs

TOLERANCE = 0.02
"""Absolute for numbers up to 1, relative above."""
LARGEST = 300_000
"""Bytes of a notebook."""
NEEDS_TORCH = "04_other_libraries.ipynb"
NUMBER = re.compile(r"(?<![\w.])-?\d+\.\d+(?:e[-+]?\d+)?")
ADDRESS = re.compile(r"\b0x[0-9a-f]+\b")
SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def shown(notebook: Any) -> list[tuple[int, str, str]]:
    """Return (cell, kind, text) of every output; pictures without their text."""
    found = []
    for place, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            data = output.get("data", {"stdout": output.get("text", "")})
            for kind, text in sorted(data.items()):
                plain = SVG.sub("", text) if not kind.startswith("image/") else ""
                found.append((place, kind, " ".join(ADDRESS.sub("0x", plain).split())))
    return found


def numbers(text: str) -> list[float]:
    return [float(number) for number in NUMBER.findall(text)]


@pytest.fixture(scope="module")
def kernel() -> Iterator[KernelManager]:
    with open_kernel() as opened:
        yield opened


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_it_shows_when_it_is_run(path: Path, kernel):
    if path.name == NEEDS_TORCH:
        needs("transformers")
        needs("transformer_lens")
    committed = read(path)
    made = execute(committed, kernel)
    before, after = shown(committed), shown(made)
    assert [row[:2] for row in after] == [row[:2] for row in before]
    for (place, _, new), (_, _, old) in zip(after, before, strict=True):
        where = f"{path.name}, cell {place}"
        assert NUMBER.sub("#", new) == NUMBER.sub("#", old), where
        assert numbers(new) == pytest.approx(numbers(old), abs=TOLERANCE, rel=TOLERANCE)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_committed_notebook_is_clean_and_whole(path: Path):
    notebook = read(path)
    assert notebook.metadata == METADATA
    assert notebook.cells == clean(read(path)).cells
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert path.stat().st_size <= LARGEST
    assert str(ROOT) not in path.read_text("utf-8")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [*range(1, len(code) + 1)]
    kinds = [output.output_type for cell in code for output in cell.outputs]
    assert kinds and "error" not in kinds


def test_there_are_six():
    assert len(PATHS) == 6
