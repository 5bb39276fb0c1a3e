"""What the command line does, one line of Python does, and the other way round."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest
import typer

import zoo
from zoo.cli import app
from zoo.training.recipe import Recipe
from zoo.training.recipe_changes import RecipeChanges

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "guide.md").read_text("utf-8")
ROWS = re.findall(r"^\| `zoo ([a-z -]+)` \| (.+) \|$", GUIDE, re.MULTILINE)
FUNCTIONS = {f for _, cell in ROWS for f in re.findall(r"zoo\.(\w+)\(", cell)}
# What has no command: types, modules, and what only makes sense on values in Python.
PYTHON_ONLY = {
    *("Model", "Patch", "Recipe", "Released", "errors", "tasks"),
    *("load", "save", "data", "has_run", "open_case", "programs"),
    *("score_alignment", "score_dictionary", "examine_circuit"),
    *("open_attribution", "score_attribution", "score_description", "score_program"),
    *("open_steering", "score_steering", "score_lens", "open_parts", "score_parts"),
    "score_map",
}


def commands() -> set[str]:
    """Return every command, those of groups with the name of the group."""
    found: set[str] = set()
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        inside = getattr(command, "commands", None)
        found |= {f"{name} {n}" for n in inside} if inside else {name}
    return found


def test_the_table_has_every_command_and_every_function():
    assert {name for name, _ in ROWS} == commands()
    assert len(ROWS) == len(commands())
    assert set(zoo.__all__) == FUNCTIONS | PYTHON_ONLY


# What is shown, where it is written to, and how a run is divided among processes is of
# the command line; progress and values that no text can say are of Python.
SHOWN = {"as_json", "force", "jobs", "out", "overwrite", "progress", "threads", "width"}
OTHERWISE = {
    "list": {"sizes"},  # columns of the printed table; entries have `program`
    "show": {"picture"},  # model.picture()
    "compile": {"name", "source"},  # the same argument
    "card": {"name", "source"},
    "download": {"suite"},  # zoo.download_suite
    "components": {"jsonl"},  # how it is printed
    # The same argument, and what is of zoo.publish_all.
    "publish": {"name", "source", "every", "suite", "title", "dry_run"},
    "verify": {"every", "releases", "suite"},  # verify_library, verify_releases
    "compress": {"check_every", "inputs"},  # settings of the method, for its study
    # Pages to print; what ends a hanging process; a cluster in place of processes.
    "evaluate": {"show", "hung", "scheduler"},
    "leaderboard": {"hung", "judged", "scheduler"},
    "submit": {"hung", "scheduler"},
    "truth": {"positions", "roles"},  # zoo.truth_by_position
    # The same argument, what only the command plots, and a value of Python.
    "score": {"model", "source", "plot", "certificate"},
}


@pytest.mark.parametrize(
    "name",
    [
        *("list", "show", "compile", "verify", "compress", "releases", "card"),
        *("download", "publish", "evaluate", "leaderboard", "score"),
        *("components", "truth", "circuits", "sample", "questions", "site"),
        *("superpose", "submit", "build"),
    ],
)
def test_a_command_and_its_function_take_the_same_options(name: str):
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    options = {p.name for p in command.params} - {"help"}
    parameters = set(inspect.signature(getattr(zoo, name)).parameters)
    assert (options ^ parameters) - SHOWN == OTHERWISE.get(name, set())


@pytest.mark.parametrize("name", [n for n in zoo.__all__ if n.islower()])
def test_public_functions_have_signatures_that_editors_complete(name: str):
    function = getattr(zoo, name)
    if inspect.ismodule(function):
        return
    for parameter in inspect.signature(function).parameters.values():
        kind = str(parameter.annotation)
        assert parameter.annotation is not inspect.Parameter.empty, parameter
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            assert kind == "Unpack[RecipeChanges]", parameter


def test_the_changes_of_a_recipe_are_its_fields():
    hints = get_type_hints(RecipeChanges)
    assert hints == get_type_hints(Recipe)
    assert list(hints) == [field.name for field in fields(Recipe)]


def test_every_public_name_is_what_its_place_defines():
    for name, place in zoo._PLACES.items():
        module = place.partition(":")[0]
        assert getattr(getattr(zoo, name), "__module__", module) == module, name
