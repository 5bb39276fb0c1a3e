"""The programs of `programs/symbols.py` against plain Python."""

from __future__ import annotations

from string import ascii_lowercase

import pytest

from programs import symbols
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring

THREE_ON = str.maketrans(ascii_lowercase, "defghijklmnopqrstuvwxyzabc")

ONE_TOKEN = {
    "bitwise_not": lambda v: [1, 0][v],
    "token_in_set": lambda v: v in set("aeiou"),
    "equals_constant": lambda v: v == "l",
    "replace_token": lambda v: v.replace("findme", "-"),
    "substitution_cipher": lambda v: v.translate(str.maketrans("abcz", "tdop")),
    "caesar_shift": lambda v: v.translate(THREE_ON),
    "atoi": lambda v: int(v) if v.isdigit() else -1,
}

REFERENCES = {
    name: lambda x, one=function: [one(v) for v in x]
    for name, function in ONE_TOKEN.items()
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(symbols, name), REFERENCES[name])
    check_docstring(getattr(symbols, name), REFERENCES[name])


def test_a_shift_by_any_number_of_places_is_undone_by_its_opposite() -> None:
    for places in (0, 1, 25, 26, 40):
        there = symbols.caesar_shift.with_parameters(k=places).build()
        back = symbols.caesar_shift.with_parameters(k=-places).build()
        letters = list(ascii_lowercase + " !")
        assert oracle.evaluate(back, oracle.evaluate(there, letters)) == letters
