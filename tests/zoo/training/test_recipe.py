"""Recipes are read back as written, and refuse what cannot be."""

import tomllib
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from compiler.errors import InputError, NameLookupError
from compiler.machine.config import CHOICES
from zoo.training.recipe import EARLIER, Recipe, is_twin, twin_recipe
from zoo.training.recipe_file import (
    RECIPES,
    change,
    chosen_recipe,
    describe_keys,
    find_recipe,
    parse_recipe,
    parse_setting,
    read_recipe,
    to_toml,
)


def test_recipe_is_read_back_as_written(tmp_path):
    recipe = change(Recipe(), {"d_model": 24, "act": "relu", "donor_gradient": False})
    path = tmp_path / "recipe.toml"
    path.write_text(to_toml(recipe))
    assert read_recipe(path) == recipe


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_modl": 8}, "unknown key 'd_modl'. Did you mean 'd_model'"),
        ({"stpes": 8}, r"unknown key 'stpes'. Did you mean 'steps'.* --recipe-keys"),
        ({"d_model": "8"}, "d_model is '8'; it must be an int"),
        ({"act": "tanh"}, "recipe: act is 'tanh'; choose 'relu' or 'gelu'"),
        ({"norm": "post"}, "recipe: norm is 'post'; choose 'none' or 'pre'"),
        ({"positions": "rotary", "d_head": 5}, "recipe: d_head is 5; rotary .* even"),
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"behaviour": 0.9}, "must be shares that sum to 1"),
        ({"same_length": 1.5}, "same_length is 1.5; it is a share, at most 1"),
        ({"placement": "best"}, "choose 'identity' or 'random'"),
        ({"donor_gradient": 1}, "donor_gradient is 1; it must be a bool"),
    ],
)
def test_impossible_recipes_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        change(Recipe(), changes)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("steps=5", ("steps", 5)),
        ("act=relu", ("act", "relu")),
        ("clip=0.5", ("clip", 0.5)),
        ("donor_gradient=false", ("donor_gradient", False)),
    ],
)
def test_settings_are_read_as_toml(text, value):
    assert parse_setting(text) == value


def test_setting_without_equals_is_refused():
    with pytest.raises(InputError, match="has no '='"):
        parse_setting("steps")


def test_every_key_is_described_once_with_its_default():
    rows = describe_keys()
    assert [key for key, _, _ in rows] == [f.name for f in fields(Recipe)]
    text = "".join(f"{key} = {default}\n" for key, default, _ in rows)
    assert text == to_toml(Recipe())
    meanings = {key: meaning for key, _, meaning in rows}
    for key, choices in CHOICES.items():
        assert all(choice in meanings[key] for choice in choices)
    assert meanings["placement"].startswith("identity or random")
    assert meanings["circuit_steps"].endswith("is patched.")


def test_a_twin_is_what_twin_recipe_makes():
    assert is_twin(asdict(twin_recipe(Recipe())))
    assert not is_twin(asdict(Recipe()))
    assert not is_twin({})


def test_recipes_of_the_first_releases_mean_what_they_meant():
    releases = Path(__file__).parents[3] / "releases"
    paths = sorted(releases.glob("*-siit/recipe.toml"))
    assert paths
    for path in paths:
        recipe = read_recipe(path)
        said = tomllib.loads(path.read_text())
        said.pop("program")
        if "stratified" in said:  # written by a version that has all keys
            continue
        stated = asdict(recipe)
        assert {key: stated[key] for key in said} == said
        assert recipe.placement_seed == said["seed"]
        absent = {k: v for k, v in EARLIER.items() if k not in said}
        assert {key: stated[key] for key in absent} == absent


def test_a_file_of_changes_starts_from_the_defaults_and_a_saved_one_does_not():
    assert parse_recipe("steps = 5") == replace(Recipe(), steps=5)
    saved = parse_recipe("steps = 5\nseed = 3\n[program]\nname = 'x'\n")
    earlier = {**EARLIER, "placement_seed": 3, "seed": 3, "steps": 5}
    assert saved == replace(Recipe(), **earlier)


def test_constants_are_shares_of_the_strict_examples():
    with pytest.raises(InputError, match=r"zeros and means are 0.7 and 0.5"):
        change(Recipe(), {"zeros": 0.7, "means": 0.5})


def test_a_recipe_is_chosen_by_value_by_name_by_file_or_by_the_program(tmp_path: Path):
    mine = tmp_path / "mine.toml"
    mine.write_text("steps = 7")
    assert chosen_recipe(mine, "sort") == chosen_recipe(str(mine), "sort")
    assert chosen_recipe(mine, "sort") == Recipe(steps=7)
    assert chosen_recipe(Recipe(steps=8), "sort") == Recipe(steps=8)
    assert chosen_recipe("robust", "sort") == read_recipe(RECIPES / "robust.toml")
    own = read_recipe(RECIPES / "greater_than.toml")
    assert chosen_recipe(None, "greater_than") == own != Recipe()
    assert chosen_recipe(None, "sort") == Recipe()


def test_a_recipe_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(NameLookupError) as error:
        chosen_recipe("robus", "sort")
    known = ", ".join(sorted(path.stem for path in RECIPES.glob("*.toml")))
    assert str(error.value) == (
        "recipe robus: no file has that name, and no recipe of the zoo. Did you mean "
        f"'robust'? The zoo has {known}; "
        "another recipe is given as the path of its TOML file"
    )


def test_the_robust_recipe_is_found_by_name_and_changes_every_new_key():
    assert find_recipe(Path("robust")) == RECIPES / "robust.toml"
    robust = read_recipe(RECIPES / "robust.toml")
    assert all(
        getattr(robust, key) != old for key, old in EARLIER.items() if key != "margin"
    )
    assert all(getattr(Recipe(), key) == old for key, old in EARLIER.items())
