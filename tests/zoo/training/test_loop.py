"""Training: what is claimed, what resumes, what is kept."""

import jax
import numpy as np
import pytest

import programs
from compiler.errors import FormatError, InputError
from zoo.training import store
from zoo.training.loop import train
from zoo.training.recipe import Recipe, change, sized
from zoo.training.run import prepare, start
from zoo.training.session import causal_model

QUICK = {
    "steps": 40,
    "check_every": 20,
    "batch": 16,
    "pairs": 32,
    "circuit_steps": 10,
    "opening_steps": 10,
    "inputs": 600,
    "d_model": 16,
}

SETTING = store.Setting("fraction_previous", ("x", "a"), 8)


@pytest.fixture(scope="module")
def model():
    program = programs.find("fraction_previous")
    return causal_model(program)


def test_claimed_circuit_is_the_compiled_one(model):
    run = prepare(model, change(Recipe(), QUICK))
    assert [str(e) for e in run.placement.circuit.edges] == [
        "tokens->m0",
        "positions->a1.h0<q>",
        "positions->a1.h0<k>",
        "m0->a1.h0<v>",
        "a1.h0->logits",
    ]
    assert not (run.layout.outside & run.placement.circuit.mask()).any()


def test_random_placement_moves_heads_and_is_a_function_of_the_seed(model):
    found = {}
    for seed in range(6):
        recipe = change(Recipe(), {**QUICK, "placement": "random", "seed": seed})
        nodes = [prepare(model, recipe).placement.node for _ in range(2)]
        assert nodes[0] == nodes[1]
        found[seed] = nodes[0]["output"]
    assert len(set(found.values())) > 1


def test_resumed_run_ends_with_the_same_bits(model, tmp_path):
    recipe = change(Recipe(), QUICK)
    whole = train(model, recipe)
    seen = []

    def stop_after_one(run, state, history):
        store.save_checkpoint(tmp_path, state, history)
        seen.append(int(state.step))
        if len(seen) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(model, recipe, on_check=stop_after_one)
    state, history = store.load_checkpoint(tmp_path, prepare(model, recipe))
    assert state is not None and int(state.step) == 20
    resumed = train(model, recipe, state=state, history=history)
    assert resumed.history == whole.history
    for one, other in zip(resumed.weights, whole.weights, strict=True):
        assert one.tobytes() == other.tobytes()


def test_training_lowers_the_loss(model):
    history = train(model, change(Recipe(), {**QUICK, "steps": 120})).history
    assert history[-1].loss < 0.8 * history[0].loss


def test_trained_model_is_a_model(model):
    trained = train(model, change(Recipe(), QUICK)).model
    tokens = list(model.typed.vocab[:3])
    assert len(trained(tokens)) == 3
    assert trained.interpreter(tokens)
    assert all(not array.flags.writeable for array in trained.weights)


def test_folder_of_another_run_is_refused(tmp_path):
    (tmp_path / "something").write_text("x")
    with pytest.raises(InputError, match="is not empty; resume the run"):
        store.begin(tmp_path, SETTING, Recipe())


def test_resume_with_a_changed_recipe_is_refused(model, tmp_path):
    recipe = sized(change(Recipe(), QUICK), model)
    store.begin(tmp_path / "run", SETTING, recipe)
    store.check_recipe(tmp_path / "run", recipe)
    with pytest.raises(InputError, match="batch was 16 and is 32"):
        store.check_recipe(tmp_path / "run", change(recipe, {"batch": 32}))


def test_damaged_checkpoint_is_refused(model, tmp_path):
    run = prepare(model, change(Recipe(), QUICK))
    store.save_checkpoint(tmp_path, start(run), ())
    path = tmp_path / store.CHECKPOINT
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FormatError, match="the checkpoint is damaged"):
        store.load_checkpoint(tmp_path, run)


def test_model_too_small_names_the_variable_without_a_place(model):
    with pytest.raises(InputError, match=r"'output' needs layer 1.*Raise n_layers"):
        prepare(model, change(Recipe(), {**QUICK, "n_layers": 1}))


def test_checkpoint_round_trip_keeps_every_leaf(model, tmp_path):
    run = prepare(model, change(Recipe(), QUICK))
    state = start(run)
    store.save_checkpoint(tmp_path, state, ())
    again, _ = store.load_checkpoint(tmp_path, run)
    pairs = zip(jax.tree.leaves(state), jax.tree.leaves(again), strict=True)
    assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs)
