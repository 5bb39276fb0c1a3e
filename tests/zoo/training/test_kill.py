"""A run that is killed while it saves can be read and resumed, whenever that is."""

import os
import random
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

import programs
from zoo.training import store
from zoo.training.check import Check
from zoo.training.recipe import Recipe
from zoo.training.recipe_file import change
from zoo.training.run import prepare, start
from zoo.training.session import causal_model

KILLS = 10

# Forks one child for each line that it reads; the child saves until it is killed.
SAVER = """
import os, sys
from pathlib import Path
from safetensors.numpy import load
from zoo.training import store
from zoo.training.check import Check
folder = Path(sys.argv[1])
first = load((folder / store.CHECKPOINT).read_bytes())
step = int(sys.argv[2])
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        last = load((folder / store.CHECKPOINT).read_bytes())
        number = int(last[f"{step:04d}"])
        while True:
            number += 1
            leaves = [first[name].copy() for name in sorted(first)]
            leaves[step][...] = number
            leaves[0][...] = number
            check = Check(number, 0.5, 1.0, {"m0": 1.0}, {}, "", None, 1.0)
            store.save_checkpoint(folder, leaves, (check,))
    print(child, flush=True)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_kill_at_any_moment_leaves_a_run_that_can_be_resumed(tmp_path):
    quick = {"batch": 8, "pairs": 8, "d_model": 8, "n_heads": 4, "inputs": 200}
    model = causal_model(programs.find("histogram"))
    run = prepare(model, change(Recipe(), quick))
    state = start(run)
    store.save_checkpoint(tmp_path, state, (Check(0, 1.0, 1.0, {}, {}, "", None, 1.0),))
    leaves = jax.tree.leaves(state)
    step = next(i for i, leaf in enumerate(leaves) if leaf is state.step)
    saver = subprocess.Popen(
        [sys.executable, "-c", SAVER, str(tmp_path), str(step)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert saver.stdin is not None and saver.stdout is not None
    rng = random.Random(0)
    steps = []
    for _ in range(KILLS):
        saver.stdin.write("save\n")
        saver.stdin.flush()
        child = int(saver.stdout.readline())
        time.sleep(rng.uniform(0.0, 0.06))
        os.kill(child, signal.SIGKILL)
        found, history = store.load_checkpoint(tmp_path, run)
        assert found is not None
        # The weights, the step and the history that were saved together.
        number = int(found.step)
        assert (np.asarray(found.weights.W_E) == number).all() or number == 0
        assert [c.step for c in history] in ([number], [])
        steps.append(number)
    saver.stdin.close()
    saver.wait(10)
    assert max(steps) > 1, "nothing was saved before any of the kills"
