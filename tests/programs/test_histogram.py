from collections import Counter

import pytest

from programs import histogram
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring

VOWELS = "aeiou"


def everywhere(answer):
    return lambda x: [answer(x)] * len(x)


def sharing(x):
    counts = Counter(x)
    return [sum(n == counts[t] for n in counts.values()) for t in x]


def frequency_class(x):
    shares = [x.count(t) / len(x) for t in x]
    return [
        "frequent" if s > 1 / 2 else "common" if s > 1 / 4 else "rare" for s in shares
    ]


def by_frequency(x):
    """Counter keeps the order of first occurrence, and so does most_common."""
    distinct = [t for t, _ in Counter(x).most_common()]
    return distinct + [None] * (len(x) - len(distinct))


def interleaved(x, p=3):
    strands = [x[i % p :: p] for i in range(len(x))]
    return [int(sum(s) > len(s) / 2) for s in strands]


def first_unique(x):
    return next((t for t in x if x.count(t) == 1), None)


REFERENCES = {
    "histogram": lambda x: [x.count(t) for t in x],
    "double_histogram": sharing,
    "count_token": everywhere(lambda x: x.count("c")),
    "fraction_of_token": everywhere(lambda x: x.count("e") / len(x)),
    "count_rare_tokens": everywhere(lambda x: sum(x.count(t) <= 2 for t in x)),
    "normalized_frequency": lambda x: [x.count(t) / len(x) for t in x],
    "frequency_class": frequency_class,
    "count_vowels": everywhere(lambda x: sum(t in VOWELS for t in x)),
    "count_consonants": everywhere(
        lambda x: sum(t.isalpha() and t not in VOWELS for t in x)
    ),
    "count_uppercase": everywhere(lambda x: sum(t.isupper() for t in x)),
    "most_frequent": by_frequency,
    "mode": everywhere(lambda x: by_frequency(x)[0]),
    "binary_majority": everywhere(lambda x: x.count(1) > x.count(0)),
    "interleaved_majority": interleaved,
    "count_distinct": everywhere(lambda x: len(set(x))),
    "count_same_word_length": lambda x: [sum(len(u) == len(t) for u in x) for t in x],
    "is_unique_token": lambda x: [x.count(t) == 1 for t in x],
    "first_unique_token": everywhere(first_unique),
    "count_other_copies": lambda x: [x.count(t) - 1 for t in x],
    "all_frequencies_equal": everywhere(lambda x: len(set(Counter(x).values())) == 1),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(histogram, name), REFERENCES[name]
    check_against_reference(program, reference)
    check_docstring(program, reference)


@pytest.mark.parametrize("p", [1, 2, 4])
def test_interleaved_majority_takes_any_number_of_strands(p):
    expression = histogram.interleaved_majority.with_parameters(p=p).build()
    for bits in ([1], [1, 0, 1, 1, 0, 0, 0, 1, 1], [0, 1, 1, 0, 1, 0, 1, 1]):
        assert oracle.evaluate(expression, bits) == interleaved(bits, p)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_count_rare_tokens_takes_any_bound(n):
    expression = histogram.count_rare_tokens.with_parameters(n=n).build()
    for text in ("abcd", "aabbbc", "aaaaabbb"):
        expected = [sum(text.count(t) <= n for t in text)] * len(text)
        assert oracle.evaluate(expression, text) == expected


def test_most_frequent_works_on_other_vocabularies_and_lengths():
    expression = histogram.most_frequent.build(vocab=range(7), max_len=12)
    tokens = [6, 0, 0, 5, 5, 6, 1, 2, 2, 2, 4, 6]
    assert oracle.evaluate(expression, tokens) == by_frequency(tokens)
