"""Programs over how often tokens occur in the whole input.

`frequency` counts the copies of each position's token; what is asked of it then
(who shares it, which is greatest, who is alone) costs one more layer each.
"""

from __future__ import annotations

from compiler.rasp import (
    EQ,
    GT,
    LEQ,
    NEQ,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    SOp,
    count,
    first,
    indices,
    length,
    mean,
    prefix,
    program,
    select_all,
    tokens,
)
from compiler.rasp.values import Value

FAMILY = "counting/histogram"
VOWELS = tuple("aeiou")


def frequency() -> SOp:
    """Return how many tokens are equal to the one at each position."""
    return count(Select(tokens, tokens, EQ)).named("frequency")


def is_first() -> SOp:
    """Return where a token occurs for the first time: False if one is found before."""
    earlier = Select(tokens, tokens, EQ) & prefix(strict=True)
    return Aggregate(earlier, Constant(False), default=True).named("is_first")


def one_of(key: Value, query: tuple[Value, ...]) -> bool:
    """Return whether the key's token is among the query's."""
    return key in query


def is_consonant(key: Value, query: tuple[Value, ...]) -> bool:
    """Return whether the key's token is a letter that is not among the query's."""
    return isinstance(key, str) and key.isalpha() and key.lower() not in query


def same_length(key: Value, query: Value) -> bool:
    """Return whether the key's word is as long as the query's."""
    return len(key) == len(query)


def is_upper(key: Value, query: Value) -> bool:
    """Return whether the key's token is an upper-case letter."""
    return isinstance(key, str) and key.isupper()


@program(family=FAMILY, vocab="abcd", example=("abac", (2, 1, 2, 1)))
def histogram() -> SOp:
    """How often each token occurs: `histogram("abac") -> [2, 1, 2, 1]`."""
    return frequency()


@program(family=FAMILY, vocab="abcd", example=("abbccc", (1, 1, 1, 1, 1, 1)))
def double_histogram() -> SOp:
    """How many distinct tokens share the frequency.

    `double_histogram("abcc") -> [2, 2, 1, 1]`
    """
    often = frequency()
    shares = Select(often, often, EQ) & Select(is_first(), True, EQ)
    return count(shares)


@program(family=FAMILY, vocab="abcd", example=("cabc", (2, 2, 2, 2)))
def count_token(t: str = "c") -> SOp:
    """How often t occurs: `count_token("cabc") -> [2] * 4`."""
    return count(Select(tokens, t, EQ))


@program(family=FAMILY, vocab="ehxy", example=("hey", (1 / 3, 1 / 3, 1 / 3)))
def fraction_of_token(t: str = "e") -> SOp:
    """The share of t: `fraction_of_token("hey") -> [1/3] * 3`."""
    return mean(select_all, (tokens == t).named("is_t"))


@program(family=FAMILY, vocab="abcd", example=("aaabbc", (3, 3, 3, 3, 3, 3)))
def count_rare_tokens(n: int = 2) -> SOp:
    """How many positions hold tokens that occur at most n times.

    `count_rare_tokens("aab") -> [3] * 3`
    """
    return count(Select(frequency(), n, LEQ))


@program(
    family=FAMILY,
    vocab="abcd",
    example=("aabccc", (1 / 3, 1 / 3, 1 / 6, 1 / 2, 1 / 2, 1 / 2)),
)
def normalized_frequency() -> SOp:
    """Each token's share of the input: `normalized_frequency("ab") -> [1/2, 1/2]`."""
    return frequency() / length


@program(
    family=FAMILY,
    vocab="abcd",
    example=("abacab", ("common", "common", "common", "rare", "common", "common")),
)
def frequency_class() -> SOp:
    """Over a half is frequent, over a quarter common, else rare.

    `frequency_class("aab") -> ["frequent", "frequent", "common"]`
    """

    def name(often: int, n: int) -> str:
        return "frequent" if 2 * often > n else "common" if 4 * often > n else "rare"

    return Elementwise(name, (frequency(), length))


@program(family=FAMILY, vocab="aben", example=("banana", (3, 3, 3, 3, 3, 3)))
def count_vowels() -> SOp:
    """How many vowels there are: `count_vowels("ban") -> [1] * 3`."""
    return count(Select(tokens, VOWELS, one_of))


@program(family=FAMILY, vocab="abn-", example=("banana", (3, 3, 3, 3, 3, 3)))
def count_consonants() -> SOp:
    """How many consonant letters there are: `count_consonants("b-a") -> [1] * 3`."""
    return count(Select(tokens, VOWELS, is_consonant))


@program(family=FAMILY, vocab="aBCd", example=("aBCd", (2, 2, 2, 2)))
def count_uppercase() -> SOp:
    """How many upper-case letters there are: `count_uppercase("aBC") -> [2] * 3`."""
    return count(Select(tokens, True, is_upper))


@program(
    family=FAMILY, vocab="abcd", example=("abbcccd", ("c", "b", "a", "d", *[None] * 3))
)
def most_frequent(max_len: int) -> SOp:
    """The distinct tokens, most frequent first.

    Ties go to the earlier first occurrence. Only first occurrences have a standing:
    their frequency, and among equals how early they are.

    `most_frequent("abb") -> ["b", "a", None]`
    """
    standing = Elementwise(
        lambda often, fresh, i: often * max_len - i if fresh else None,
        (frequency(), is_first(), indices),
    ).named("standing")
    rank = count(Select(standing, standing, GT)).named("rank")
    wanted = Select(rank, indices, EQ) & Select(is_first(), True, EQ)
    return Aggregate(wanted, tokens)


@program(family=FAMILY, vocab="abcd", example=("abcbb", "bbbbb"))
def mode() -> SOp:
    """The most frequent token, the earliest of several: `mode("abb") -> "bbb"`."""
    often = frequency()
    top = Aggregate(select_all, often, rule="max").named("top_frequency")
    return first(Select(often, top, EQ), tokens)


@program(family=FAMILY, vocab=(0, 1), max_len=10, example=([1, 0, 1, 1], (True,) * 4))
def binary_majority() -> SOp:
    """Whether more than half of the bits are 1.

    `binary_majority([1, 0]) -> [False, False]`
    """
    return 2 * mean(select_all, tokens).named("share_of_ones") > 1


@program(
    family=FAMILY,
    vocab=(0, 1),
    max_len=10,
    example=([1, 0, 1, 1, 0, 0, 0, 1, 1], (1, 0, 1, 1, 0, 1, 1, 0, 1)),
)
def interleaved_majority(p: int = 3) -> SOp:
    """The majority bit of the positions i mod p.

    Ties give 0.

    `interleaved_majority([1, 0, 1, 1]) -> [1, 0, 1, 1]`
    """
    alike = Select(indices, indices, lambda key, query: (key - query) % p == 0)
    share = mean(alike, tokens).named("share_of_ones")
    return share.map(lambda s: int(2 * s > 1))


@program(family=FAMILY, vocab="abcd", example=("abac", (3, 3, 3, 3)))
def count_distinct() -> SOp:
    """How many distinct tokens there are: `count_distinct("abac") -> [3] * 4`."""
    return count(Select(is_first(), True, EQ))


@program(
    family=FAMILY,
    vocab=("apple", "pear", "grape", "fig"),
    example=(("apple", "pear", "grape"), (2, 1, 2)),
)
def count_same_word_length() -> SOp:
    """How many words are as long as this one.

    `count_same_word_length(["fig", "pear", "fig"]) -> [2, 1, 2]`
    """
    return count(Select(tokens, tokens, same_length))


@program(family=FAMILY, vocab="abcd", example=("abac", (False, True, False, True)))
def is_unique_token() -> SOp:
    """Whether the token occurs only here.

    `is_unique_token("abac") -> [False, True, False, True]`
    """
    return frequency() == 1


@program(family=FAMILY, vocab="abcd", example=("abac", "bbbb"))
def first_unique_token() -> SOp:
    """The first token that occurs only once, or None.

    `first_unique_token("abac") -> "bbbb"`
    """
    return first(Select(frequency(), 1, EQ), tokens)


@program(family=FAMILY, vocab="abcd", example=("abac", (1, 0, 1, 0)))
def count_other_copies() -> SOp:
    """How many others hold the token: `count_other_copies("aba") -> [1, 0, 1]`."""
    return count(Select(tokens, tokens, EQ) & Select(indices, indices, NEQ))


@program(family=FAMILY, vocab="abcd", example=("aabb", (True,) * 4))
def all_frequencies_equal() -> SOp:
    """Whether all distinct tokens are equally frequent.

    `all_frequencies_equal("aab") -> [False] * 3`
    """
    often = frequency()
    top = Aggregate(select_all, often, rule="max").named("top_frequency")
    bottom = Aggregate(select_all, often, rule="min").named("bottom_frequency")
    return top == bottom
