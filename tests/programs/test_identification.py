"""Indirect objects, against plain Python over the sentences."""

import numpy as np
import pytest

from programs import identification
from programs.identification import NAMES, TEMPLATES, Sentences
from tests.programs.check import check_against_reference


def other_name(words):
    answers = []
    for end in range(1, len(words) + 1):
        names = [w for w in words[:end] if w in NAMES]
        twice = [n for i, n in enumerate(names) if n in names[:i]]
        others = [n for n in names if twice and n != twice[-1]]
        answers.append(others[-1] if others else None)
    return answers


REFERENCES = {"indirect_object_identification": other_name}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name):
    check_against_reference(getattr(identification, name), REFERENCES[name])


def test_there_are_names_and_templates_enough():
    assert len(set(NAMES)) == len(NAMES) >= 100
    assert len(set(TEMPLATES)) == len(TEMPLATES) == 8


def test_what_is_drawn_is_accepted_and_nothing_near_it():
    grammar = Sentences()
    rng = np.random.default_rng(0)
    orders = set()
    for sentence in grammar.draw(rng, 200):
        assert grammar(sentence)
        names = [w for w in sentence if w in NAMES]
        orders.add(names.index(names[2]))
        changed = list(sentence)
        changed[rng.integers(len(changed))] = "nowhere"
        assert not grammar(changed)
        assert not grammar(sentence[:-1])
    assert orders == {0, 1, 2}  # ABB A, ABA B, and ABC
