"""Old names of modules, arguments and attributes work, with a warning."""

import importlib
import sys
from typing import Any

import pytest

import zoo
from zoo.auditing.certificate import Witness

MOVED = {
    "zoo.training.causal": ("zoo.causal.model", "CausalVariable"),
    "zoo.scoring.finders": ("zoo.finders", "das"),
    "zoo.scoring.method": ("zoo.methods.method", "method"),
}
RENAMED = {
    "zoo.training.run.Run": "TrainingRun",
    "zoo.training.run.State": "TrainingState",
}


@pytest.mark.parametrize("old", MOVED)
def test_an_old_name_warns_and_gives_the_same_objects(old):
    new, name = MOVED[old]
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=f"{old} is now {new}"):
        found = importlib.import_module(old)
    assert getattr(found, name) is getattr(importlib.import_module(new), name)
    with pytest.raises(AttributeError):
        _ = found.nothing_of_this_name


def test_an_old_argument_warns_and_means_the_new_one(tiny, tiny_certificate):
    given: dict[str, Any] = {"pairs": 8, "certificate": tiny_certificate}
    old_name: dict[str, Any] = {"turned": 0.25}
    with pytest.warns(DeprecationWarning, match="the argument turned is now shifted"):
        old = zoo.open_case(tiny, **given, **old_name)
    new = zoo.open_case(tiny, **given, shifted=0.25)
    assert old.pairs.shifts.tolist() == new.pairs.shifts.tolist()
    assert (new.pairs.shifts > 0).sum() == 2
    with pytest.raises(TypeError, match="shifted was given twice, once as turned"):
        zoo.open_case(tiny, **given, **old_name, shifted=0.25)


def test_a_witness_answers_to_the_names_in_the_file():
    witness = Witness((1,), (2,), 3, 0, (4,), (5,))
    with pytest.warns(DeprecationWarning, match=r"Witness.source is now Witness.donor"):
        assert witness.source == (2,)
    with pytest.warns(DeprecationWarning, match=r"Witness.turn is now Witness.shift"):
        assert witness.turn == 3
    assert witness.to_json() == {
        **{"base": (1,), "source": (2,), "turn": 3},
        **{"position": 0, "before": (4,), "after": (5,)},
    }


@pytest.mark.parametrize("old", RENAMED)
def test_an_old_class_warns_and_is_the_new_one(old):
    home, _, name = old.rpartition(".")
    module = importlib.import_module(home)
    with pytest.warns(DeprecationWarning, match=f"{old} is now {RENAMED[old]}"):
        found = getattr(module, name)
    assert found is getattr(module, RENAMED[old])
    with pytest.raises(AttributeError, match="has no attribute 'nothing_of_this_name'"):
        _ = module.nothing_of_this_name
