"""The jitted causal model is the interpreter."""

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import programs
from compiler.ir import typed as t
from compiler.ir.interpret import interpret
from compiler.passes.decomposition import steps_beyond
from compiler.pipeline import compile_stages, read_source
from zoo.causal.model import COMPUTED, UNDEFINED
from zoo.causal.population import run_all
from zoo.causal.tabular import TabularModel

NAMES = ["reverse", "sort", "histogram", "fraction_previous", "median", "induction"]
INPUTS = 200


@cache
def make(name):
    program = programs.find(name)
    stages = compile_stages(read_source(program))
    steps = steps_beyond(stages.scheduled.plan)
    return TabularModel(stages.typed, steps, program.accepts)


@cache
def compiled(name):
    """The runs of `INPUTS` inputs, compiled once for all tests."""
    return jax.jit(jax.vmap(make(name).run))


def values_of(name, ids):
    """The values of every variable, none of them overridden."""
    model = make(name)
    clean = np.full((len(ids), len(model.variables), model.n_ctx), COMPUTED)
    return np.asarray(compiled(name)(ids, jnp.asarray(clean)))


def tokens_of(model, ids):
    """The vocabulary indices and the lengths that token ids stand for."""
    inner = ids[:, 1:]
    lengths = (inner != model.pad_id).sum(axis=1)
    return np.where(inner >= model.bos_id, 0, inner).astype(np.int32), lengths


@pytest.mark.parametrize("name", NAMES)
def test_clean_run_is_the_interpreters(name):
    model = make(name)
    ids, _ = model.inputs(INPUTS, 0)
    found = values_of(name, ids)
    tokens, lengths = tokens_of(model, ids)
    trace = interpret(model.typed, tokens, lengths)
    live = np.arange(model.n_ctx - 1)[None, :] < lengths[:, None]
    compared = 0
    for row, variable in enumerate(model.variables):
        index = model.typed.index(variable.name)
        if index >= 0:
            compared += 1
            assert (found[:, row, 1:] == trace.values[index])[live].all()
    assert compared > 0
    assert (
        found[:, :, 1:][~np.broadcast_to(live[:, None], found[:, :, 1:].shape)] < 0
    ).all()


@pytest.mark.parametrize("name", ["reverse", "sort", "induction"])
def test_overridden_run_is_the_interpreters(name):
    model = make(name)
    ids, _ = model.inputs(INPUTS, 0)
    tokens, lengths = tokens_of(model, ids)
    source = np.random.default_rng(1).permutation(len(ids))
    shared = np.minimum(lengths, lengths[source])
    clean = interpret(model.typed, tokens[source], lengths[source])
    output = [v.name for v in model.variables].index(model.output)
    live = np.arange(model.n_ctx - 1)[None, :] < lengths[:, None]
    for row, variable in enumerate(model.variables):
        index = model.typed.index(variable.name)
        if index < 0:
            continue
        given = clean.values[index].copy()
        given[np.arange(model.n_ctx - 1)[None, :] >= shared[:, None]] = COMPUTED
        wanted = interpret(model.typed, tokens, lengths, {index: given}).output
        overrides = np.full((len(ids), len(model.variables), model.n_ctx), COMPUTED)
        overrides[:, row, 1:] = given
        found = np.asarray(compiled(name)(ids, jnp.asarray(overrides)))
        assert (found[:, output, 1:] == wanted)[live].all()


@pytest.mark.parametrize("name", NAMES)
def test_many_inputs_run_as_one_does(name):
    """NumPy's values are those of the jitted run, whatever is set from outside."""
    model, rng = make(name), np.random.default_rng(2)
    ids, _ = model.inputs(INPUTS, 0)
    assert (run_all(model, ids) == values_of(name, ids)).all()
    cells = len(ids), len(model.variables), model.n_ctx
    sizes = np.array([v.size for v in model.variables])[None, :, None]
    for share in (0.05, 0.5, 1.0):
        # every value, undefined ones too, past the end of the input as well
        given = rng.integers(UNDEFINED, sizes, cells)
        given = np.where(rng.random(cells) < share, given, COMPUTED).astype(np.int32)
        wanted = np.asarray(compiled(name)(ids, jnp.asarray(given)))
        assert (run_all(model, ids, given) == wanted).all()


def test_an_input_with_a_gap_runs_as_it_stands():
    model = make("reverse")
    ids = model.inputs(INPUTS, 0)[0][-INPUTS:]
    ids[:, 2] = model.pad_id
    assert (ids[:, 3] != model.pad_id).any()
    assert (run_all(model, ids) == values_of("reverse", ids)).all()


def test_many_words_are_classes():
    readout = make("indirect_object_identification").readout
    assert readout.kind == "classes"
    assert readout.size == len(readout.values) > 100


@pytest.mark.parametrize("limit", [10, 5459, 5460, 100_000])
def test_inputs_say_whether_they_are_all(limit):
    model = make("maximum")  # 4 tokens
    total = sum(4**length for length in range(1, model.n_ctx))
    ids, complete = model.inputs(limit, 0)
    assert complete == (len(ids) == total) == (total <= limit)
    assert len(np.unique(ids, axis=0)) == len(ids)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_selected_makes_up_the_value(name):
    model = make(name)
    ids, _ = model.inputs(INPUTS, 0)
    values = values_of(name, ids)[:60]
    ids = ids[:60]
    chosen = np.asarray(jax.jit(jax.vmap(model.selected))(ids))
    steps, learnt = model.steps.variables, model.learnt
    held = dict(zip(learnt, np.moveaxis(values, 1, 0), strict=True))
    compared = 0
    for row, index in enumerate(learnt):
        step, operation = steps[index], steps[index].operation
        if isinstance(operation, t.Table):
            assert not chosen[:, row].any()
            continue
        value = getattr(operation, "value", None)
        told: dict[Any, Any] = {} if value is None else {"tokens": ids, **held}
        read = told.get(value, told.get(embedding_of(steps, value)))
        for n, place in np.argwhere(values[:, row] >= 0):
            keys = np.flatnonzero(chosen[n, row, place])
            found = step.domain.values[values[n, row, place]]
            compared += 1
            if isinstance(operation, t.Width):
                assert keys[0] == 0 and len(keys) - 1 == found
            elif list(keys) == [0]:
                assert isinstance(operation, t.Mean | t.Pick)
                assert values[n, row, place] == operation.default
            elif read is not None:
                assert value is not None
                source = steps[value].domain.values
                taken = [source[v] for v in read[n, keys]]
                assert 0 not in keys
                if isinstance(operation, t.Mean):
                    assert float(found) == pytest.approx(np.mean(taken))
                else:
                    assert set(taken) == {found}
    assert compared > 100


def embedding_of(steps, index):
    """`tokens` where a step is the token embedding, else nothing."""
    operation = None if index is None else steps[index].operation
    return "tokens" if operation == t.Input("tokens") else None
