"""Induction heads, against plain Python over every input."""

import math

import numpy as np
import pytest

from compiler.errors import InputError
from tests.zoo.tasks.check import (
    check_inputs,
    check_laws,
    check_reference,
    clean,
    draw_overrides,
    words,
)
from zoo.tasks.induction import InductionHeads

TASK = InductionHeads()
SMALL = InductionHeads("abcd", 3)
ALL = 100_000_000


def reference(task):
    """Return the definition in words, one position after the other."""

    def run(tokens, given):
        values = list(task.values["next_token"])
        previous, follows = [], []
        for place, token in enumerate(tokens):
            index = values.index(tokens[place - 1]) if place else 0
            chosen = given[0][place]
            previous.append(index if chosen == -2 else chosen)
            found = {
                tokens[key]
                for key in range(place + 1)
                if values[previous[key]] == token
            }
            index = -1 if len(found) > 1 else values.index((*found, None)[0])
            chosen = given[1][place]
            follows.append(index if chosen == -2 else chosen)
        return [previous, follows]

    return run


def test_it_is_the_reference_on_every_input_of_a_small_language():
    ids, complete = SMALL.inputs(ALL, 0)
    assert complete and not SMALL.inputs(len(ids) - 1, 0)[1]
    assert len(ids) == 2 * math.perm(4, 2) + 3 * math.perm(4, 3)
    overrides = np.repeat(clean(SMALL)[None], len(ids), axis=0)
    check_reference(SMALL, ids, overrides, reference(SMALL))


def test_it_is_the_reference_under_random_overrides():
    ids = np.repeat(SMALL.inputs(ALL, 0)[0], 8, axis=0)
    check_reference(SMALL, ids, draw_overrides(SMALL, ids, 0), reference(SMALL))
    ids = TASK.inputs(800, 1)[0]
    check_reference(TASK, ids, draw_overrides(TASK, ids, 2), reference(TASK))


def test_the_laws_of_a_causal_model_hold():
    check_laws(SMALL, SMALL.inputs(ALL, 0)[0])
    check_laws(TASK, TASK.inputs(500, 0)[0])


def test_inputs_are_repeated_blocks_of_every_shape():
    check_inputs(TASK, 5000)
    check_inputs(SMALL, ALL)
    assert len(TASK.inputs(5000, 0)[0]) == 5000
    shapes = set()
    for row in TASK.inputs(5000, 0)[0]:
        tokens = words(TASK, row)
        size = len(set(tokens))
        assert all(t == tokens[i % size] for i, t in enumerate(tokens))
        shapes.add((size, len(tokens) - size))
    assert shapes == {(n, again) for n in range(2, 7) for again in range(1, n + 1)}


def test_the_example_of_the_docstring():
    values = SMALL.values["next_token"]
    found = reference(SMALL)(list("dacda"), [[-2] * 5] * 2)[1]
    said = " ".join(str(values[i]) for i in found)
    assert f"d a c d a -> {said}" in str(InductionHeads.__doc__)


@pytest.mark.parametrize(("letters", "longest"), [("ab", 3), ("aab", 2), ("abc", 1)])
def test_blocks_that_cannot_be_are_refused(letters, longest):
    with pytest.raises(InputError, match="give 2 to as many as there are letters"):
        InductionHeads(letters, longest)
