import itertools

import pytest

from programs import checks
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def everywhere(answer):
    return lambda x: [answer(x)] * len(x)


def parts(x):
    bar = x.index("|")
    return x[:bar], x[bar + 1 :]


def is_square(x):
    half = len(x) // 2
    return len(x) % 2 == 0 and x[:half] == x[half:]


def has_period(x, p=3):
    return all(x[i] == x[i - p] for i in range(p, len(x)))


def anagrams(x):
    half = len(x) // 2
    return len(x) % 2 == 0 and sorted(x[:half]) == sorted(x[half:])


def is_rotation(x):
    left, right = parts(x)
    turns = [left[k:] + left[:k] for k in range(max(1, len(left)))]
    return right in turns


def hamming(x):
    return sum(a != b for a, b in zip(*parts(x), strict=True))


def common_prefix(x):
    left, right = parts(x)
    shared = 0
    while shared < min(len(left), len(right)) and left[shared] == right[shared]:
        shared += 1
    return shared


def even_pairs(x):
    return sum(a != b for a, b in itertools.pairwise(x)) % 2 == 0


REFERENCES = {
    "is_palindrome": everywhere(lambda x: x == x[::-1]),
    "matches_mirror": lambda x: [a == b for a, b in zip(x, x[::-1], strict=True)],
    "prefix_is_palindrome": lambda x: [
        x[: n + 1] == x[: n + 1][::-1] for n in range(len(x))
    ],
    "is_square_word": everywhere(is_square),
    "has_period": everywhere(has_period),
    "halves_are_anagrams": everywhere(anagrams),
    "is_rotation": everywhere(is_rotation),
    "hamming_distance": everywhere(hamming),
    "lexicographic_less": everywhere(lambda x: parts(x)[0] < parts(x)[1]),
    "longest_common_prefix": everywhere(common_prefix),
    "even_pairs": everywhere(even_pairs),
    "equal_counts_abc": everywhere(
        lambda x: x.count("a") == x.count("b") == x.count("c")
    ),
}
# Few random strings have what is looked for; these have, or nearly so.
EXTRA = {
    "is_palindrome": [[1, 2, 3, 3, 2, 1], [2, 1, 3, 3, 2, 2], [3, 1, 1, 2, 1, 1, 3]],
    "is_square_word": ["abcabc", "abcaabca", "abcaabcb", "abacabac"],
    "has_period": ["abcabcab", "abcabbab", "aacaacaa"],
    "halves_are_anagrams": ["abccba", "aabcbcaa", "abcbcbca"],
    "is_rotation": ["abc|abc", "abc|bca", "abc|acb", "aab|aba", "|", "ab|", "|ab"],
    "hamming_distance": ["|", "abc|abc", "abc|bca"],
    "lexicographic_less": ["abc|abc", "ab|abc", "abc|ab", "|a", "a|", "|"],
    "longest_common_prefix": ["abc|abc", "ab|abcd", "abcd|ab", "|a", "a|", "|"],
    "equal_counts_abc": ["abcabc", "aabbcc", "aabbc", "cba"],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(checks, name), REFERENCES[name]
    check_against_reference(program, reference, EXTRA.get(name, ()))
    check_docstring(program, reference)


@pytest.mark.parametrize("p", [1, 2, 5])
def test_has_period_takes_any_period(p):
    expression = checks.has_period.with_parameters(p=p).build()
    for text in ("aaaa", "abababab", "abcabc", "abcabb", "abccaabc"):
        assert oracle.evaluate(expression, text) == [has_period(text, p)] * len(text)


@pytest.mark.parametrize("max_len", [1, 2, 5, 11])
def test_prefix_palindromes_are_found_up_to_any_length(max_len):
    expression = checks.prefix_is_palindrome.build(max_len=max_len)
    word = [0, 1, 1, 0, 1, 1, 0, 0, 1, 1, 0][:max_len]
    expected = REFERENCES["prefix_is_palindrome"](word)
    assert oracle.evaluate(expression, word) == expected


def test_longer_rotations_are_found_where_the_length_allows_them():
    expression = checks.is_rotation.build(max_len=13)
    assert oracle.evaluate(expression, "abcaab|abcaba") == [False] * 13
    assert oracle.evaluate(expression, "abcaab|ababca") == [True] * 13


def test_parts_are_told_by_their_bar():
    assert checks.two_parts("a|") and not checks.two_parts("a||")
    assert checks.two_equal_parts("a|b") and not checks.two_equal_parts("a|")
