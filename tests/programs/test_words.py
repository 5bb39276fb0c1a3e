"""The programs of `programs/words.py` against plain Python."""

from __future__ import annotations

from collections import Counter

import pytest

from programs import words
from tests.programs.check import check_against_reference, check_docstring

SPAM = {"free", "offer", "click", "now"}


def backwards(word):
    return "".join(reversed(word))


def ratio(word):
    counted = Counter("vowel" if c in "aeiou" else "other" for c in word)
    return counted["vowel"] / counted["other"] if counted["other"] else None


def alternate(word):
    out = list(word.lower())
    out[::2] = [c.upper() for c in out[::2]]
    return "".join(out)


def document(x):
    spam = len([word for word in x if word in SPAM]) > 1
    return ["spam" if spam else "not spam"] * len(x)


ONE_TOKEN = {
    "word_length_is_even": lambda w: len(w) & 1 == 0,
    "word_is_palindrome": lambda w: all(
        w[k] == w[len(w) - 1 - k] for k in range(len(w))
    ),
    "keep_palindrome_words": lambda w: w if backwards(w) == w else None,
    "reverse_each_word": backwards,
    "reverse_each_word_except": lambda w: w if w == "nochange" else backwards(w),
    "abbreviate_word": lambda w: w if len(w) <= 3 else w[:3],
    "word_is_anagram_of": lambda w: Counter(w) == Counter("listen"),
    "vowel_consonant_ratio": ratio,
    "alternate_capitalization": alternate,
    "sentiment_lookup": lambda w: (
        {"😊": "positive", "😢": "negative"}.get(w) or "neutral"
    ),
    "keyword_spam_flag": lambda w: "spam" if w in SPAM else "not spam",
}

REFERENCES = {
    name: lambda x, one=function: [one(v) for v in x]
    for name, function in ONE_TOKEN.items()
} | {
    "keyword_spam_document": document,
    "cascade_repeat": lambda x: ["".join([x[k]] * (k + 1)) for k in range(len(x))],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    check_against_reference(getattr(words, name), REFERENCES[name])
    check_docstring(getattr(words, name), REFERENCES[name])
