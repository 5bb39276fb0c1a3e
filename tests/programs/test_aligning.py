"""The programs of `programs/aligning.py` against plain Python."""

from __future__ import annotations

import pytest

from programs import aligning
from tests.programs.check import check_against_reference


def left_align(x: list[str]) -> list[str]:
    return list("".join(x).replace("_", "").ljust(len(x), "_"))


def split_first_right_aligned(x: list[str]) -> list[str]:
    return list("".join(x).split("+")[0].rjust(len(x), "0"))


def split_second_right_aligned(x: list[str]) -> list[str]:
    return list("".join(x).split("+")[1].rjust(len(x), "0"))


def fill_forward(x: list[str]) -> list[str | None]:
    result: list[str | None] = []
    held = None
    for letter in x:
        held = held if letter == "_" else letter
        result.append(held)
    return result


def slide_next_non_marker(x: list[str]) -> list[str | None]:
    turned = ["_" if v == "<" else v for v in reversed(x)]
    return fill_forward(turned)[::-1]


REFERENCES = {
    "right_align": lambda x: list("".join(x).rstrip("_").rjust(len(x), "-")),
    "left_align": left_align,
    "split_first_right_aligned": split_first_right_aligned,
    "split_second_right_aligned": split_second_right_aligned,
    "slide_next_non_marker": slide_next_non_marker,
    "fill_forward": fill_forward,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(aligning, name), REFERENCES[name])
