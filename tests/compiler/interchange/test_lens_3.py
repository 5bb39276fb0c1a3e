"""The tests of `test_lens.py` once more, in a process where TransformerLens is 3.

`make test TORCH=1` puts version 3 into a folder of the virtual environment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LENS_3 = Path(sys.prefix) / "lens3"
# Every kind of attention, norm and positions is tried, and not every combination.
LAW = "test_all_logits_and_activations_are_ours_whatever_the_length"
IN_DOUBLE = "test_in_double_precision_nothing_differs"
LEFT_OUT = (
    f"{LAW}[trained]",
    f"{LAW}[both ways, no norm, learned]",
    f"{LAW}[both ways, rotary]",
    f"{IN_DOUBLE}[dyck2_balanced-options1]",
)


@pytest.mark.slow
def test_transformer_lens_3_passes_the_same_tests():
    if os.environ.get("CIRCUITZOO_TORCH") != "1" and not LENS_3.exists():
        pytest.skip("no TransformerLens 3: make test TORCH=1 installs it")
    path = os.pathsep.join([str(LENS_3), str(ROOT)])
    check = "import transformer_lens as t, pytest, sys; t.HookedTransformer"
    code = f"{check}; sys.exit(pytest.main(sys.argv[1:]))"
    tests = Path(__file__).with_name("test_lens.py").relative_to(ROOT)
    left_out = [f"--deselect={tests}::{name}" for name in LEFT_OUT]
    # This process has set what `conftest.py` sets, and it checks the types.
    options = ["--noconftest", "-p", "no:cacheprovider", *left_out]
    done = subprocess.run(
        [sys.executable, "-c", code, *options, str(tests)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, "CIRCUITZOO_TORCH": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None and int(passed[1]) >= 15, done.stdout
