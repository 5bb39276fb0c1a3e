"""Random placements keep the order of the variables, and depend on a name alone."""

from typing import Any

import numpy as np
import pytest

import programs
import zoo
from compiler.errors import InputError
from compiler.machine.config import Config
from compiler.rasp import tokens
from zoo.causal.model import CausalVariable, Parent
from zoo.training.placement import draw_layers, make_config, place
from zoo.training.recipe_file import RECIPES, change, read_recipe
from zoo.training.session import causal_model
from zoo.training.sizes import seed_of, sized

ROBUST = read_recipe(RECIPES / "robust.toml")
NAMES = ("reverse", "is_palindrome", "median", "histogram")


class Chain:
    """Just what a placement needs of a causal model."""

    name, output = "chain", "output"
    readout: Any = None
    n_ctx, d_vocab, bos_id, pad_id, causal = 3, 4, 2, 3, False

    def __init__(self, *variables):
        self.variables = variables

    def inputs(self, limit, seed):
        raise NotImplementedError

    def run(self, ids, overrides):
        raise NotImplementedError


def variable(name, kind, layer, *parents):
    slot = "in" if kind == "mlp" else "v"
    return CausalVariable(
        name, 2, kind, layer, tuple(Parent(parent, slot) for parent in parents)
    )


def shape(layers, heads):
    return Config(
        n_layers=layers,
        n_heads=heads,
        d_model=4,
        d_head=1,
        d_mlp=4,
        d_vocab=4,
        d_vocab_out=2,
        n_ctx=3,
        causal=False,
        bos_id=2,
        pad_id=3,
    )


@pytest.fixture(scope="module", params=NAMES)
def model(request):
    return causal_model(programs.find(request.param))


def test_every_seed_keeps_the_order_and_gives_each_head_one_variable(model):
    for seed in range(20):
        recipe = sized(change(ROBUST, {"placement_seed": seed}), model)
        config = make_config(model, recipe)
        placed = place(model, config, recipe)  # a circuit refuses edges that run back
        kinds = {v.name: v.kind for v in model.variables}
        for name, node in placed.node.items():
            assert (node[0] == "m") == (kinds[name] == "mlp")
        heads = [node for node in placed.node.values() if node[0] == "a"]
        assert len(set(heads)) == len(heads)


def test_every_layer_that_the_order_allows_is_drawn():
    chain = Chain(
        variable("count", "head", 0, "tokens"),
        variable("code", "mlp", 0, "count"),
        variable("output", "head", 1, "code"),
    )
    found = set()
    for seed in range(200):
        layers = draw_layers(chain, shape(4, 2), np.random.default_rng(seed))
        found.add((layers["count"], layers["code"], layers["output"]))
    assert found == {
        (a, b, c) for c in range(1, 4) for b in range(c) for a in range(b + 1)
    }


def test_heads_that_run_out_are_taken_in_the_only_order_that_is_left():
    many = [variable(f"count{i}", "head", 0, "tokens") for i in range(3)]
    crowd = Chain(*many, variable("output", "mlp", 0, *(v.name for v in many)))
    for seed in range(20):
        layers = draw_layers(crowd, shape(2, 2), np.random.default_rng(seed))
        taken = [layers[v.name] for v in many]
        assert max(taken.count(0), taken.count(1)) <= 2
        assert layers["output"] >= max(taken)
    with pytest.raises(InputError, match="no head of layer 0 is left for 'count2'"):
        draw_layers(crowd, shape(1, 2), np.random.default_rng(0))


def test_the_seed_comes_from_the_name_alone():
    models = [causal_model(programs.find(name)) for name in ("maximum", "minimum")]
    first, again, other = (sized(ROBUST, m) for m in (models[0], *models))
    assert first.placement_seed == again.placement_seed == seed_of(models[0].name)
    assert first.placement_seed != other.placement_seed
    assert sized(first, models[1]).placement_seed == first.placement_seed


def test_identity_takes_the_first_layers_and_heads(model):
    recipe = sized(change(ROBUST, {"placement": "identity", "n_layers": 4}), model)
    placed = place(model, make_config(model, recipe), recipe)
    for v in model.variables:
        kind = "a" if v.kind == "head" else "m"
        assert placed.node[v.name].startswith(f"{kind}{v.layer}")


@pytest.mark.parametrize(
    ("program", "options"),
    [
        ("differs_from_neighbors", {"like": "gpt2"}),
        (tokens, {"vocab": "ab", "max_len": 4}),
        (tokens * 0, {"vocab": (1, 2), "max_len": 4}),
    ],
)
def test_a_program_that_computes_nothing_is_refused(program, options, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(InputError, match="no head and no MLP is needed for its output"):
        zoo.train(program, out=folder, progress=False, steps=2, **options)
    assert not folder.exists()
