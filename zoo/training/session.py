"""A training run in a folder: begun, saved at every check, resumed, ended.

`train_into` is what `zoo train` calls. Killed at any moment it leaves a folder from
which `resume` goes on, to the same bits as an uninterrupted run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import programs
from compiler.api import program_facts
from compiler.errors import InputError
from compiler.ir.typed import Typed
from compiler.model import Model
from compiler.passes.check import Accepts
from compiler.passes.decomposition import steps_beyond
from compiler.passes.schedule import Scheduled
from compiler.pipeline import Source, compile_stages, read_source
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from compiler.rasp.values import Value, canonical, ordered
from compiler.save import save_model
from zoo import catalogue, tasks
from zoo.causal.by_hand import fitting, task_of
from zoo.causal.model import CausalModel
from zoo.causal.saved import tabular_of
from zoo.causal.tabular import TabularModel
from zoo.files import MODEL
from zoo.training import store
from zoo.training.check import Check
from zoo.training.loop import OnCheck, OnStep, train_run
from zoo.training.outcome import Result
from zoo.training.recipe import Recipe
from zoo.training.recipe_file import read_recipe
from zoo.training.run import TrainingRun, TrainingState, prepare
from zoo.training.sizes import sized
from zoo.training.together import train_together

_ABOUT = ("family", "meaning", "source")


def causal_model(source: Program | SOp | Source) -> TabularModel:
    """Return the causal model of a program."""
    read = source if isinstance(source, Source) else read_source(source)
    stages = compile_stages(read)
    facts = program_facts(stages)
    return causal_model_of_plan(stages.typed, stages.scheduled, read.accepts, facts)


def causal_model_of_plan(
    typed: Typed,
    scheduled: Scheduled,
    accepts: Accepts | None = None,
    facts: Mapping[str, Any] | None = None,
) -> TabularModel:
    """Return the causal model of a program, its variables in the layers of a plan.

    Args:
        typed: the program over its domains.
        scheduled: its steps, each in the first layer that it can be computed in.
        accepts: which inputs it is for.
        facts: what is to be known beside it: family, meaning, source text.
    """
    plan, places = scheduled.plan, scheduled.places
    layers = {s.name: p.layer for s, p in zip(plan.steps, places, strict=True)}
    return TabularModel(typed, steps_beyond(plan), accepts, facts, layers)


def find_setting(
    name: str, vocab: Sequence[Value] | None = None, max_len: int | None = None
) -> store.Setting:
    """Return what there is to train under a name: a program first, or a task.

    Args:
        name: the program's or the task's.
        vocab: the tokens; the program's own by default.
        max_len: the greatest number of tokens; the program's own by default.

    Raises:
        NameLookupError: there is neither; the message offers the nearest names.
        InputError: a task was given another vocabulary or length.
    """
    found = catalogue.define(name)
    if not isinstance(found, Program):
        if vocab is not None or max_len is not None:
            raise InputError(
                f"{name} is a task, written by hand: its vocabulary and length are "
                "fixed. Leave --vocab and --max-len out"
            )
        return store.Setting(name, found.vocab, found.n_ctx - 1)
    program = found
    tokens = program.vocab if vocab is None else tuple(map(canonical, ordered(vocab)))
    return store.Setting(name, tokens, program.max_len if max_len is None else max_len)


def causal_model_of(setting: store.Setting | Model) -> CausalModel:
    """Return the causal model that a setting stands for, or that a model computes.

    Raises:
        NameLookupError: nothing has that name any more.
        InputError: it is a task whose words are others by now.
    """
    if isinstance(setting, Model):
        return _causal_model_of_model(setting)
    found = catalogue.define(setting.name)
    if not isinstance(found, Program):
        if setting != find_setting(setting.name):
            raise InputError(
                f"{setting.name}: the run was begun when this task had other words "
                "than it has now; begin a new one"
            )
        return found
    causal = setting.causal or None
    return causal_model(read_source(found, setting.vocab, setting.max_len, causal))


def _causal_model_of_model(model: Model) -> CausalModel:
    """Return the causal model of a compiled, trained or loaded model."""
    task = task_of(model)
    if task is not None:
        return fitting(tasks.find(task), model)
    known = catalogue.kinds_of(model.name)[:1] == ["program"]
    program = programs.find(model.name) if known else None
    same = program is not None and program.family == model.facts.get("family")
    about = {k: model.facts[k] for k in _ABOUT if k in model.facts}
    accepts = program.accepts if program is not None and same else None
    return tabular_of(model, accepts, about)


def train_into(
    folder: Path,
    setting: store.Setting,
    recipe: Recipe,
    on_check: OnCheck | None = None,
    on_step: OnStep | None = None,
) -> Result:
    """Train a program or a task from the beginning, and keep the run in a new folder.

    Raises:
        InputError: the folder holds something, or the model is too small.
    """
    run = _prepare(setting, recipe)
    store.begin(folder, setting, run.recipe)
    return _go_on(folder, run, None, (), on_check, on_step)


def resume(
    folder: Path,
    recipe: Recipe | None = None,
    on_check: OnCheck | None = None,
    on_step: OnStep | None = None,
) -> Result:
    """Go on with the run in a folder.

    Args:
        folder: of a run that was begun.
        recipe: what the run is expected to follow; whatever it says if None.
        on_check: called after every check.
        on_step: called with (steps done, steps) as it goes on.

    Raises:
        FormatError: the folder holds no run, or a damaged one.
        InputError: the recipe is not the one that the run began with.
    """
    setting = store.read_setting(folder)
    run = _prepare(setting, recipe or read_recipe(folder / store.RECIPE))
    store.check_recipe(folder, run.recipe)
    state, history = store.load_checkpoint(folder, run)
    return _go_on(folder, run, state, history, on_check, on_step)


def train_seeds_into(
    folder: Path,
    setting: store.Setting,
    recipe: Recipe,
    seeds: Sequence[int],
    on_check: OnCheck | None = None,
) -> list[Result]:
    """Train several seeds at once, and keep each run in a folder `seedN`.

    Each folder can be resumed by itself.

    Raises:
        InputError: a folder holds something, or the seeds cannot go together.
    """
    model = causal_model_of(setting)
    folders = {seed: folder / f"seed{seed}" for seed in seeds}
    for seed, place in folders.items():
        store.begin(place, setting, sized(replace(recipe, seed=seed), model))

    def keep(
        run: TrainingRun, state: TrainingState, history: tuple[Check, ...]
    ) -> None:
        store.save_checkpoint(folders[run.recipe.seed], state, history)
        if on_check is not None:
            on_check(run, state, history)

    results = train_together(model, recipe, seeds, keep)
    for seed, result in zip(seeds, results, strict=True):
        if result.outcome != "diverged":
            save_model(result.model, folders[seed] / MODEL, overwrite=True)
    return results


def _prepare(setting: store.Setting, recipe: Recipe) -> TrainingRun:
    return prepare(causal_model_of(setting), recipe)


def _go_on(
    folder: Path,
    run: TrainingRun,
    state: TrainingState | None,
    history: tuple[Check, ...],
    on_check: OnCheck | None,
    on_step: OnStep | None,
) -> Result:
    def keep(
        run: TrainingRun, state: TrainingState, history: tuple[Check, ...]
    ) -> None:
        store.save_checkpoint(folder, state, history)
        if on_check is not None:
            on_check(run, state, history)

    result = train_run(run, state, history, keep, on_step)
    if result.outcome == "diverged":
        step = result.history[-1].step if result.history else 0
        raise InputError(
            f"{run.model.name}: the loss became infinite or undefined after step "
            f"{step}. The last good checkpoint is in {folder}; begin a new run with a "
            f"smaller learning_rate (it was {run.recipe.learning_rate})"
        )
    save_model(result.model, folder / MODEL, overwrite=True)
    return result


def report(check: Check) -> dict[str, Any]:
    """Return a check's worst cases, for a line of progress."""
    worst = min(check.interchange, key=lambda n: check.interchange[n], default="")
    figures = asdict(check)
    kept = {k: figures[k] for k in ("step", "loss", "behaviour", "edges")}
    return {
        **kept,
        "interchange": check.worst_interchange,
        "node": worst,
        "nodes": check.worst_node,
        "worst_edge": check.worst_edge,
        "all_edges": check.worst_all_edges,
        "ablations": check.worst_ablation if check.ablations else None,
        "adversary": check.adversary,
        "wrong": check.wrong if check.searched else None,
    }
