"""A method that never comes back to Python: its cell is kept, its process ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from zoo import jobs
from zoo.scoring.cells import read_cells

ENDLESS = """
import jax, numpy as np
from zoo.commands.evaluate import end_process
from zoo.scoring import cells
from zoo.scoring.evaluate import evaluate

cells.GRACE = 0.5

def endless(case):
    return np.asarray(jax.jit(lambda x: jax.lax.while_loop(
        lambda s: s >= 0, lambda s: (s + 1) % 7, x))(0))

def quick(case):
    return np.zeros(case.names.visible.shape)

options = {"seeds": 1, "timeout": 1.0, "pairs": 8, "out": "board"}
evaluate([endless, quick], "fraction-previous-siit", **options, hung=end_process)
"""


@pytest.mark.slow
def test_a_method_that_hangs_in_compiled_code_is_run_once(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    script = f"import sys; sys.path.insert(0, {str(root)!r})\n{ENDLESS}"
    ended = [
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        for _ in range(2)
    ]
    assert [run.returncode for run in ended] == [jobs.AGAIN, 0], ended[1].stderr
    assert ended[0].stderr.endswith("does that by itself)\n")
    assert "endless on fraction-previous-siit, seed 0: stopped after" in ended[0].stderr
    said = {cell.method: cell.status for cell in read_cells(tmp_path / "board")}
    assert said == {"endless": "out of time", "quick": "ok"}


def test_a_job_that_got_further_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = {"a": [jobs.AGAIN, jobs.AGAIN, 0], "b": [1]}

    class Ended:
        stdout: tuple[str, ...] = ()

        def __init__(self, command: list[str], **_: Any) -> None:
            self.name = command[-1]

        def wait(self) -> int:
            return codes[self.name].pop(0)

    monkeypatch.setattr(jobs.subprocess, "Popen", Ended)
    assert jobs.run_jobs({"a": ["a"], "b": ["b"]}, 2) == ["b"]
    assert codes == {"a": [], "b": []}
