"""A training run in a folder: begun, saved at every check, resumed, ended.

`train_into` is what `zoo train` calls. Killed at any moment it leaves a folder from
which `resume` goes on, to the same bits as an uninterrupted run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from compiler.rasp.expr import SOp, given_name
from compiler.rasp.program import Program
from compiler.rasp.values import Value, canonical
from compiler.save import save_model
from zoo import catalogue, tasks
from zoo.causal.by_hand import fitting, task_of
from zoo.causal.model import CausalModel, Task
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

_ABOUT = ("family", "meaning", "source", "tasks")


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
    source: str | Program | SOp | Task,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
) -> store.Setting:
    """Return what there is to train.

    Args:
        source: the name of a program or else of a task of the zoo; or a program, an
            expression or a task of the user's own.
        vocab: the tokens; the program's own by default.
        max_len: the greatest number of tokens; the program's own by default.

    Raises:
        NameLookupError: nothing has that name; the message offers the nearest names.
        InputError: a task was given another vocabulary or length, an expression none,
            or what is the user's own has the name of something in the zoo.
    """
    if isinstance(source, str):
        return _setting_of(catalogue.define(source), vocab, max_len)
    return replace(_setting_of(source, vocab, max_len), defined=source)


def _setting_of(
    found: Program | SOp | Task, vocab: Iterable[Value] | None, max_len: int | None
) -> store.Setting:
    if isinstance(found, Program | SOp):
        read = read_source(found, vocab, max_len)
        tokens = tuple(map(canonical, read.vocab))
        return store.Setting(read.name, tokens, read.max_len)
    if vocab is not None or max_len is not None:
        raise InputError(
            f"{found.name} is a task, written by hand: its vocabulary and length are "
            "fixed. Leave --vocab and --max-len out"
        )
    return store.Setting(found.name, tuple(found.vocab), found.n_ctx - 1)


def _check_own(setting: store.Setting) -> None:
    """Raise InputError for a user's program that a resumed run would not find again."""
    if setting.defined is not None and catalogue.kinds_of(setting.name):
        raise InputError(
            f"{setting.name!r} is the name of a {catalogue.kinds_of(setting.name)[0]} "
            "of the zoo, which a resumed run would take for yours. Give yours another "
            "name"
        )


def causal_model_of(setting: store.Setting | Model) -> CausalModel:
    """Return the causal model that a setting stands for, or that a model computes.

    Raises:
        NameLookupError: nothing has that name any more.
        InputError: it is a task whose words are others by now.
    """
    if isinstance(setting, Model):
        return _causal_model_of_model(setting)
    own = setting.defined
    found = catalogue.define(setting.name) if own is None else own
    if not isinstance(found, Program | SOp):
        if setting != _setting_of(found, None, None):
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
        InputError: the folder holds something, the model is too small, or a program of
            the user's own has the name of one of the zoo.
    """
    _check_own(setting)
    run = _prepare(setting, recipe)
    store.begin(folder, setting, run.recipe)
    return _go_on(folder, run, None, (), on_check, on_step)


def resume(
    folder: Path,
    recipe: Recipe | None = None,
    on_check: OnCheck | None = None,
    on_step: OnStep | None = None,
    defined: Program | SOp | Task | None = None,
) -> Result:
    """Go on with the run in a folder.

    Args:
        folder: of a run that was begun.
        recipe: what the run is expected to follow; whatever it says if None.
        on_check: called after every check.
        on_step: called with (steps done, steps) as it goes on.
        defined: the program, expression or task that is trained, where it is the
            user's own.

    Raises:
        FormatError: the folder holds no run, or a damaged one.
        InputError: the recipe is not the one that the run began with, or what is
            trained is the user's own and is not given, or has another name.
    """
    setting = _with_own(folder, store.read_setting(folder), defined)
    run = _prepare(setting, recipe or read_recipe(folder / store.RECIPE))
    store.check_recipe(folder, run.recipe)
    state, history = store.load_checkpoint(folder, run)
    return _go_on(folder, run, state, history, on_check, on_step)


def _with_own(
    folder: Path, setting: store.Setting, defined: Program | SOp | Task | None
) -> store.Setting:
    """Return what a run trains, with the definition that a folder does not hold."""
    if defined is None:
        if catalogue.kinds_of(setting.name):
            return setting
        raise InputError(
            f"{folder} holds a run of {setting.name!r}, which is no program or task of "
            f"the zoo. Give what it trains: zoo train FILE.py --resume {folder}, or "
            "zoo.resume(folder, PROGRAM)"
        )
    name = given_name(defined) if isinstance(defined, SOp) else defined.name
    if (name or "expression") != setting.name:
        raise InputError(
            f"{folder} holds a run of {setting.name!r}, not of {name!r}. Resume it as "
            "what it is, or begin a new run in another folder"
        )
    setting = replace(setting, defined=defined)
    _check_own(setting)
    return setting


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
    _check_own(setting)
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
