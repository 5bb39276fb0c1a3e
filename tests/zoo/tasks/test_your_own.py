"""The example of docs/causal_models.md does what it says."""

import importlib.util
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from compiler.errors import InputError
from tests.zoo.tasks.check import check_inputs, check_laws, check_reference, clean
from zoo.causal.model import Task

PAGE = Path(__file__).resolve().parents[3] / "docs" / "causal_models.md"
QUICK: dict[str, Any] = {
    "steps": 8,
    "check_every": 4,
    "batch": 8,
    "pairs": 8,
    "d_model": 8,
}


@pytest.fixture(scope="module")
def task(tmp_path_factory) -> Task:
    """The page's class, imported from a file of its own."""
    text = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[0]
    assert len(text.splitlines()) <= 45
    path = tmp_path_factory.mktemp("page") / "your_own.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("your_own", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SameAsFirst()


def reference(tokens, given):
    index = "abc".index
    first = [index(tokens[0])] * len(tokens)
    return [first, [int(t == tokens[0]) for t in tokens]]


def test_it_is_a_causal_model(task):
    ids = task.inputs(10_000, 0)[0]
    assert len(ids) == sum(3**n for n in range(1, 6))
    overrides = np.repeat(clean(task)[None], len(ids), axis=0)
    check_reference(task, ids, overrides, reference)
    check_laws(task, ids)
    check_inputs(task, 100)


def test_it_is_trained_saved_loaded_and_audited(task, tmp_path):
    result = zoo.train(task, **QUICK)
    zoo.save(result.model, tmp_path / "same")
    model = zoo.load(tmp_path / "same")
    assert set(model("abca")) <= {True, False}
    found = zoo.audit(model, causal=task, pairs=30, scope="sample")
    assert sorted(found.interchange) == ["first", "same"]
    assert found.to_json() == zoo.audit(result, pairs=30, scope="sample").to_json()
    with pytest.raises(InputError, match=r"'same_as_first' was written by hand"):
        zoo.audit(model, pairs=30, scope="sample")
