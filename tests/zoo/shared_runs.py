"""Training runs that are prepared once, so that what they run is compiled once.

jax compiles the steps and the checks of every `TrainingRun` anew. The command line
prepares one whenever it begins or resumes a run, and most tests train the same.
"""

from __future__ import annotations

from functools import cache

import pytest

from zoo.training import session
from zoo.training.recipe import Recipe
from zoo.training.run import TrainingRun, prepare
from zoo.training.sizes import sized
from zoo.training.store import Setting

_models = cache(session.causal_model_of)
_runs = cache(prepare)


def prepare_once(setting: Setting, recipe: Recipe) -> TrainingRun:
    """Return the run of a recipe, the same one for the same program and recipe."""
    if setting.defined is not None:
        return prepare(session.causal_model_of(setting), recipe)
    model = _models(setting)
    return _runs(model, sized(recipe, model))


def share_runs(patch: pytest.MonkeyPatch) -> None:
    """Let `zoo train` prepare equal runs once."""
    patch.setattr(session, "_prepare", prepare_once)
