"""A time that is up ends what runs in it, also around another one."""

from __future__ import annotations

import time

import pytest

from zoo.interrupts import interrupt_after


class OuterError(Exception):
    """The outer time is up."""


class InnerError(Exception):
    """The inner time is up."""


def test_what_runs_past_its_time_is_interrupted_and_nothing_later_is():
    with pytest.raises(InnerError), interrupt_after(0.02, InnerError):
        time.sleep(5)
    with interrupt_after(0.05, InnerError):
        pass
    time.sleep(0.1)


def test_a_time_goes_on_behind_one_inside_it():
    with pytest.raises(OuterError), interrupt_after(0.3, OuterError):
        with pytest.raises(InnerError), interrupt_after(0.02, InnerError):
            time.sleep(5)
        with interrupt_after(0.1, InnerError):
            pass
        time.sleep(5)


def test_a_time_that_was_up_inside_another_one_is_up_behind_it():
    with pytest.raises(OuterError), interrupt_after(0.02, OuterError):
        with interrupt_after(5.0, InnerError):
            end = time.monotonic() + 0.1
            while time.monotonic() < end:
                pass
        time.sleep(5)
