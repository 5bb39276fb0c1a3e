"""Recipes are read back as written, and refuse what cannot be."""

import pytest

from compiler.errors import InputError
from zoo.training.recipe import Recipe, change, parse_setting, read_recipe, to_toml


def test_recipe_is_read_back_as_written(tmp_path):
    recipe = change(Recipe(), {"d_model": 24, "act": "relu", "donor_gradient": False})
    path = tmp_path / "recipe.toml"
    path.write_text(to_toml(recipe))
    assert read_recipe(path) == recipe


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_modl": 8}, "unknown key 'd_modl'"),
        ({"d_model": "8"}, "d_model is '8'; it must be a int"),
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"behaviour": 0.9}, "must be shares that sum to 1"),
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
