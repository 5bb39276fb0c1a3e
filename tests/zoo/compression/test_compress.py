"""The laws of a compression: identity changes nothing, fewer dimensions still compute.

What is learned is one matrix; the model that it makes is a model like every other.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import zoo
from compiler.errors import FormatError, InputError
from compiler.machine.features import Features
from compiler.machine.jit import QUICK_TO_COMPILE
from compiler.model import Model
from compiler.save import to_files
from zoo.auditing.subject import TRAINED_CLAIMS, subject_of
from zoo.auditing.tasks import model_of_task
from zoo.compression.compress import Compression, _inputs, compress, squeezed_model
from zoo.compression.naming import name_dimensions
from zoo.compression.settings import Settings, make_settings
from zoo.compression.squeeze import losses, squeeze

# reverse of lengths 1..4: 19 dimensions for three letters, 12 are enough.
QUICK: dict[str, Any] = {"steps": 2400, "check_every": 100, "batch": 32}
WIDTH = 12
# One check, at which any accuracy will do; its steps are compiled already.
SHORT = Settings(d_model=WIDTH, **{**QUICK, "check_every": 3}, accuracy_at_least=0.0)


@pytest.fixture(scope="module")
def reverse() -> Model:
    return zoo.compile("reverse", list("abc"), 4)


@pytest.fixture(scope="module")
def narrow(reverse: Model) -> Compression:
    return compress(reverse, Settings(d_model=WIDTH, **QUICK))


def inputs(model: Model) -> list[list[Any]]:
    rng = np.random.default_rng(0)
    sizes = [1 + i % model.typed.max_len for i in range(24)]
    return [[model.typed.vocab[i] for i in rng.integers(3, size=n)] for n in sizes]


@pytest.mark.parametrize("name", ["reverse", "fraction_previous"])
@pytest.mark.parametrize("rotate", [None, 3])
def test_the_identity_gives_the_compiled_model(name: str, rotate: int | None) -> None:
    model = zoo.compile(name, rotate=rotate)
    named = name_dimensions(model)
    same = squeezed_model(named, np.eye(model.config.d_model, dtype=np.float32), {})
    given = inputs(model)
    assert same.batch(given) == model.batch(given)
    assert same.circuit.edges == model.circuit.edges
    if rotate is None:  # scales are powers of two, which change no float
        np.testing.assert_array_equal(same.run(given).logits, model.run(given).logits)


def test_rows_and_directions_say_what_stands_in_the_stream(reverse: Model) -> None:
    named = name_dimensions(reverse)
    drawn = np.random.default_rng(1).standard_normal((len(named.names), 5))
    model = squeezed_model(named, drawn.astype(np.float32), {})
    writes = np.asarray(model.run(list("cab")).writes)
    assert model.features is not None
    for position, letter in enumerate("cab", start=1):
        value = model.variables["tokens"].values.index(letter)
        row = model.rows["tokens"][value]
        np.testing.assert_allclose(writes[0, position], row, atol=1e-6)
        at = model.features.names.index(f"tokens={letter}")
        np.testing.assert_allclose(model.features.directions[at], row, atol=1e-6)
        assert model.features.variables[at] == "tokens"
        assert model.features.values[at] == value
    assert "bos" in model.features.names
    assert len(model.features.directions_of("tokens")) == 3


def test_the_gradient_of_the_losses_is_that_of_finite_differences() -> None:
    model = zoo.compile("histogram", list("ab"), 3)
    named = name_dimensions(model)
    data, *_ = _inputs(named, Settings(d_model=1))
    rng, size = np.random.default_rng(0), len(named.names)
    with jax.enable_x64(True):
        wide = data.transformer.cast(
            lambda array: jnp.asarray(np.asarray(array), jnp.float64)
        )
        # Near the identity, where the softmax is not saturated at wrong positions.
        start = jnp.asarray(np.eye(size) + 0.1 * rng.standard_normal((size, size)))
        way = jnp.asarray(rng.standard_normal((size, size)))

        def loss(step: Any) -> Any:
            both = losses(
                start + step * way,
                wide,
                model.readout,
                data.ids,
                data.labels,
            )
            return both.output + both.layers

        both = jax.jit(jax.value_and_grad(loss), compiler_options=QUICK_TO_COMPILE)
        slope = float(both(0.0)[1])
        found = float(both(1e-6)[0] - both(-1e-6)[0]) / 2e-6
    assert abs(slope) > 1e-3
    assert slope == pytest.approx(found, rel=1e-4)


def test_fewer_dimensions_compute_the_program(narrow: Compression) -> None:
    model = narrow.model
    assert model.config.d_model == WIDTH < len(narrow.features.names)
    assert narrow.outcome == "passed" and narrow.accuracy >= 0.999
    assert model(list("abca")) == list("acba")
    assert 0.05 < narrow.features.overlap < 1.0
    np.testing.assert_allclose(np.diag(narrow.features.cosines()), 1.0)
    assert narrow.kept.shape == (len(narrow.features.names),)


def test_the_circuit_is_the_compiled_one(narrow: Compression, reverse: Model) -> None:
    found, expected = narrow.model.circuit, reverse.circuit
    assert (found.edges, found.carries) == (expected.edges, expected.carries)
    assert {v: s.node for v, s in found.sites.items()} == {
        v: s.node for v, s in expected.sites.items()
    }


def test_a_compressed_model_is_loaded_to_the_same_bytes(
    narrow: Compression, tmp_path: Path
) -> None:
    zoo.save(narrow.model, tmp_path / "narrow")
    loaded = zoo.load(tmp_path / "narrow")
    assert to_files(loaded) == to_files(narrow.model)
    assert loaded.features is not None
    assert loaded.features.names == narrow.features.names
    assert loaded.features.variables == narrow.features.variables
    assert loaded.features.values == narrow.features.values
    np.testing.assert_array_equal(
        loaded.features.directions, narrow.features.directions
    )
    given = inputs(loaded)
    assert loaded.batch(given) == narrow.model.batch(given)


def test_the_same_seed_gives_the_same_bytes(reverse: Model) -> None:
    def made(seed: int) -> dict[str, bytes]:
        return to_files(compress(reverse, replace(SHORT, seed=seed)).model)

    assert made(1) == made(1)
    assert made(1) != made(2)


@pytest.mark.parametrize(
    ("width", "message"),
    [
        (0, "d_model is 0; give an integer of at least 1"),
        (-3, "d_model is -3; give"),
        (True, "d_model is True; give"),
        (99, "d_model is 99, and reverse is compiled into 17 dimensions"),
    ],
)
def test_a_width_that_cannot_be_is_refused(
    reverse: Model, width: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        zoo.compress(reverse, width)


@pytest.mark.parametrize("width", ["eight", 2.5, None])
def test_a_width_that_is_no_integer_is_refused(width: Any) -> None:
    with pytest.raises(InputError, match=f"d_model is {width!r}; give an integer of"):
        make_settings(width, {})


def test_a_setting_that_is_unknown_or_impossible_is_refused(reverse: Model) -> None:
    unknown: Any = {"step": 3}
    with pytest.raises(TypeError, match="unexpected keyword argument 'step'"):
        zoo.compress(reverse, 5, **unknown)
    with pytest.raises(InputError, match=r"steps is 0; .*batch is -1"):
        zoo.compress(reverse, 5, steps=0, batch=-1)
    with pytest.raises(InputError, match="learning_rate is nan"):
        zoo.compress(reverse, 5, learning_rate=float("nan"))


def test_what_has_no_named_dimensions_is_refused(
    narrow: Compression, reverse: Model
) -> None:
    with pytest.raises(InputError, match="is compressed already"):
        zoo.compress(narrow.model, 5)
    trained = replace(reverse, facts={"kind": "trained"})
    with pytest.raises(InputError, match="was trained: its dimensions have no names"):
        zoo.compress(trained, 5)


def test_a_loss_that_is_no_number_stops_the_run(reverse: Model) -> None:
    wild = reverse.weights._replace(b_U=np.full_like(reverse.weights.b_U, np.nan))
    expected = r"undefined by step 3\. .* smaller learning_rate"
    with pytest.raises(InputError, match=expected):
        compress(replace(reverse, weights=wild), SHORT)


def test_an_audit_asks_of_it_what_it_asks_of_a_trained_model(
    narrow: Compression,
) -> None:
    subject = subject_of(narrow.model)
    assert subject.claims == TRAINED_CLAIMS
    assert [group.directions for group in subject.groups] == [None] * 3


def test_features_need_one_of_each() -> None:
    with pytest.raises(InputError, match="a name of its own"):
        Features(("a", "a"), (None, None), (None, None), np.zeros((2, 3)))
    with pytest.raises(InputError, match="3 directions"):
        Features(("a", "b"), (None, None), (None, None), np.zeros((3, 3)))


def test_directions_without_length_overlap_with_nothing() -> None:
    rows = np.array([[1.0, 0.0], [0.0, 0.0], [-3.0, 4.0]])
    found = Features(("a", "b", "c"), (None,) * 3, (None,) * 3, rows)
    assert found.overlap == pytest.approx(0.6)
    assert not found.cosines()[1].any()


def test_squeezing_keeps_what_the_stream_does_not_touch(reverse: Model) -> None:
    drawn = np.random.default_rng(0).standard_normal((reverse.config.d_model, 3))
    made = squeeze(reverse.transformer, drawn).weights
    np.testing.assert_array_equal(made.b_in, reverse.weights.b_in)
    assert made.W_O.shape == (*reverse.weights.W_O.shape[:-1], 3)
    assert made.W_U.shape == (3, reverse.config.d_vocab_out)


@pytest.mark.parametrize("part", ["names", "variables", "values", "directions"])
def test_altered_features_are_refused(
    narrow: Compression, tmp_path: Path, part: str
) -> None:
    import hashlib
    import json

    folder = tmp_path / "narrow"
    zoo.save(narrow.model, folder)
    data = json.loads((folder / "circuit.json").read_text())
    for change in (lambda x: x[:-1], lambda x: [*x[:-1], {}], lambda x: 3):
        altered = {**data, "features": dict(data["features"])}
        altered["features"][part] = change(data["features"][part])
        text = json.dumps(altered).encode()
        (folder / "circuit.json").write_bytes(text)
        sums = (folder / "SHA256SUMS").read_text().splitlines()
        fresh = f"{hashlib.sha256(text).hexdigest()}  circuit.json"
        lines = [fresh if s.endswith("circuit.json") else s for s in sums]
        (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")
        with pytest.raises(FormatError, match=r"circuit\.json, features"):
            zoo.load(folder)


def test_tasks_of_a_squeezed_model_are_places_of_its_tuples():
    """Two programs share fewer dimensions than they write, and may then be wrong."""
    model = zoo.compile("reverse,histogram", vocab="abc", max_len=3)
    narrow = zoo.compress(model, model.config.d_model - 5, steps=40).model
    assert narrow.config.d_model < model.config.d_model
    inputs = [list(t) for n in (1, 2, 3) for t in product("abc", repeat=n)]
    whole = narrow.batch(inputs)
    for place, task in enumerate(("reverse", "histogram")):
        one = model_of_task(narrow, task).batch(inputs)
        assert one == [[values[place] for values in row] for row in whole]
