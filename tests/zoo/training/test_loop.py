"""Training: what is claimed, what resumes, what is kept."""

import jax
import numpy as np
import pytest

import programs
from compiler.errors import FormatError, InputError
from compiler.pipeline import read_source
from zoo.training import store
from zoo.training.loop import advance, check_state, finish, train_run
from zoo.training.recipe_file import RECIPES, change, read_recipe
from zoo.training.run import prepare, start
from zoo.training.session import causal_model
from zoo.training.sizes import sized

ROBUST = read_recipe(RECIPES / "robust.toml")
QUICK = {
    "steps": 120,
    "check_every": 40,
    "batch": 16,
    "pairs": 32,
    "circuit_steps": 10,
    "opening_steps": 10,
    "d_model": 16,
    "n_layers": 2,
    "average": 0.5,
}

SETTING = store.Setting("fraction_previous", ("x", "a"), 8)


@pytest.fixture(scope="module")
def model():
    program = programs.find("fraction_previous")
    return causal_model(read_source(program, ("l", "a"), 6))


@pytest.fixture(scope="module")
def run(model):
    """What most tests train: one run, so that its functions are compiled once."""
    return prepare(model, change(ROBUST, QUICK))


@pytest.fixture(scope="module")
def whole(run):
    return train_run(run)


def test_claimed_circuit_is_the_compiled_one(model):
    run = prepare(model, change(ROBUST, {**QUICK, "placement": "identity"}))
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
        recipe = change(ROBUST, {**QUICK, "placement_seed": seed})
        nodes = [prepare(model, recipe).placement.node for _ in range(2)]
        assert nodes[0] == nodes[1]
        found[seed] = nodes[0]["output"]
    assert len(set(found.values())) > 1


def test_resumed_run_ends_with_the_same_bits(run, whole, tmp_path):
    seen = []

    def stop_after_one(run, state, history):
        store.save_checkpoint(tmp_path, state, history)
        seen.append(int(state.step))
        if len(seen) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_run(run, on_check=stop_after_one)
    state, history = store.load_checkpoint(tmp_path, run)
    assert state is not None and int(state.step) == 40
    resumed = train_run(run, state, history)
    assert resumed.history == whole.history
    for one, other in zip(resumed.weights, whole.weights, strict=True):
        assert one.tobytes() == other.tobytes()


def test_the_average_is_over_all_steps_and_hard_examples_come_from_the_check(run):
    states = [start(run)]
    for _ in range(3):
        states.append(advance(run, states[-1], 1)[0])
    expected = states[0].weights.W_E
    for step, state in enumerate(states[1:]):
        kept = min(0.5, (step + 1) / (step + 10))
        expected = kept * expected + (1 - kept) * state.weights.W_E
    last = states[-1]
    assert last.average is not None and last.hard is not None
    np.testing.assert_allclose(last.average.W_E, expected, rtol=1e-5)
    assert not last.hard.found
    checked, check = check_state(run, last, 0.0)
    assert checked.hard is not None
    assert checked.hard.found and check.searched >= len(run.pool.ids)
    result = finish(run, last, (), "budget")
    np.testing.assert_array_equal(result.weights.W_E, last.average.W_E)


def test_training_lowers_the_loss(whole):
    history = whole.history
    assert history[-1].loss < 0.8 * history[0].loss


def test_trained_model_is_a_model(whole):
    trained = whole.model
    tokens = ["l", "a", "l"]
    assert len(trained(tokens)) == 3
    assert trained.interpreter(tokens)
    assert all(not array.flags.writeable for array in trained.weights)


def test_folder_of_another_run_is_refused(tmp_path):
    (tmp_path / "something").write_text("x")
    with pytest.raises(InputError, match="is not empty; resume the run"):
        store.begin(tmp_path, SETTING, ROBUST)


def test_resume_with_a_changed_recipe_is_refused(model, tmp_path):
    recipe = sized(change(ROBUST, QUICK), model)
    store.begin(tmp_path / "run", SETTING, recipe)
    store.check_recipe(tmp_path / "run", recipe)
    with pytest.raises(InputError, match="batch was 16 and is 32"):
        store.check_recipe(tmp_path / "run", change(recipe, {"batch": 32}))


def test_damaged_checkpoint_is_refused(run, tmp_path):
    store.save_checkpoint(tmp_path, start(run), ())
    path = tmp_path / store.CHECKPOINT
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FormatError, match="the checkpoint is damaged"):
        store.load_checkpoint(tmp_path, run)


def test_model_too_small_names_the_variable_without_a_place(model):
    with pytest.raises(InputError, match=r"'output' needs layer 1.*Raise n_layers"):
        prepare(model, change(ROBUST, {**QUICK, "n_layers": 1}))


def test_checkpoint_round_trip_keeps_every_leaf(run, tmp_path):
    state = start(run)
    store.save_checkpoint(tmp_path, state, ())
    again, _ = store.load_checkpoint(tmp_path, run)
    pairs = zip(jax.tree.leaves(state), jax.tree.leaves(again), strict=True)
    assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs)
