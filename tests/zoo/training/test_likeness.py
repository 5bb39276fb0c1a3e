"""What is trained in the shape of an architecture."""

from __future__ import annotations

from dataclasses import asdict

import pytest

import programs
import zoo
from compiler.errors import InputError, NameLookupError
from compiler.families import FAMILIES, family_of
from compiler.pipeline import read_source
from zoo import tasks
from zoo.training.likeness import (
    like_changes,
    model_like,
    setting_like,
    source_like,
    text_task,
)
from zoo.training.placement import make_config, place, writes_tokens
from zoo.training.recipe import Recipe
from zoo.training.recipe_file import change, chosen_recipe
from zoo.training.session import causal_model, causal_model_of, find_setting
from zoo.training.sizes import sized
from zoo.training.store import Setting, begin, read_setting


def config_of(name: str, like: str):
    model = causal_model_of(setting_like(find_setting(name), like))
    recipe = sized(change(Recipe(), like_changes(like)), model)
    return model, make_config(model, recipe), recipe


@pytest.mark.parametrize("like", FAMILIES)
@pytest.mark.parametrize("name", ["sort", "histogram", "copy_text"])
def test_the_transformer_is_of_the_architecture(name, like):
    if name == "copy_text" and like == "bert":
        with pytest.raises(InputError, match="copy_text sees earlier positions only"):
            config_of(name, like)
        return
    model, config, recipe = config_of(text_task(name, like), like)
    language = writes_tokens(model)
    assert family_of(config, language) is FAMILIES[like]
    assert language is (name == "copy_text" or (name == "sort" and like != "bert"))
    assert config.causal is FAMILIES[like].causal
    place(model, config, recipe)


def test_rotary_heads_need_no_edge_from_positions():
    model, config, recipe = config_of("copy_text", "llama")
    circuit = place(model, config, recipe).circuit
    learned = place(model, *config_of("copy_text", "gpt2")[1:]).circuit
    assert not [edge for edge in circuit.edges if edge.source == "positions"]
    assert [edge for edge in learned.edges if edge.source == "positions"]


def test_a_position_itself_is_out_of_reach_of_rotary_models():
    with pytest.raises(InputError, match="computed from the position itself"):
        model, config, recipe = config_of("beta_posterior_mean", "llama")
        place(model, config, recipe)


def test_programs_and_models_keep_or_change_their_direction():
    program, model = read_source(programs.find("sort")), tasks.find("copy_text")
    assert source_like(program, "gpt2").causal and not source_like(program, None).causal
    assert not source_like(program, "bert").causal
    assert model_like(model, "qwen2") is model
    with pytest.raises(InputError, match="copy_text sees earlier positions only"):
        model_like(model, "bert")
    with pytest.raises(InputError, match="Write it with `causal = True`"):
        model_like(causal_model(program), "gpt2")
    with pytest.raises(NameLookupError, match="Did you mean 'llama'"):
        like_changes("lama")


def test_a_run_remembers_that_its_attention_is_causal(tmp_path):
    setting = setting_like(find_setting("histogram"), "llama")
    assert setting.causal and causal_model_of(setting).causal
    begin(tmp_path / "run", setting, Recipe())
    assert read_setting(tmp_path / "run") == setting
    plain = Setting("histogram", setting.vocab, setting.max_len)
    begin(tmp_path / "plain", plain, Recipe())
    assert read_setting(tmp_path / "plain") == plain
    assert "causal" not in (tmp_path / "plain" / "recipe.toml").read_text()


def test_a_recipe_for_all_goes_on_top_of_that_of_a_task():
    own, robust = chosen_recipe(None, "copy_text"), chosen_recipe("robust", "copy_text")
    assert own.attending == robust.attending == 1.0 and own.same_length == 0.5
    assert robust.same_length == 0.5 and robust.alive > 0 and own.alive == 0
    plain = chosen_recipe("robust", "sort")
    same = {"attending", "same_length"}
    differ = {k for k, v in asdict(plain).items() if v != asdict(robust)[k]}
    assert differ <= same | set(asdict(own)) and plain.attending == 0.0


@pytest.mark.slow
def test_training_keeps_what_is_shared():
    """A few steps: grouped keys stay equal, absent biases zero, the rest moves."""
    few = {"steps": 4, "check_every": 4, "pairs": 8, "batch": 8, "progress": False}
    result = zoo.train("sort", like="llama", d_model=16, n_heads=4, **few)
    weights, config = result.model.weights, result.model.config
    assert result.model.name == "sort_text" and config.n_kv_heads == 2
    assert (weights.W_K[:, 0] == weights.W_K[:, 1]).all()
    assert (weights.W_K[:, 1] != weights.W_K[:, 2]).any()
    assert not weights.b_Q.any() and not weights.b_U.any()
    assert result.model.generate("2 1 =", max_new=2)
