from pathlib import Path

import pytest

import zoo
from zoo.release.provenance import recipe_of

RELEASES = Path(__file__).parents[3] / "releases"


@pytest.mark.parametrize(
    "name", ["bigram-gpt2", "maximum-bert", "sort-llama", "reverse-siit"]
)
def test_the_recipe_follows_from_the_model(name):
    written = (RELEASES / name / "recipe.toml").read_bytes()
    assert recipe_of(zoo.load(RELEASES / name)) == written
