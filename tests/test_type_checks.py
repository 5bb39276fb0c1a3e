"""A check that is made once for a kind refuses what jaxtyping refuses."""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from beartype import beartype
from jaxtyping import Array, Float, Int, TypeCheckError
from jaxtyping._decorator import jaxtyped  # conftest.py puts ours in the other place

from tests.type_checks import MOST_ITEMS, jaxtyped_once


class Two(NamedTuple):
    left: Any
    right: Any


def added(
    one: Float[Any, " n"],
    other: Int[Any, " n"] | None = None,
    *,
    how: Literal["up", "down"] = "up",
    names: tuple[str, ...] = (),
    counts: dict[str, int] | None = None,
    result: Any = None,
) -> Float[Any, " n"]:
    return one if result is None else result


FLOATS, LONG = np.ones(3), np.ones(4)
CALLS = [
    ((FLOATS,), {}),
    ((LONG,), {}),
    ((FLOATS.astype(np.float32),), {}),
    ((np.ones((3, 1)),), {}),
    ((np.ones(3, int),), {}),
    ((FLOATS, np.ones(3, int)), {}),
    ((FLOATS, np.ones(4, int)), {}),
    ((FLOATS, 1), {}),
    ((FLOATS, None), {}),
    ((jnp.ones(3), jnp.ones(3, jnp.int32)), {}),
    ((jnp.ones(3), jnp.ones(2, jnp.int32)), {}),
    ((FLOATS,), {"how": "up"}),
    ((FLOATS,), {"how": "sideways"}),
    ((FLOATS,), {"names": ("a", "b")}),
    ((FLOATS,), {"names": (1, 1)}),
    ((FLOATS,), {"names": ["a"]}),
    ((FLOATS,), {"names": ("a",) * (MOST_ITEMS + 1)}),
    ((FLOATS,), {"names": (1,) * (MOST_ITEMS + 1)}),
    ((FLOATS,), {"counts": ("a", "b")}),
    ((FLOATS,), {"counts": {"a": 1}}),
    ((FLOATS,), {"counts": {"a": "b"}}),
    ((FLOATS,), {"counts": {1: 1}}),
    ((FLOATS,), {"result": LONG}),
    ((FLOATS,), {"result": np.zeros(3)}),
    ((FLOATS,), {"result": "nothing"}),
    ((FLOATS,), {"result": Two(1, 2)}),
    (("text",), {}),
    ((), {}),
    ((FLOATS,), {"unknown": 1}),
]


def outcome(function, args, kwargs):
    try:
        return function(*args, **kwargs)
    except (TypeError, TypeCheckError) as error:
        return type(error)


@pytest.mark.parametrize("first", range(len(CALLS)))
def test_every_call_ends_as_with_jaxtyping_whatever_was_called_before(first):
    ours = jaxtyped_once(added, typechecker=beartype)
    theirs = jaxtyped(added, typechecker=beartype)
    for args, kwargs in [CALLS[first], *CALLS, *CALLS]:
        found, wanted = (outcome(f, args, kwargs) for f in (ours, theirs))
        assert found is wanted, (args, kwargs)


def test_a_mixed_collection_is_checked_at_every_call():
    """beartype draws one of its items each time, so it is refused sooner or later."""
    ours = jaxtyped_once(added, typechecker=beartype)
    found = [outcome(ours, (FLOATS,), {"names": ("a", 1)}) for _ in range(60)]
    refused = [one is TypeCheckError for one in found]
    assert any(refused[refused.index(False) :])  # once accepted is not always


def test_the_calls_are_in_part_refused():
    ours = jaxtyped_once(added, typechecker=beartype)
    refused = sum(isinstance(outcome(ours, a, k), type) for a, k in CALLS)
    assert 10 < refused < len(CALLS) - 10


def test_traced_arrays_are_checked():
    ours = jaxtyped_once(added, typechecker=beartype)
    assert jax.jit(ours)(jnp.ones(3)).shape == (3,)
    assert jax.vmap(ours)(jnp.ones((2, 3))).shape == (2, 3)
    for _ in range(2):
        with pytest.raises(TypeCheckError):
            jax.jit(ours)(jnp.ones((2, 3)))


def test_definitions_of_one_function_do_not_run_each_other():
    def make(factor: float):
        def scaled(value: Float[Array, " n"]) -> Float[Array, " n"]:
            return factor * value if factor > 1 else value.sum()

        return jaxtyped_once(scaled, typechecker=beartype)

    for factor in (2.0, 3.0):
        for _ in range(2):
            assert (make(factor)(jnp.ones(2)) == factor).all()
    for _ in range(2):
        with pytest.raises(TypeCheckError):
            make(0.0)(jnp.ones(2))


def test_what_calls_itself_is_checked_at_every_depth():
    def halved(value: Float[np.ndarray, " n"], depth: int) -> Float[np.ndarray, " n"]:
        if not depth:
            return value
        return np.concatenate([ours(value[::2], depth - 1)] * 2)

    ours = jaxtyped_once(halved, typechecker=beartype)
    assert len(ours(np.ones(8), 3)) == 8
    with pytest.raises(TypeCheckError):
        ours(np.ones(6), 2)  # 3 values, of which every other one are 2


def test_an_error_of_the_function_is_its_own():
    def fails(value: int) -> int:
        raise KeyError(value)

    ours = jaxtyped_once(fails, typechecker=beartype)
    for _ in range(2):
        with pytest.raises(KeyError):
            ours(1)
    with pytest.raises(TypeCheckError):
        ours("one")


def test_fields_of_a_dataclass_are_checked():
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Pair:
        left: Float[np.ndarray, " n"]
        right: Float[np.ndarray, " n"]

    ours: Any = jaxtyped_once(Pair, typechecker=beartype)
    for _ in range(2):
        assert ours(FLOATS, FLOATS).left is FLOATS
        with pytest.raises(TypeCheckError):
            ours(FLOATS, LONG)

    def other() -> Any:
        @dataclass(frozen=True)
        class Pair:
            left: str
            right: int

        return jaxtyped_once(Pair, typechecker=beartype)

    assert other()("left", 1).right == 1
    with pytest.raises(TypeCheckError):
        other()(FLOATS, FLOATS)
