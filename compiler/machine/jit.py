"""How functions of a transformer are compiled, and how much they take at a time."""

from __future__ import annotations

import os

import jaxlib.version

HAS_FUSION_EMITTERS = jaxlib.version.__version_info__ < (0, 11)
"""Whether XLA can be told not to write fusions in MLIR; an option that it does not know
is an error."""

# LLVM's full optimisation takes twice as long to compile, and its code is not faster.
# XLA's fusions in MLIR take a quarter longer again, and their code is slower: a step
# of training on `sort` 26 ms against 20, an audit of 3,072 pairs 8.2 CPU s against 7.3.
_OPTIONS: dict[str, int | bool] = {"xla_backend_optimization_level": 1}
if HAS_FUSION_EMITTERS:
    _OPTIONS["xla_cpu_use_fusion_emitters"] = False


def options_beside(flags: str) -> dict[str, int | bool]:
    """Return how functions are compiled, but for what the flags of XLA set themselves.

    An option of one function would override a flag, which holds for all functions. So
    tests, which run little and compile much, can ask for no optimisation at all.

    Args:
        flags: the text of the variable `XLA_FLAGS`.
    """
    return {name: value for name, value in _OPTIONS.items() if name not in flags}


QUICK_TO_COMPILE = options_beside(os.environ.get("XLA_FLAGS", ""))

# A core's second-level cache. Work on a CPU is cut so that arrays of one step fit in.
CACHE_BYTES = 1.5 * 2**20
