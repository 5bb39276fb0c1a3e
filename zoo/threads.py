"""How many threads: small matrix products are slower on several."""

from __future__ import annotations

import os
from collections.abc import Mapping

ONE_THREAD: Mapping[str, str] = {
    name: "1"
    for name in (
        "PJRT_NPROC",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
    )
}
"""The environment of a process that is for one core: XLA, and NumPy's products."""


def use_one_thread() -> None:
    """Have XLA's thread pool made with one thread; call before jax is first used.

    At the sizes of this zoo a second thread adds a third to the CPU time of a step
    and saves hardly any of the clock's; a second process is what a second core is for.
    """
    os.environ.setdefault("PJRT_NPROC", "1")


def use_all_cores() -> int:
    """Return how many cores there are; XLA may use them: call before jax is first used.

    For what is done in as many calls at a time, each of them long: an audit's chunks.
    """
    has_mask = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if has_mask else os.cpu_count() or 1
    os.environ.setdefault("PJRT_NPROC", str(cores))
    return cores
