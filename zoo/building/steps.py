"""One release built: trained with its natural twin or compiled, audited, packed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compiler.errors import InputError
from compiler.files import write_atomically
from compiler.notation import LocatedJson
from compiler.rasp.values import Value
from zoo.building.plan import COMPILED, BuildPlan
from zoo.publishing import make_release
from zoo.release.fields import RECIPE

if TYPE_CHECKING:
    from compiler.model import Model
    from zoo.training.loop import OnStep
    from zoo.training.outcome import Result

Tell = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done, and how much there is."""
TRAIN, TRAIN_TWIN, AUDIT = "train", "train the twin", "audit"


def build_files(plan: BuildPlan, runs: Path, tell: Tell) -> dict[str, bytes]:
    """Return the contents of a release's files by name.

    Args:
        plan: what it is made from.
        runs: where training runs are kept; one that is there is gone on with.
        tell: called as it goes on.

    Raises:
        InputError: its training ends before every threshold is met, or a claim of its
            audit fails.
    """
    source: Path | Model
    if plan.kind == COMPILED:
        source, twin = _compiled(plan), None
    else:
        source, twin = _trained(plan, runs, tell)
    scope: Any = plan.scope
    return make_release(
        source,
        plan.name,
        plan.version,
        pairs=plan.pairs,
        seed=plan.seed,
        scope=scope,
        prove=plan.prove,
        twin=twin,
        progress=lambda done, total: tell(AUDIT, done, total),
    )


def _compiled(plan: BuildPlan) -> Model:
    from zoo.api import compile

    return compile(plan.program, _vocab(plan), plan.max_len, **plan.options)


def _trained(plan: BuildPlan, runs: Path, tell: Tell) -> tuple[Path, Path | None]:
    """Return the folders of the training and of its natural twin's, both ended."""
    folder = runs / f"{plan.name}.v{plan.version}"
    twin = folder.with_name(f"{folder.name}-twin")
    _end(plan, TRAIN, _train(plan, folder, partial(tell, TRAIN)), folder)
    if not plan.twin:
        return folder, None
    _end(plan, TRAIN_TWIN, _train_twin(folder, twin, partial(tell, TRAIN_TWIN)), twin)
    return folder, twin


def _train(plan: BuildPlan, folder: Path, on_step: OnStep) -> Result:
    """Train the model of a plan, or go on with the run in a folder."""
    from zoo.training.likeness import like_changes, setting_like, text_task
    from zoo.training.recipe_file import change, chosen_recipe
    from zoo.training.session import find_setting, resume, train_into

    recipe_file = folder / RECIPE
    if plan.recipe_text and not recipe_file.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(recipe_file, plan.recipe_text.encode())
    if recipe_file.is_file():
        return resume(folder, on_step=on_step)
    like = plan.like or None
    name = text_task(plan.program, like) if like else plan.program
    setting = find_setting(name, _vocab(plan), plan.max_len)
    recipe = chosen_recipe(plan.recipe or None, name)
    recipe = change(recipe, {**like_changes(like), **plan.settings}, plan.title)
    return train_into(folder, setting_like(setting, like), recipe, on_step=on_step)


def _train_twin(trained: Path, folder: Path, on_step: OnStep) -> Result:
    """Train the natural twin of the run in a folder, or go on with it."""
    from zoo.training.recipe import twin_recipe
    from zoo.training.recipe_file import read_recipe
    from zoo.training.session import resume, train_into
    from zoo.training.store import read_setting

    if (folder / RECIPE).is_file():
        return resume(folder, on_step=on_step)
    recipe = twin_recipe(read_recipe(trained / RECIPE))
    return train_into(folder, read_setting(trained), recipe, on_step=on_step)


def _end(plan: BuildPlan, stage: str, result: Result, folder: Path) -> None:
    """Raise InputError unless a training has met its thresholds."""
    if result.outcome != "passed":
        from zoo.training.outcome import shortfalls

        missed = "; ".join(shortfalls(result.history[-1], result.run.recipe))
        raise InputError(
            f"{plan.title}: {stage}: the steps are used up, and {missed}. Give it more "
            f"steps or another seed. The run is in {folder}"
        )


def _vocab(plan: BuildPlan) -> tuple[Value, ...] | None:
    return None if plan.vocab is None else LocatedJson("vocab", plan.vocab).values()
