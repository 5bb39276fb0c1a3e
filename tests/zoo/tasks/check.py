"""What every causal model is held to: a plain reference, and the protocol's laws."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from zoo.causal.model import COMPUTED, CausalModel, Task

Row = list[int]
# (tokens, given) -> by variable, the index of its value at each token, -1 for none.
# `given` has, by variable, what it is set to at each token, or -2.
Reference = Callable[[Sequence[Any], list[Row]], list[Row]]


def clean(task: CausalModel) -> np.ndarray:
    """Return overrides that set nothing."""
    return np.full((len(task.variables), task.n_ctx), COMPUTED, np.int32)


@cache
def _jitted(task: CausalModel) -> Callable[..., Any]:
    """Return the run of many inputs, which jax compiles once for their shape."""
    return jax.jit(jax.vmap(task.run))


def run_all(task: CausalModel, ids: np.ndarray, overrides: np.ndarray) -> np.ndarray:
    """Return the values of every variable of many inputs, jitted."""
    return np.asarray(_jitted(task)(ids, jnp.asarray(overrides)))


def words(task: Task, row: np.ndarray) -> list[Any]:
    """Return the tokens of one input, and check that BOS and PAD are where they go."""
    count = int((row != task.pad_id).sum())
    assert row[0] == task.bos_id and (row[count:] == task.pad_id).all()
    return [task.vocab[i] for i in row[1:count]]


def draw_overrides(task: Task, ids: np.ndarray, seed: int) -> np.ndarray:
    """Return random values for a random share of the cells of every input."""
    rng = np.random.default_rng(seed)
    shape = len(ids), len(task.variables), task.n_ctx
    sizes = np.array([v.size for v in task.variables])[None, :, None]
    drawn = (rng.random(shape) * sizes).astype(np.int32)
    share = rng.choice([0.05, 0.3, 0.8], size=(len(ids), 1, 1))
    given = np.where(rng.random(shape) < share, drawn, COMPUTED)
    there = (ids != task.pad_id) & (np.arange(task.n_ctx) > 0)
    return np.where(there[:, None, :], given, COMPUTED).astype(np.int32)


def check_reference(
    task: Task, ids: np.ndarray, overrides: np.ndarray, reference: Reference
) -> None:
    """Assert that a task's runs are the reference's, cell by cell."""
    found = run_all(task, ids, overrides)
    for row, given, values in zip(ids, overrides, found, strict=True):
        tokens = words(task, row)
        inside = slice(1, len(tokens) + 1)
        expected = reference(tokens, given[:, inside].tolist())
        assert values[:, inside].tolist() == expected, tokens
        assert (values[:, 0] == -1).all()
        assert (values[:, len(tokens) + 1 :] == -1).all()


def check_laws(task: Task, ids: np.ndarray) -> None:
    """Assert what is true of every causal model, whatever it computes."""
    assert isinstance(task, Task)
    before = run_all(task, ids, np.repeat(clean(task)[None], len(ids), axis=0))
    there = (ids != task.pad_id) & (np.arange(task.n_ctx) > 0)
    sizes = np.array([v.size for v in task.variables])
    assert before.min() >= -1 and (before.max(axis=(0, 2)) < sizes).all()
    names = [v.name for v in task.variables]
    assert (before[:, names.index(task.output)] >= 0).any(axis=1).all()
    for row, variable in enumerate(task.variables):
        # Its parents come before it, and what is not there has no value.
        known = {"tokens", "positions", *names[:row]}
        assert {p.source for p in variable.parents} <= known
        assert (before[:, row][~there] == -1).all()
        # An override shows, and changes nothing that was computed before it.
        wanted = np.where(there, (before[:, row] + 1) % variable.size, COMPUTED)
        given = np.repeat(clean(task)[None], len(ids), axis=0)
        given[:, row] = wanted
        after = run_all(task, ids, given)
        assert (after[:, row] == np.where(there, wanted, -1)).all()
        assert (after[:, :row] == before[:, :row]).all()
        # What it is set to is what it is: nothing changes.
        given[:, row] = np.where(there, before[:, row], COMPUTED)
        assert (run_all(task, ids, given) == before).all()
        # Causal: an override at the last token changes nothing at earlier ones.
        last = there & ~np.roll(there, -1, axis=1)
        given[:, row] = np.where(last, wanted, COMPUTED)
        earlier = np.repeat((there & ~last)[:, None], len(names), axis=1)
        assert (run_all(task, ids, given)[earlier] == before[earlier]).all()


def check_inputs(task: Task, limit: int) -> None:
    """Assert that inputs are distinct, at most so many, and a function of the seed."""
    ids, complete = task.inputs(limit, 0)
    assert complete or len(ids) > 0.9 * limit
    assert ids.shape[1] == task.n_ctx and 0 < len(ids) <= limit
    assert len(np.unique(ids, axis=0)) == len(ids)
    assert (task.inputs(limit, 0)[0] == ids).all()
    for row in ids[:200]:
        assert words(task, row)
