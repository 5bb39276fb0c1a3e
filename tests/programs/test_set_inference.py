"""The program of `programs/set_inference.py` against truth tables."""

from __future__ import annotations

import itertools

import pytest

from programs import set_inference
from tests.programs.check import check_against_reference, check_docstring


def holds(clause, world):
    """Return whether a clause is true of a world, a truth value for each pair."""

    def is_true(text):
        return world[text[0] + text[2]] == (text[1] == "<")

    start, colon, end = clause.partition(":")
    if not colon:
        return is_true(start)
    variable, values = ("x", "ab") if "x" in start else ("X", "AB")
    return all(
        not is_true(start.replace(variable, v)) or is_true(end.replace(variable, v))
        for v in values
    )


def inferred(x):
    """Ask all worlds: what follows is what holds in each in which the clauses do.

    Every clause has at most two literals, and chains of such clauses find whatever
    follows from facts.
    """
    *given, query = "".join(x).rstrip("?").split(",")
    worlds = [
        dict(zip(set_inference.ATOMS, values, strict=True))
        for values in itertools.product((True, False), repeat=4)
    ]
    answers = {holds(query, w) for w in worlds if all(holds(c, w) for c in given)}
    return ["T" if answers == {True} else "F" if answers == {False} else "?"] * len(x)


REFERENCES = {"set_membership_inference": inferred}
EXTRA = ["a<A,x<A:x<B,a<B?", "a#B,x<A:x<B,a<A?", "b#A,a<X:b<X,a<A?", "a<A,a<X:b<X,b<A?"]


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program = getattr(set_inference, name)
    assert all(program.accepts(list(x)) for x in EXTRA)
    check_against_reference(program, REFERENCES[name], [[*x] for x in EXTRA], most=25)
    check_docstring(program, REFERENCES[name])


def test_contradictions_and_what_is_no_question_are_not_accepted():
    for text in (
        "a<A,a#A,b<A?",
        "a<A",
        "a<A?,",
        "x<A?",
        "a<A,x<B,a<A?",
        "?",
        "a<A:b<B?",
    ):
        assert not set_inference.is_consistent_question(list(text)), text
