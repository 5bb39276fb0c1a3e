"""Sequences a CPU second on `reverse` (4 tokens, length 5), batched and jitted.

And the share of the machine's matrix-product rate: multiply-adds of the model in a
second, over those of a large product of float32 matrices in the same process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.alone import run_alone
from benchmarks.peers.tracr import TRACR_SEQUENCE_SECONDS, find_case
from benchmarks.report import Table, Target

BATCHES = (1, 64, 1024, 8192)
MATRIX = 1024
SECONDS = 1.0  # CPU seconds a repeat, at least
REPEATS = 5


def multiply_adds(config: Any) -> int:
    """Return the multiply-adds of the matrix products in one forward pass."""
    joined = config.n_heads * config.d_head
    seq = config.n_ctx
    attention = 4 * config.d_model * joined + 2 * seq * joined
    mlp = 2 * config.d_model * config.d_mlp
    unembedding = config.d_model * config.d_vocab_out
    return seq * (config.n_layers * (attention + mlp) + unembedding)


def rate(call: Callable[[], object], seconds: float, repeats: int) -> float:
    """Return the greatest number of calls a CPU second over some repeats."""
    call()  # compiles
    best = 0.0
    for _ in range(repeats):
        count, start = 0, time.process_time()
        while (spent := time.process_time() - start) < seconds or not count:
            call()
            count += 1
        best = max(best, count / spent)
    return best


def rates(seconds: float, repeats: int) -> dict[str, Any]:
    """Return all rates, measured in this process."""
    import jax
    import jax.numpy as jnp

    from compiler.api import compile_model

    case = find_case("reverse")
    model = compile_model(case.source(), case.vocab, case.max_len)
    rng = np.random.default_rng(0)
    rows = []
    for batch in BATCHES:
        tokens = rng.integers(len(case.vocab), size=(batch, case.max_len))
        lengths = rng.integers(1, case.max_len + 1, size=batch)
        ids = model.ids(tokens, lengths)
        lists = [
            [case.vocab[t] for t in row[:n]]
            for row, n in zip(tokens, lengths, strict=True)
        ]

        def logits(ids: Any = ids) -> None:
            jax.block_until_ready(model.logits_of(ids))

        def values(lists: Any = lists) -> None:
            model.batch(lists)

        rows.append(
            {
                "batch": batch,
                "logits": batch * rate(logits, seconds, repeats),
                "values": batch * rate(values, seconds, repeats),
            }
        )
    matrix = jnp.asarray(rng.standard_normal((MATRIX, MATRIX), np.float32))
    product = jax.jit(jnp.matmul)
    plain = np.asarray(matrix)
    return {
        "rows": rows,
        "multiply_adds": multiply_adds(model.config),
        "product_jax": MATRIX**3
        * rate(
            lambda: jax.block_until_ready(product(matrix, matrix)), seconds, repeats
        ),
        "product_numpy": MATRIX**3 * rate(lambda: plain @ plain, seconds, repeats),
    }


def measure(quick: bool) -> dict[str, Any]:
    """Return the rates of a single-threaded process."""
    arguments = {
        "seconds": 0.2 if quick else SECONDS,
        "repeats": 2 if quick else REPEATS,
    }
    outcome = run_alone(__name__, "rates", arguments)
    return {"failure": outcome.failure} if outcome.failure else outcome.value


def tables(result: dict[str, Any]) -> list[Table]:
    """Return one row a batch size."""
    if "failure" in result:
        return [Table(f"Throughput: {result['failure']}", ("<",), [])]
    best, work = product_rate(result), result["multiply_adds"]
    rows = [
        (
            str(row["batch"]),
            f"{row['logits']:,.0f}",
            f"{row['logits'] * TRACR_SEQUENCE_SECONDS:,.0f}",
            f"{row['values']:,.0f}",
            f"{row['values'] * TRACR_SEQUENCE_SECONDS:,.0f}",
            f"{row['logits'] * work / best:.1%}",
        )
        for row in result["rows"]
    ]
    return [
        Table(
            "Sequences a CPU second: reverse, V = 4, L = 5, one thread",
            ("batch", "logits", "x Tracr", "lists", "x Tracr", "of product rate"),
            rows,
            (
                "logits: token ids in, logits out. lists: `model.batch`, Python lists "
                "in and out. Tracr: 26 ms a sequence of lists, one at a time.",
                f"The model has {work:,} multiply-adds a sequence. A product of two "
                f"{MATRIX} x {MATRIX} float32 matrices does "
                f"{result['product_jax'] / 1e9:.1f} G a second in XLA, "
                f"{result['product_numpy'] / 1e9:.1f} G in NumPy; the share is of the "
                "larger.",
            ),
        )
    ]


def product_rate(result: dict[str, Any]) -> float:
    """Return the multiply-adds a second of the faster of the two products."""
    return max(result["product_jax"], result["product_numpy"])


def targets(result: dict[str, Any]) -> list[Target]:
    """Return the ratio to Tracr and the share of the product rate."""
    what, wanted = "sequences a CPU s, x Tracr", ">= 1000"
    if "failure" in result:
        return [Target(what, wanted, result["failure"][:30], None)]
    best = max(result["rows"], key=lambda row: row["logits"])
    lists = max(result["rows"], key=lambda row: row["values"])
    ratio = best["logits"] * TRACR_SEQUENCE_SECONDS
    ends = lists["values"] * TRACR_SEQUENCE_SECONDS
    share = best["logits"] * result["multiply_adds"] / product_rate(result)
    return [
        Target(
            what, wanted, f"{ratio:,.0f} (batch {best['batch']})", ratio >= 1000, "1"
        ),
        Target("the same, lists in and out", wanted, f"{ends:,.0f}", ends >= 1000, "1"),
        Target("share of the product rate", "stated", f"{share:.1%}", True),
    ]
