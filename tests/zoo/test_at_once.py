"""What needs no model is answered without jax and NumPy, which take seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zoo.methods import known_methods
from zoo.methods.catalogue import built_in
from zoo.tasks import SUMMARIES, all_tasks

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {
    "datasets",
    "flax",
    "huggingface_hub",
    "jax",
    "jaxtyping",
    "matplotlib",
    "networkx",
    "numpy",
    "optax",
    "pyarrow",
    "safetensors",
    "scipy",
    "torch",
}
CALLS = {
    0: [
        ["list"],
        ["list", "median", "--family", "aggregation"],
        ["evaluate", "--list"],
        ["releases"],
        ["releases", "--kind", "trained"],
        ["card", "sort-siit"],
        ["train", "--recipe-keys"],
        ["--version"],
    ],
    2: [
        ["train", "nope"],
        ["train", "sort", "--recipe", "robus"],
        ["score", "nope", "x.json"],
        ["score", "nope", __file__],
        ["score", "sort-siit", "x.txt"],
        ["score", "sort-siit", __file__],
        ["evaluate", "--method", "nope"],
        ["evaluate", "--suite", "nope"],
        ["leaderboard", "--method", "nope"],
        *([c, "nope"] for c in ("audit", "show", "verify", "card", "download")),
        ["run", "nope", "--input", "[1]"],
        ["compile", "nope", "--out", "x"],
        ["compress", "nope", "--d-model", "3", "--out", "x"],
        ["export", "nope", "--name", "nope"],
        ["publish", "nope", "--to", "hf://me/x"],
    ],
}
COMMANDS = [
    "list show run compile verify train compress audit export releases card download "
    "publish index score evaluate leaderboard"
][0].split()
CALLS[0] += [[command, "--help"] for command in COMMANDS]

# All calls of one status in one process, each by itself: what they import adds up.
SCRIPT = """
import sys
from zoo.cli import main
for arguments in {calls!r}:
    sys.argv = ["zoo", *arguments]
    try:
        main()
    except SystemExit as stop:
        assert (stop.code or 0) == {status}, (arguments, stop.code)
    found = {heavy!r} & set(sys.modules)
    assert not found, (arguments, found)
"""


@pytest.mark.parametrize("status", CALLS)
def test_answers_that_need_no_model_import_nothing_heavy(status: int):
    script = SCRIPT.format(calls=CALLS[status], status=status, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_catalogue_of_methods_is_what_their_decorators_register():
    mine = {n: m for n, m in known_methods().items() if n in built_in()}
    assert list(mine) == list(built_in())
    for name, about in built_in().items():
        method = mine[name]
        shown = (about.paper, about.equation, about.level)
        assert shown == (method.paper, method.equation, method.level)
        assert method.run.__module__ == f"zoo.methods.{about.module}"


def test_the_summaries_of_tasks_are_the_tasks():
    assert [about.name for about in SUMMARIES] == list(all_tasks())
    for about in SUMMARIES:
        task = all_tasks()[about.name]
        found = (task.meaning, len(task.vocab), task.n_ctx - 1)
        assert found == (about.meaning, about.tokens, about.max_len)
