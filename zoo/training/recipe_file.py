"""Recipes as TOML: read, changed key by key, written and listed.

A recipe is a small TOML file of changes to the defaults, or the complete one that a run
saved. Unknown keys are refused.
"""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from compiler.errors import InputError, NameLookupError, nearest
from zoo.training.recipe import EARLIER, Recipe

RECIPES = Path(__file__).parents[1] / "recipes"
"""The zoo's own: `robust`, and those of single programs and tasks."""
KEYS_ARE_LISTED = "`zoo train --recipe-keys` lists the keys"
PROGRAM = "program"
"""The table of a run's recipe that names its program; not a part of the recipe."""


def read_recipe(path: Path) -> Recipe:
    """Return the recipe of a TOML file.

    Raises:
        InputError: it is not TOML, or has an unknown key or an impossible value.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"recipe {path}: cannot be read: {error}") from None
    return parse_recipe(text, str(path))


def parse_recipe(
    text: str, where: str = "recipe", base: Recipe | None = None
) -> Recipe:
    """Return the recipe that TOML says.

    Args:
        text: the TOML.
        where: where it is from, for errors.
        base: what it changes; the defaults if None.

    Raises:
        InputError: it is not TOML, or has an unknown key or an impossible value.
    """
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"recipe {where}: cannot be read: {error}") from None
    # The recipe of a run says what was trained, and was complete when it was written.
    saved = data.pop(PROGRAM, None) is not None
    if saved:
        return saved_recipe(data, where)
    return change(base or Recipe(), data, where)


def saved_recipe(entries: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """Return the recipe that a run saved, maybe with an earlier version.

    A key that is missing means what training did before the key existed.

    Raises:
        InputError: a key is unknown, or a value has the wrong type.
    """
    earlier = {**EARLIER, "placement_seed": entries.get("seed", Recipe.seed)}
    return change(Recipe(), {**earlier, **entries}, where)


def change(recipe: Recipe, changes: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """Return the recipe with some values changed.

    Raises:
        InputError: a key is unknown, or a value has the wrong type.
    """
    known = {f.name: type(getattr(recipe, f.name)) for f in fields(recipe)}
    problems = []
    converted: dict[str, Any] = {}
    for key, value in changes.items():
        if key not in known:
            hint = nearest(key, known)
            problems.append(f"unknown key {key!r}.{hint} {KEYS_ARE_LISTED}")
            continue
        kind = known[key]
        fits = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value, fits = float(value), True
        if not fits:
            article = "an" if kind is int else "a"
            noun = f"{article} {kind.__name__}"
            problems.append(f"{key} is {value!r}; it must be {noun}")
        converted[key] = value
    if problems:
        raise InputError(f"{where}: " + "; ".join(problems))
    return replace(recipe, **converted)


def describe_keys() -> list[tuple[str, str, str]]:
    """Return (key, default, meaning) of every key, as the docstring has them."""
    defaults = {field.name: field.default for field in fields(Recipe)}
    text = inspect.cleandoc(Recipe.__doc__ or "").partition("Attributes:\n")[2]
    found = re.findall(r"^    (\w+): (.*(?:\n     +.*)*)", text, re.MULTILINE)
    return [
        (key, _to_text(defaults[key]), " ".join(meaning.replace("`", "").split()))
        for key, meaning in found
    ]


def parse_setting(text: str) -> tuple[str, Any]:
    """Return (key, value) of `key=value`, the value as TOML has it."""
    key, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"--set takes key=value, and {text!r} has no '='")
    try:
        return key.strip(), tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value.strip()


def to_toml(recipe: Recipe | Mapping[str, Any]) -> str:
    """Return a recipe, or some of its keys, as TOML; `read_recipe` reads it back."""
    entries = asdict(recipe) if isinstance(recipe, Recipe) else recipe
    return "".join(f"{key} = {_to_text(value)}\n" for key, value in entries.items())


def _to_text(value: Any) -> str:
    """Return a value as TOML has it."""
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return shown.replace("'", '"')


def recipe_for(name: str) -> Recipe:
    """Return the recipe of a program or a task; the defaults if it has none."""
    path = RECIPES / f"{name}.toml"
    return read_recipe(path) if path.exists() else Recipe()


def find_recipe(path: Path) -> Path:
    """Return the file of a recipe: the path, or the zoo's recipe of that name.

    `robust` is one that fits every program; others are of one program or task.

    Raises:
        NameLookupError: it is no file, and the zoo has no such recipe; names the
            nearest, and lists all.
    """
    if path.exists():
        return path
    known = sorted(recipe.stem for recipe in RECIPES.glob("*.toml"))
    if str(path) in known:
        return RECIPES / f"{path}.toml"
    raise NameLookupError(
        f"recipe {path}: no file has that name, and no recipe of the zoo."
        f"{nearest(str(path), known)} The zoo has {', '.join(known)}; another recipe "
        "is given as the path of its TOML file"
    )


def chosen_recipe(recipe: Recipe | str | Path | None, name: str) -> Recipe:
    """Return a recipe by its value, its name or its file; that of a program if None.

    Args:
        recipe: settings, `robust` or another recipe of the zoo (which changes that of
            the program), or a TOML file (which changes the defaults).
        name: of the program or the task that is trained.

    Raises:
        NameLookupError: neither a file nor a recipe of the zoo has that name.
        InputError: the file is not TOML, or has an unknown key or an impossible value.
    """
    if recipe is None:
        return recipe_for(name)
    if isinstance(recipe, Recipe):
        return recipe
    path = find_recipe(Path(recipe))
    if path.parent == RECIPES and path.stem != name:
        # One for every program: it goes on top of what this program needs.
        return parse_recipe(path.read_text(), str(path), recipe_for(name))
    return read_recipe(path)
