"""CPU time of circuit-discovery methods on the shape that others were timed with.

4 layers, 4 heads, d_model 64, 12 tokens, 256 pairs, one thread; compilation apart. What
the weights are is of no account for the time, so the transformer is untrained. Except
for ACDC: it does not try the inputs of nodes whose outputs are all removed. Its
threshold here is one under which nothing is removed, so that every edge is tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.alone import run_alone
from benchmarks.report import Table, Target
from benchmarks.throughput import MATRIX, multiply_adds, rate

PAIRS = 256
EXACT_PAIRS = 64
PROGRAM = "reverse"
RECIPE: dict[str, Any] = {
    "n_layers": 4,
    "n_heads": 4,
    "d_model": 64,
    "d_mlp": 256,
    "d_head": 16,
}
MAX_LEN = 11  # and BOS
NOTHING = -1e9  # nats; the threshold under which no edge is removed

# CPU seconds of EAP-IG's code and of auto-circuit, whichever is the faster, on one
# thread of a machine like this one; and what is wanted here.
PEERS = {
    "eap": (1.3, 0.25),
    "eap-ig-inputs": (5.2, 1.0),
    "eap-ig-activations": (45.0, 8.0),
    "acdc, one threshold": (53.0, 12.0),
    f"exact, {EXACT_PAIRS} pairs": (47.0, 4.7),
}


def times(pairs: int, exact_pairs: int) -> dict[str, Any]:
    """Return CPU seconds of each method, after a first run that compiles."""
    import jax
    import jax.numpy as jnp

    import zoo
    from programs import find
    from zoo.cases.case import Case
    from zoo.cases.pairs import draw_pairs
    from zoo.cases.truth import truth_of_circuit
    from zoo.methods import find_method
    from zoo.methods.acdc import acdc_circuit

    program = replace(find(PROGRAM), max_len=MAX_LEN)
    model = zoo.train(program, steps=1, check_every=1, pairs=8, **RECIPE).model
    drawn = draw_pairs(model, "train", pairs)
    case = Case(PROGRAM, model, truth_of_circuit(model.circuit), drawn)
    few = case.with_changes(pairs=drawn.take(slice(exact_pairs)))

    def run(name: str) -> Callable[[Case], object]:
        return lambda given: find_method(name).run(given, 0)

    calls: dict[str, tuple[Callable[[Case], object], Case]] = {
        name: (run(name), case)
        for name in ("eap", "eap-ig-inputs", "eap-ig-activations")
    }
    calls["acdc, one threshold"] = (lambda given: acdc_circuit(given, NOTHING), case)
    calls[f"exact, {EXACT_PAIRS} pairs"] = (run("exact"), few)
    seconds = {name: _second(*call) for name, call in calls.items()}
    matrix = jnp.asarray(np.random.default_rng(0).standard_normal((MATRIX, MATRIX)))
    matrix = matrix.astype(jnp.float32)
    product = jax.jit(jnp.matmul)
    ready = jax.block_until_ready
    return {
        "seconds": seconds,
        "edges": len(case.edges),
        "pairs": len(drawn),
        "n_ctx": model.config.n_ctx,
        "plain": 1 / rate(lambda: case.losses(), 1.0, 3),
        "multiply_adds": multiply_adds(model.config) * len(drawn),
        "product": MATRIX**3 * rate(lambda: ready(product(matrix, matrix)), 1.0, 3),
    }


def _second(call: Callable[[Any], object], case: Any) -> float:
    """Return the CPU seconds of the second of two calls; the first one compiles.

    Each is given a case of its own, because a case keeps what was computed on it; what
    all methods share is computed before.
    """
    first, second = (case.with_changes(pairs=case.pairs) for _ in range(2))
    call(first)
    second.batch.ids, second.losses()
    start = time.process_time()
    call(second)
    return time.process_time() - start


def measure(quick: bool) -> dict[str, Any]:
    """Return the times of a process of its own."""
    job = {"pairs": 16 if quick else PAIRS, "exact_pairs": 4 if quick else EXACT_PAIRS}
    outcome = run_alone(__name__, "times", job)
    return {"failure": outcome.failure} if outcome.failure else outcome.value


def tables(result: dict[str, Any]) -> list[Table]:
    """Return one row a method."""
    if "failure" in result:
        return [Table(f"Methods: {result['failure']}", ("<",), [])]
    plain = result["multiply_adds"] / result["plain"]
    rows = [
        (
            name,
            f"{seconds:.2f}",
            f"{seconds / result['plain']:,.0f}",
            f"{PEERS[name][0]:.1f}",
            f"{PEERS[name][0] / seconds:.1f}",
        )
        for name, seconds in result["seconds"].items()
    ]
    return [
        Table(
            f"Methods: 4 layers, 4 heads, d_model 64, {result['n_ctx']} tokens, "
            f"{result['edges']} edges, {result['pairs']} pairs, one thread",
            ("<method", "CPU s", "forward passes", "peers, CPU s", "times faster"),
            rows,
            (
                "Compilation apart. Peers' times are of another run, on a machine like "
                "this one. A forward pass (a masked one, of all pairs) takes "
                f"{result['plain'] * 1e3:.0f} ms, {plain / 1e9:.1f} G multiply-adds a "
                f"second: {plain / result['product']:.0%} of the rate of a product of "
                f"two {MATRIX} x {MATRIX} float32 matrices.",
            ),
        )
    ]


def targets(result: dict[str, Any]) -> list[Target]:
    """Return each method's time beside what is wanted."""
    found = result.get("seconds", {})
    return [
        Target(
            name,
            f"<= {wanted} CPU s",
            f"{found[name]:.2f}" if name in found else result["failure"][:30],
            found[name] <= wanted if name in found else None,
        )
        for name, (_, wanted) in PEERS.items()
    ]
