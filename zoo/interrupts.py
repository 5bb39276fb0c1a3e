"""Code that may never end, interrupted when its time is up.

Scores of methods and of claims run code of the user's. Both give it a time here, and
say in their own words what is then reported.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

LONGEST = 1e9
"""Seconds, some thirty years, that stand for more: clocks refuse infinity."""


@contextmanager
def interrupt_after(
    seconds: float, error: type[BaseException], again: float = 0.0
) -> Iterator[None]:
    """Raise an error in what runs past its time; never but in a main thread.

    Compiled code is not interrupted: the error is raised once it is back in Python.
    What runs inside a time may be given one of its own; the outer one then goes on.

    Args:
        seconds: the time.
        error: what is raised.
        again: seconds after which it is raised again, in case it was caught; 0 for
            never.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise error

    # An outer time is stopped first: a signal of it must not find the new handler.
    left, outer_again = signal.setitimer(signal.ITIMER_REAL, 0)
    started = time.monotonic()
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, min(seconds, LONGEST), again)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:  # of an outer time, which may be up by now
            left = max(left - (time.monotonic() - started), 1e-6)
            signal.setitimer(signal.ITIMER_REAL, left, outer_again)
