"""How functions of a transformer are compiled, and how much they take at a time."""

from __future__ import annotations

import jaxlib.version

HAS_FUSION_EMITTERS = jaxlib.version.__version_info__ < (0, 11)
"""Whether XLA can be told not to write fusions in MLIR; an option that it does not know
is an error."""

# LLVM's full optimisation takes twice as long to compile, and its code is not faster.
# XLA's fusions in MLIR take a quarter longer again, and their code is slower: a step
# of training on `sort` 26 ms against 20, an audit of 3,072 pairs 8.2 CPU s against 7.3.
QUICK_TO_COMPILE: dict[str, int | bool] = {"xla_backend_optimization_level": 1}
if HAS_FUSION_EMITTERS:
    QUICK_TO_COMPILE["xla_cpu_use_fusion_emitters"] = False

# A core's second-level cache. Work on a CPU is cut so that arrays of one step fit in.
CACHE_BYTES = 1.5 * 2**20
