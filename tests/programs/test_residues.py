"""The programs of `programs/residues.py` against plain Python."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest

from programs import residues
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def everywhere(answer):
    return lambda x: [answer(x)] * len(x)


def from_the_second(answer):
    return lambda x: [
        None,
        *(answer(b, a) for a, b in pairwise(x)),
    ]


def subtracted(x):
    left, out = 0, []
    for token in x:
        left = (left - token) % 19
        out.append(left)
    return out


REFERENCES = {
    "binary_to_integer": everywhere(lambda x: int("".join(map(str, x)), 2)),
    "digits_to_integer": everywhere(lambda x: int("".join(map(str, x)))),
    "integer_to_binary": lambda x: [int(b) for b in f"{x[0]:09b}"[-len(x) :]],
    "modular_addition": everywhere(lambda x: sum(x) % 13),
    "cumulative_sum_mod": lambda x: [total % 3 for total in accumulate(x)],
    "cumulative_difference_mod": subtracted,
    "mod_by_previous": from_the_second(
        lambda now, d: now - now // d * d if d else None
    ),
    "is_multiple_of_previous": from_the_second(
        lambda now, before: any(k * before == now for k in range(9))
    ),
    "card_counting": lambda x: [
        *accumulate(1 if r <= 4 else -1 if r >= 8 else 0 for r in x)
    ],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    check_against_reference(getattr(residues, name), REFERENCES[name])
    check_docstring(getattr(residues, name), REFERENCES[name])


def test_inputs_that_are_not_meant_have_an_answer():
    written = residues.integer_to_binary.build()
    assert oracle.evaluate(written, ["_", 5, "_"]) == [None] * 3
    assert oracle.evaluate(written, [5, 6, 1]) == [1, 0, 1]
    summed = residues.modular_addition.build()
    assert oracle.evaluate(summed, [4]) == [8]
    assert oracle.evaluate(summed, [4, 7, 1]) == [5, 5, 5]
