"""The programs of `programs/dyck_depth.py` against plain Python."""

from __future__ import annotations

import random

import pytest

from programs import dyck_depth
from tests.programs.check import check_against_reference

DEPTHS = range(3, 13)


def bounded(k):
    """Return, for each prefix, whether it is balanced and never deeper than k."""

    def answer(x):
        depth, inside, out = 0, True, []
        for bracket in x:
            depth += 1 if bracket == "(" else -1
            inside = inside and 0 <= depth <= k
            out.append(inside and depth == 0)
        return out

    return answer


def nearly(k, count=20):
    """Return random walks that go to the depth k, and some one bracket further."""
    draw = random.Random(k)
    for _ in range(count):
        top = k + draw.choice((0, 0, 1))
        word = "(" * draw.randint(top - 2, top)
        while len(word) < 2 * k + 2:
            depth = word.count("(") - word.count(")")
            word += ")" if depth >= top or (depth and draw.random() < 0.7) else "("
        yield word


REFERENCES = {f"dyck1_depth_{k}": bounded(k) for k in DEPTHS}


@pytest.mark.parametrize("k", DEPTHS)
def test_program_equals_plain_python(k):
    program = getattr(dyck_depth, f"dyck1_depth_{k}")
    answers = [bounded(k)(word) for word in nearly(k)]
    assert any(map(any, answers)) and not all(map(any, answers))
    check_against_reference(program, bounded(k), nearly(k), most=20)
