"""How functions of a transformer are compiled."""

# LLVM's full optimisation takes twice as long to compile, and its code is not faster.
QUICK_TO_COMPILE = {"xla_backend_optimization_level": 1}
