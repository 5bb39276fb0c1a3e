"""One thread a process: small matrix products are slower on several."""

from __future__ import annotations

import os


def use_one_thread() -> None:
    """Have XLA's thread pool made with one thread; call before jax is first used.

    At the sizes of this zoo a second thread adds a third to the CPU time of a step
    and saves hardly any of the clock's; a second process is what a second core is for.
    """
    os.environ.setdefault("PJRT_NPROC", "1")
