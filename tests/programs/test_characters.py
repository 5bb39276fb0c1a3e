"""The programs of `programs/characters.py` against plain Python."""

from __future__ import annotations

import re

import pytest

from programs import characters
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def text(function):
    """Take a function of strings for one of lists of characters."""
    return lambda x: list(function("".join(x)))


def move(letter, places):
    if letter not in ALPHABET:
        return letter
    return ALPHABET[(ALPHABET.index(letter) + places) % 26]


def vowels_as(choose):
    """Replace every vowel by one character that is chosen from the text."""
    return text(lambda s: re.sub("[aeiou]", choose(s), s))


def vowel_count_index(s):
    return s[len(re.findall("[aeiou]", s)) - 1]


def reversed_vowels(s):
    vowels = re.findall("[aeiou]", s)
    return re.sub("[aeiou]", lambda match: vowels.pop(), s)


def classes(x):
    kinds = {"a": "alpha", "B": "alpha", "1": "digit", " ": "space", "!": "other"}
    return [kinds[c] for c in x]


def quoted(x):
    inside, out = False, []
    for c in x:
        inside = inside != (c == '"')
        out.append(inside)
    return out


def columns(x):
    lines = "".join(x).splitlines(keepends=True)
    return [k for line in lines for k in range(len(line))]


def moved_at(place, by):
    def shifted(s):
        k = place(s)
        return s[:k] + move(s[k], by) + s[k + 1 :]

    return text(shifted)


REFERENCES = {
    "alternate_capitalization_chars": text(
        lambda s: [c.swapcase() if k % 2 == 0 else c for k, c in enumerate(s)]
    ),
    "to_uppercase": text(str.upper),
    "capitalize_first": text(str.capitalize),
    "title_case": text(lambda s: re.sub(r"(^|(?<= ))\w", lambda m: m[0].upper(), s)),
    "replace_vowels_with_first": vowels_as(lambda s: s[0]),
    "replace_vowels_with_last": vowels_as(lambda s: s[-1]),
    "replace_vowels_by_count_index": vowels_as(vowel_count_index),
    "reverse_vowels": text(reversed_vowels),
    "shift_by_kth_letter": text(lambda s: [move(c, ALPHABET.index(s[0])) for c in s]),
    "shift_by_length": text(lambda s: [move(c, len(s)) for c in s]),
    "shift_middle_letter": moved_at(lambda s: len(s) // 2, 3),
    "shift_first_letter": moved_at(lambda s: 0, 1),
    "first_letter_ordinal": lambda x: [ord(x[0]) - ord("a") + 1] * len(x),
    "character_class": classes,
    "inside_quotes": quoted,
    "column_number": columns,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    check_against_reference(getattr(characters, name), REFERENCES[name])
    check_docstring(getattr(characters, name), REFERENCES[name])


def test_the_key_letter_is_anywhere_or_nowhere():
    shifted = characters.shift_by_kth_letter.with_parameters(k=2).build()
    assert oracle.evaluate(shifted, "zab") == list("abc")
    assert oracle.evaluate(shifted, "za") == list("za")
