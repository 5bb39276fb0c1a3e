"""How functions of a transformer are compiled, and how much they take at a time."""

# LLVM's full optimisation takes twice as long to compile, and its code is not faster.
QUICK_TO_COMPILE = {"xla_backend_optimization_level": 1}

# A core's second-level cache. Work on a CPU is cut so that arrays of one step fit in.
CACHE_BYTES = 1.5 * 2**20
