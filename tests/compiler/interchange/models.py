"""Models of every architecture, inputs for them, and what every part of them does."""

from __future__ import annotations

import importlib
import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.families import FAMILIES
from compiler.machine.circuit import Circuit
from compiler.machine.config import Config
from compiler.machine.forward import forward
from compiler.machine.layers import allow, attention_scores, project
from compiler.machine.transformer import Transformer
from compiler.machine.weights import Weights, expand, init, reduced
from compiler.model import Model, TokenSequence
from zoo import tasks
from zoo.causal.by_hand import describe

RELEASES = Path(__file__).parents[3] / "releases"


def needs(name: str) -> ModuleType:
    """Return a package of the torch extra; without it, the tests are skipped."""
    if os.environ.get("CIRCUITZOO_TORCH") == "1":
        return importlib.import_module(name)
    return pytest.importorskip(name, reason=f"no {name}: make test TORCH=1 installs it")


@cache
def compiled(name: str, **options: Any) -> Model:
    """Return a compiled model; tests share it, for a model never changes."""
    return compile_model(programs.find(name), **options)


def untrained(d_head: int = 6, **options: Any) -> Model:
    """Return a model with random weights and biases, all of them of use."""
    model = compiled("reverse")
    sizes = {"n_heads": 2, "d_model": 12, "d_head": d_head, "d_mlp": 20}
    config = replace(model.config, n_layers=2, **sizes, **options)
    return replace(
        model,
        config=config,
        weights=random_weights(config),
        typed=replace(model.typed, causal=config.causal),
        circuit=Circuit(config.names, (), {}, {}),
        rows=MappingProxyType({}),
    )


def language_model(tied: bool = False, **options: Any) -> Model:
    """Return a model with random weights whose logits stand for its tokens.

    Its variables are those of a task of the zoo; nothing here compares with them.
    """
    task = tasks.find("copy_text")
    typed = describe(task)
    config = replace(
        untrained(**options).config,
        d_vocab=task.d_vocab,
        d_vocab_out=task.d_vocab,
        n_ctx=task.n_ctx,
        bos_id=task.bos_id,
        pad_id=task.pad_id,
        causal=True,
        tied=tied,
        unembed_bias=False,
    )
    return replace(
        compiled("reverse"),
        name=task.name,
        config=config,
        weights=random_weights(config),
        typed=typed,
        readout=task.readout,
        circuit=Circuit(config.names, (), {}, {}),
        rows=MappingProxyType({}),
        facts=MappingProxyType({"task": task.name}),
        steps=None,
    )


def family_options(name: str) -> dict[str, Any]:
    """Return the options of an architecture, for two heads: both share one key head."""
    options = dict(FAMILIES[name].options)
    return options | ({"n_kv_heads": 1} if "n_kv_heads" in options else {})


def random_weights(config: Config) -> Weights:
    """Return weights and biases of which none is zero or one."""
    rng = np.random.default_rng(0)
    begun = reduced(init(config, seed=0), config)
    drawn = (a + 0.3 * rng.standard_normal(a.shape) for a in begun)
    weights = Weights(*(np.asarray(array, np.float32) for array in drawn))
    return expand(weights, config)


def inputs(model: Model) -> list[TokenSequence]:
    """Return inputs of every length, in an order that mixes them."""
    vocab, longest = model.typed.vocab, model.config.n_ctx - 1
    lengths = [1 + (5 * i) % longest for i in range(2 * longest)]
    return [
        [vocab[(i * i + i * p + p) % len(vocab)] for p in range(length)]
        for i, length in enumerate(lengths)
    ]


def run_parts(
    transformer: Transformer, ids: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (logits, writes [batch, source, ..], z [batch, layer, head, seq, ..])."""
    logits, writes, z = run_batch(transformer.in_jax(), jnp.asarray(ids))
    return np.asarray(logits), np.asarray(writes), np.asarray(z)


@jax.jit
def run_batch(
    transformer: Transformer, ids: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Return what `run_parts` returns; models of one shape are compiled once."""
    config, weights = transformer.config, transformer.weights

    def one(tokens: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        run, names = forward(transformer, tokens), config.names
        per_layer = []
        for layer in range(config.n_layers):
            visible = names.visible[names.reader_index(f"a{layer}.h0<q>")]
            seen = run.writes[visible].sum(0) + weights.b_O[:layer].sum(0)
            q, k, v = project(transformer, layer, seen)
            scores = attention_scores(config, q, k, allow(config, tokens))
            per_layer.append(jax.nn.softmax(scores, axis=-1) @ v)
        return run.logits, run.writes, jnp.stack(per_layer)

    return jax.vmap(one)(ids)


def distance(found: Any, expected: np.ndarray) -> float:
    """Return the greatest difference, relative to the largest value expected."""
    found = found.detach().numpy() if hasattr(found, "detach") else np.asarray(found)
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())
