"""A run on disk: its recipe, its last checkpoint, its history.

    recipe.toml               every size filled in; a resumed run must agree with it
    checkpoint.safetensors    weights, optimizer and step, from which it resumes
    history.json              one entry for each check
    model/                    the trained model, once the run has ended

Each file is written under another name and then renamed, so that a killed process
leaves the old or the new file. The checkpoint is written last, and a run resumes from
its step.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from compiler.errors import FormatError, InputError
from compiler.files import write_atomically
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from compiler.rasp.values import Value, canonical
from zoo.causal.model import Task
from zoo.training.check import Check
from zoo.training.recipe import Recipe
from zoo.training.recipe_file import PROGRAM, read_recipe, to_toml
from zoo.training.run import TrainingRun, TrainingState, start

RECIPE, CHECKPOINT, HISTORY = "recipe.toml", "checkpoint.safetensors", "history.json"


@dataclass(frozen=True)
class Setting:
    """What a run trains: a program over some inputs, or a task.

    Attributes:
        name: the program's or the task's.
        vocab: its tokens, in order.
        max_len: its greatest number of tokens.
        defined: what has this name, where it is the user's own. It is in no folder:
            who resumes such a run gives it again.
        causal: whether a program that attends in both directions is trained with
            attention to earlier positions only.
    """

    name: str
    vocab: tuple[Value, ...]
    max_len: int
    causal: bool = False
    defined: Program | SOp | Task | None = field(default=None, compare=False)


def begin(folder: Path, setting: Setting, recipe: Recipe) -> None:
    """Make the folder of a new run.

    Raises:
        InputError: the folder holds something already.
    """
    check_free(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = recipe_text(asdict(recipe), setting)
    write_atomically(folder / RECIPE, text.encode())


def recipe_text(recipe: Mapping[str, Any], setting: Setting) -> str:
    """Return the recipe.toml of a run: some keys of a recipe, and what is trained."""
    return f"{to_toml(recipe)}\n{_setting_to_toml(setting)}"


def check_free(folder: Path) -> None:
    """Raise InputError for a folder that holds something already."""
    if folder.exists() and any(folder.iterdir()):
        raise InputError(
            f"{folder} is not empty; resume the run in it with --resume {folder}, or "
            "choose another folder"
        )


def _setting_to_toml(setting: Setting) -> str:
    """Return the table of what is trained; JSON's lists and numbers are TOML."""
    vocab = json.dumps(list(setting.vocab))
    name = json.dumps(setting.name)
    table = (
        f"[{PROGRAM}]\nname = {name}\nvocab = {vocab}\nmax_len = {setting.max_len}\n"
    )
    return f"{table}causal = true\n" if setting.causal else table


def read_setting(folder: Path) -> Setting:
    """Return what the run in a folder trains.

    Raises:
        FormatError: the folder holds no run, or its recipe is damaged.
    """
    path = folder / RECIPE
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))[PROGRAM]
        vocab = tuple(canonical(v) for v in table["vocab"])
        causal = bool(table.get("causal", False))
        return Setting(str(table["name"]), vocab, int(table["max_len"]), causal)
    except FileNotFoundError:
        raise FormatError(
            f"{folder} holds no run: there is no {RECIPE} in it. Begin one with "
            "zoo train NAME --out FOLDER"
        ) from None
    except _DAMAGED as error:
        raise FormatError(
            f"{path}: damaged, no readable table [{PROGRAM}] ({error}). Begin again in "
            "another folder"
        ) from None


def save_checkpoint(
    folder: Path, state: TrainingState, history: tuple[Check, ...]
) -> None:
    """Write the history, then the state of a run."""
    text = json.dumps([asdict(c) for c in history], indent=1)
    write_atomically(folder / HISTORY, text.encode())
    leaves = jax.tree.leaves(state)
    tensors = {f"{i:04d}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
    write_atomically(folder / CHECKPOINT, save(tensors))


_DAMAGED = (ValueError, TypeError, KeyError, OSError, RecursionError)


def load_checkpoint(
    folder: Path, run: TrainingRun
) -> tuple[TrainingState, tuple[Check, ...]] | tuple[None, tuple[()]]:
    """Return the state and the history of a run; (None, ()) before its first check.

    Raises:
        FormatError: the checkpoint is damaged, or is of a model of another shape.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None, ()
    fresh, structure = jax.tree.flatten(start(run))
    try:
        tensors = load(path.read_bytes())
        history = json.loads((folder / HISTORY).read_text())
        checks = tuple(Check(**entry) for entry in history)
    except (SafetensorError, *_DAMAGED) as error:
        raise FormatError(f"{path}: the checkpoint is damaged ({error})") from None
    found = [tensors.get(f"{i:04d}") for i in range(len(fresh))]
    shapes = [None if f is None else f.shape for f in found]
    if len(tensors) != len(fresh) or shapes != [f.shape for f in fresh]:
        raise FormatError(
            f"{path}: holds {len(tensors)} arrays that do not fit this model; it "
            "belongs to another program or recipe"
        )
    leaves = [jnp.asarray(f) for f in found]
    state = jax.tree.unflatten(structure, leaves)
    step = int(state.step)
    return state, tuple(c for c in checks if c.step <= step)


def check_recipe(folder: Path, recipe: Recipe) -> None:
    """Raise InputError unless a resumed run has the recipe that it began with."""
    before = asdict(read_recipe(folder / RECIPE))
    changed: list[Any] = [
        f"{key} was {before[key]!r} and is {value!r}"
        for key, value in asdict(recipe).items()
        if before[key] != value
    ]
    if changed:
        raise InputError(
            f"{folder} was begun with another recipe: {'; '.join(changed)}. Resume it "
            "as it was, or begin a new run."
        )
