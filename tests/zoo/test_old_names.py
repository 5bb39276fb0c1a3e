"""Modules that moved are still found under their old names, with a warning."""

import importlib
import sys

import pytest

MOVED = {
    "zoo.training.causal": ("zoo.causal.model", "CausalVariable"),
    "zoo.scoring.finders": ("zoo.finders", "das"),
    "zoo.scoring.method": ("zoo.methods.method", "method"),
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
