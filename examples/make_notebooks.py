"""Execute the notebooks of `examples/notebooks`, and write them back with outputs.

    python examples/make_notebooks.py [NAME ..]

NAME is a notebook's file name or the start of it (`03`); all are renewed if none is
given. Cells are edited in the notebooks themselves, with any editor; this renews what
they show, and drops what differs from run to run: times, versions, what is written to
standard error, bars of progress. Needs `pip install 'circuitzoo[notebooks]'`, and the
extra `torch` for `04_other_libraries`. Nothing is written if a cell raises an error.
"""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "examples/notebooks"
SECONDS = 600
"""The longest that one cell may take."""
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@contextmanager
def open_kernel() -> Iterator[KernelManager]:
    """Yield a running kernel: in the root of the repository, on the CPU."""
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=_environment(), cwd=str(ROOT))
    try:
        yield manager
    finally:
        manager.shutdown_kernel(now=True)


def execute(notebook: Any, kernel: KernelManager) -> Any:
    """Return a notebook with the outputs of a run, without what earlier ones defined.

    Args:
        notebook: as `nbformat` reads it; it stays as it is.
        kernel: of `open_kernel`. Several notebooks may use one after the other: they
            share what is imported and compiled, and no variables.

    Returns:
        a copy with clean outputs and metadata.

    Raises:
        CellExecutionError: a cell raised an error.
    """
    made = copy.deepcopy(notebook)
    client = NotebookClient(made, km=kernel, timeout=SECONDS, record_timing=False)
    forget = nbformat.v4.new_code_cell("%reset -f\n%matplotlib inline")
    made.cells.insert(0, forget)
    client.execute()
    made.cells.pop(0)
    return clean(made)


def clean(notebook: Any) -> Any:
    """Return a notebook without what differs from run to run, changed in place."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(code, 1):
        cell.outputs = [output for output in cell.outputs if _is_kept(output)]
        cell.execution_count = number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    return notebook


def _is_kept(output: Any) -> bool:
    """Return whether an output says something: no warning, and no bar at its end."""
    if output.output_type == "stream":
        return output.name == "stdout"
    shown = output.get("data", {})
    return (
        set(shown) != {"text/html", "text/plain"} or shown["text/plain"].strip() != ""
    )


def _environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    own = {"JAX_PLATFORMS": "cpu", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    return {**os.environ, "PYTHONPATH": path, "TRANSFORMERS_VERBOSITY": "error", **own}


def find(names: list[str]) -> list[Path]:
    """Return the notebooks whose names start so; all of them for no names.

    Raises:
        SystemExit: no notebook's name starts with one of them.
    """
    known = sorted(NOTEBOOKS.glob("*.ipynb"))
    for name in names:
        if not any(path.name.startswith(name) for path in known):
            listed = ", ".join(path.name for path in known)
            raise SystemExit(f"no notebook is named {name!r}; there are {listed}")
    return [p for p in known if not names or p.name.startswith(tuple(names))]


def main(names: list[str]) -> None:
    """Execute notebooks and write each of them back once all of its cells have run."""
    with open_kernel() as kernel:
        for path in find(names):
            made = execute(nbformat.read(path, as_version=4), kernel)
            nbformat.write(made, path)
            print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
