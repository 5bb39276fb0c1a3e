"""The programs of `programs/editing.py` against plain Python."""

from __future__ import annotations

import itertools

import pytest

from programs import editing
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def packed(function):
    """Take a function of strings that gives a shorter one, filled with `_`."""
    return lambda x: [*(new := list(function("".join(x)))), *"_" * (len(x) - len(new))]


def text(function):
    return lambda x: list(function("".join(x)))


def doubled(s):
    return " ".join(s[: len(s) // 2]) + " "


def inserted(s):
    letters = s[:-1]
    return letters[: len(letters) // 2] + "X" + letters[len(letters) // 2 :]


def field(s):
    return [*s.split(","), ""][1]


REFERENCES = {
    "remove_digits": packed(lambda s: [c for c in s if c not in "0123456789"]),
    "extract_digits": packed(lambda s: [c for c in s if c in "0123456789"]),
    "strip_whitespace": packed(str.strip),
    "reverse_words_chars": text(lambda s: " ".join(w[::-1] for w in s.split(" "))),
    "reverse_word_order": text(lambda s: " ".join(s.split(" ")[::-1])),
    "append_first_letter": text(lambda s: s[:-1] + s[0]),
    "insert_in_middle": text(inserted),
    "add_whitespace": text(doubled),
    "replace_substring": packed(lambda s: s.replace("ab", "c")),
    "extract_field": packed(field),
    "run_length_encode": packed(
        lambda s: [(token, len(list(run))) for token, run in itertools.groupby(s)]
    ),
}
EXTRA = {
    "append_first_letter": ["abcbab_", "cab_"],
    "insert_in_middle": ["abcdab_", "abcdabc_"],
    "add_whitespace": ["abca____", "cab___"],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(editing, name), REFERENCES[name]
    check_against_reference(program, reference, EXTRA.get(name, ()))
    check_docstring(program, reference)


@pytest.mark.parametrize(("old", "new"), [("aa", "b"), ("aba", ""), ("b", "a")])
def test_of_overlapping_matches_the_first_is_replaced(old, new):
    program = editing.replace_substring.with_parameters(old=old, new=new)
    expression = program.build(max_len=7)
    for x in itertools.product("ab", repeat=7):
        expected = "".join(x).replace(old, new).ljust(7, "_")
        assert oracle.evaluate(expression, x) == list(expected)


def test_any_field_can_be_extracted():
    given = "a,,bc"
    for k, expected in enumerate(["a____", "_____", "bc___", "_____"]):
        extracted = editing.extract_field.with_parameters(k=k).build()
        assert oracle.evaluate(extracted, given) == list(expected)
