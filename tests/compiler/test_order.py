"""Nothing that comes out depends on the order of a set, another in every process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zoo
from compiler.errors import InputError, unknown_name
from compiler.rasp import program, tokens
from compiler.rasp.values import ordered
from zoo.causal.by_hand import describe
from zoo.scoring.suites import models_of
from zoo.tasks.induction import InductionHeads

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import hashlib, json, sys, tempfile
from pathlib import Path
import numpy as np
import zoo
from compiler.errors import InputError
from compiler.rasp import tracr as rasp
from compiler.rasp import program, tokens

same = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.EQ)
first = rasp.Map(lambda t: t in {"a", "d"}, rasp.tokens).named("a or d")
counted = rasp.SequenceMap(lambda n, f: (n, f), rasp.SelectorWidth(same), first)

@program(family="x", vocab=frozenset("abcd"), max_len=4, example=("ab", "ab"))
def echo():
    '''The tokens.'''
    return tokens

model = zoo.compile(counted.named("both"), vocab=set("abcd"), max_len=3, decoys=1)
folder = Path(tempfile.mkdtemp()) / "model"
zoo.save(model, folder)
files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest()
         for p in sorted(folder.rglob("*")) if p.is_file()}
def refused(call):
    try:
        call()
    except InputError as error:
        return str(error)

print(json.dumps({
    "refused": [refused(lambda: model({"a", "b"})), refused(lambda: tokens({"a"}))],
    "ids": np.asarray(model.encode(list("dbca")[:3])).tolist(),
    "vocab": list(model.typed.vocab),
    "names": [v.name for v in model.typed.variables],
    "domains": [repr(v.domain.values) for v in model.typed.variables],
    "files": files,
    "numbers": zoo.compile(tokens, {10, 2.5, 3, -1}, 2).encode([10, 3]).tolist(),
    "program": [*echo.vocab, zoo.compile(echo, vocab=frozenset("bca")).typed.vocab],
}))
"""


def run(seed: int) -> dict:
    """Return what the script prints in a process with this order of sets."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_a_set_gives_the_same_model_in_every_process():
    first, *others = (run(seed) for seed in (0, 1))
    assert first["vocab"] == list("abcd") and first["program"][:4] == list("abcd")
    assert {"circuit.json", "config.json"} <= set(first["files"])
    assert all("the input is" in text for text in first["refused"])
    for other in others:
        assert other == first


def test_sets_are_sorted_by_type_and_value():
    assert ordered({"b", 2, "a", 1.5, (1,), None}) == [None, 1.5, 2, "a", "b", (1,)]
    assert ordered(["b", "a"]) == ["b", "a"]
    assert ordered({"b": 1, "a": 2}) == ["b", "a"]
    assert ordered({"b": 1, "a": 2}.keys()) == ["b", "a"]
    model = zoo.compile(tokens, vocab={"b", 2, "a", 1}, max_len=2)
    assert model.typed.vocab == (1, 2, "a", "b")


def test_names_in_sets_are_told_in_order():
    names = {"delta", "beta", "alpha"}
    assert "There are: alpha, beta, delta" in str(unknown_name("thing", "zzz", names))
    lines = models_of({"sort", "reverse", "median"})
    assert lines == ["median", "reverse", "sort"]


def test_a_program_sorts_its_vocabulary():
    @program(family="x", vocab={"b", "c", "a"}, max_len=2, example=("a", "a"))
    def echo():
        """The tokens."""
        return tokens

    assert echo.vocab == ("a", "b", "c")
    assert zoo.compile(echo).typed.vocab == ("a", "b", "c")


def test_a_task_with_a_set_is_refused():
    task = InductionHeads("abcd", 3)
    object.__setattr__(task, "vocab", set("abcd"))
    with pytest.raises(InputError, match="the values of 'vocabulary' are a set"):
        describe(task)
