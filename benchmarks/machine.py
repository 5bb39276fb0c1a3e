"""Time of patched forward passes, as multiples of a plain one.

Run: python benchmarks/machine.py [BATCH]

Every example carries its own mask, donors are given, only the logits are asked for,
and everything is jitted and runs on one thread. The targets: a node mask costs at
most 1.5 plain passes, an edge mask at most 3. Timings are taken in turns, and the
shortest of each counts, so that other load on the machine matters little.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["NPROC"] = "1"  # the number of XLA's threads, read when jax is imported
sys.path.insert(0, str(Path(__file__).parents[1]))

import jax.numpy as jnp
import numpy as np

from compiler.machine.config import Config
from compiler.machine.forward import logits_batch
from compiler.machine.patch import Patch
from compiler.machine.transformer import Transformer
from compiler.machine.weights import init

SHAPE: dict[str, Any] = dict(n_layers=4, n_heads=4, d_model=64, d_head=16, d_mlp=256)
SHAPE |= dict(d_vocab=16, d_vocab_out=16, n_ctx=16)
# Passes without chunks are shown only: on a CPU nobody gets them unless they ask.
TARGETS = {"node mask": 1.5, "edge mask": 3.0}
REPEATS = 15


def make_runs(norm, batch):
    """What is timed, under its name: functions without arguments."""
    config = Config(**SHAPE, norm=norm, pad_id=0)
    rng = np.random.default_rng(0)
    transformer = Transformer(config, init(config, 0)).in_jax()
    tokens = jnp.asarray(rng.integers(1, config.d_vocab, (batch, config.n_ctx)))
    n_readers, n_sources = config.names.visible.shape
    shape = batch, n_sources, config.n_ctx, config.d_model
    donor = jnp.asarray(rng.standard_normal(shape, np.float32))

    def draw(*axes):
        return jnp.asarray(rng.uniform(size=(batch, *axes)) < 0.3, jnp.float32)

    nodes = Patch.nodes(draw(n_sources), donor)
    edges = Patch.edges(draw(n_readers, n_sources), donor)
    args = transformer, tokens
    return {
        "plain": lambda: logits_batch(*args),
        "node mask": lambda: logits_batch(*args, nodes),
        "edge mask": lambda: logits_batch(*args, edges),
        "edge mask, no chunks": lambda: logits_batch(*args, edges, chunk=batch),
    }


def measure(runs):
    """Seconds of the fastest of some calls of each run, made in turns."""
    times = {name: [] for name in runs}
    for _ in range(1 + REPEATS):  # the first one compiles
        for name, run in runs.items():
            start = time.perf_counter()
            run().block_until_ready()
            times[name].append(time.perf_counter() - start)
    return {name: min(seconds[1:]) for name, seconds in times.items()}


def main():
    batch = int(sys.argv[1]) if len(sys.argv) > 1 else 256
    print(f"{SHAPE}, batch {batch}")
    for norm in ("none", "pre"):
        times = measure(make_runs(norm, batch))
        for name, seconds in times.items():
            ratio, target = seconds / times["plain"], TARGETS.get(name)
            limit = f"  (target {target})" if target else ""
            print(f"norm {norm:4}  {name:21}{seconds * 1e3:7.1f} ms{ratio:6.2f}{limit}")


if __name__ == "__main__":
    main()
