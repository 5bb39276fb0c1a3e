"""Code of the user's that may never end, stopped when its time is up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from compiler.errors import InputError
from zoo.interrupts import interrupt_after


class ClaimTimeoutError(BaseException):
    """A claim ran past its time. No Exception: whoever catches those goes on."""


@contextmanager
def time_limit(seconds: float, what: str) -> Iterator[None]:
    """Stop what runs past its time; elsewhere than in a main thread it is not stopped.

    Args:
        seconds: the time.
        what: what is run, as the error calls it.

    Raises:
        InputError: it ran past its time.
    """
    if not seconds > 0:
        raise InputError(f"seconds is {seconds}; give more than 0")
    try:
        with interrupt_after(seconds, ClaimTimeoutError, again=0.5):
            yield
    except ClaimTimeoutError:
        raise InputError(
            f"{what}: stopped after {seconds:g} s. Give a faster one, fewer inputs, or "
            "more seconds"
        ) from None
