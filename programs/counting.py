"""Programs that count along the prefix: running counts, runs, segments, windows.

All see only what is at or before a position, so they mean the same in a causal
transformer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from compiler.rasp import (
    EQ,
    NEQ,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    Selector,
    SOp,
    count,
    first,
    indices,
    last,
    mean,
    prefix,
    program,
    tokens,
)
from compiler.rasp.values import Value

FAMILY = "counting/histogram"
VOWELS = tuple("aeiou")


def so_far(value: Value) -> SOp:
    """Return how many tokens of the prefix are `value`."""
    return count(prefix() & Select(tokens, value, EQ))


def occurrence() -> SOp:
    """Return how many tokens up to here are equal to this one."""
    return count(prefix() & Select(tokens, tokens, EQ)).named("occurrence")


def window(size: int) -> Selector:
    """Return the selector of the last `size` positions, this one included."""
    return Select(indices, indices, lambda key, query: query - size < key <= query)


def one_of(key: Value, query: tuple[Value, ...]) -> bool:
    """Return whether the key's token is among the query's."""
    return key in query


def is_even(key: Value, query: Value) -> bool:
    """Return whether the key's token is even."""
    return key % 2 == 0


@program(family=FAMILY, vocab="abcd", example=("abaca", (1, 1, 2, 1, 3)))
def running_occurrence_count() -> SOp:
    """How often the token has occurred up to here.

    `running_occurrence_count("abaca") -> [1, 1, 2, 1, 3]`
    """
    return occurrence()


@program(family=FAMILY, vocab="abcd", example=("abaa", (1, 1, 2, 3)))
def running_count_token(t: str = "a") -> SOp:
    """How often t occurred up to here: `running_count_token("aba") -> [1, 1, 2]`."""
    return so_far(t)


@program(family=FAMILY, vocab="ehlo", example=("hello", (0, 0, 1 / 3, 1 / 2, 2 / 5)))
def fraction_previous(t: str = "l") -> SOp:
    """The share of t in the prefix: `fraction_previous("hell") -> [0, 0, 1/3, 1/2]`."""
    return mean(prefix(), (tokens == t).named("is_t"))


@program(family=FAMILY, vocab="aben", example=("banana", (0, 1, 1, 2, 2, 3)))
def running_vowel_count() -> SOp:
    """How many vowels up to here: `running_vowel_count("ban") -> [0, 1, 1]`."""
    return count(prefix() & Select(tokens, VOWELS, one_of))


@program(family=FAMILY, vocab=(2, 3, 4, 8), example=([2, 3, 4, 8], (1, 1, 2, 3)))
def running_even_count() -> SOp:
    """How many even tokens there are up to here.

    `running_even_count([2, 3, 4, 8]) -> [1, 1, 2, 3]`
    """
    return count(prefix() & Select(tokens, True, is_even))


@program(family=FAMILY, vocab="abcd", example=("abbaa", "aabaa"))
def running_mode(max_len: int) -> SOp:
    """The prefix's most frequent token, ties to the earliest.

    The latest copy of a token knows how often it occurred; so the best standing in
    the prefix is that of its mode, and the standing tells where the mode came first.

    `running_mode("abbaa") -> "aabaa"`
    """
    same = prefix() & Select(tokens, tokens, EQ)
    origin = first(same, indices).named("origin").doc("where this token came first")
    standing = Elementwise(
        lambda times, start: times * max_len - start, (occurrence(), origin)
    ).named("standing")
    best = Aggregate(prefix(), standing, rule="max").named("best_standing")
    mode_origin = (-best % max_len).named("mode_origin")
    return Aggregate(Select(indices, mode_origin, EQ), tokens)


@program(family=FAMILY, vocab=(0, 1, 2), example=([1, 1, 0, 0, 2], (1, 1, 1, 0, 0)))
def running_majority(vocab: Sequence[int]) -> SOp:
    """The prefix's most frequent number, ties to the lower.

    `running_majority([1, 0]) -> [1, 0]`
    """
    order = sorted(vocab)
    if len(order) == 1:
        return tokens
    votes = [so_far(value).named(f"votes_{k}") for k, value in enumerate(order)]
    pairs = list(combinations(range(len(order)), 2))

    def winner(*ahead: bool) -> int:
        wins = Counter(
            a if first else b for first, (a, b) in zip(ahead, pairs, strict=True)
        )
        return order[max(range(len(order)), key=lambda k: (wins[k], -k))]

    duels = [(votes[a] >= votes[b]).named(f"ahead_{a}_{b}") for a, b in pairs]
    return Elementwise(winner, tuple(duels))


@program(family=FAMILY, vocab="abcd", example=("abac", (1, 2, 2, 3)))
def running_distinct_count() -> SOp:
    """How many distinct tokens there are up to here.

    `running_distinct_count("abac") -> [1, 2, 2, 3]`
    """
    earlier = prefix(strict=True) & Select(tokens, tokens, EQ)
    is_first = Aggregate(earlier, Constant(False), default=True).named("is_first")
    return count(prefix() & Select(is_first, True, EQ))


@program(
    family=FAMILY,
    vocab=((0, 3), (1, 3), (0, 5), (1, 5)),
    example=(((1, 3), (1, 3), (1, 5), (0, 3)), (1, 1, 2, 1)),
)
def set_size_after_operations(vocab: Sequence[tuple[int, Value]]) -> SOp:
    """A set's size; (1, b) adds b, (0, b) removes it.

    `set_size_after_operations([(1, 3), (0, 3)]) -> [1, 0]`
    """
    same_element = Select(tokens, tokens, lambda key, query: key[1] == query[1])
    before = last(prefix(strict=True) & same_element, tokens).named("last_write")
    change = Elementwise(
        lambda now, then: now[0] - (then[0] if then else 0), (tokens, before)
    ).named("change")
    added = count(prefix() & Select(change, 1, EQ)).named("added")
    removed = count(prefix() & Select(change, -1, EQ)).named("removed")
    # Sizes that no set can have are left out of what the model can say.
    most = len({element for _, element in vocab})
    return Elementwise(lambda a, r: max(0, min(a - r, most)), (added, removed))


@program(family=FAMILY, vocab="abc", example=("abab", ("a", "a", "b", None)))
def running_first_unique_token(vocab: Sequence[Value]) -> SOp:
    """The first token that occurs once in the prefix, or None.

    `running_first_unique_token("aba") -> "aab"`
    """
    once = [(so_far(v) == 1).named(f"once_{k}") for k, v in enumerate(vocab)]
    unique = Elementwise(
        lambda *flags: tuple(v for v, flag in zip(vocab, flags, strict=True) if flag),
        tuple(once),
    ).named("unique_tokens")
    return first(prefix() & Select(tokens, unique, one_of), tokens)


@program(family=FAMILY, vocab="abcd", example=("aabccc", (1, 2, 1, 1, 2, 3)))
def run_length() -> SOp:
    """The length of the run up to here: `run_length("aabb") -> [1, 2, 1, 2]`."""
    other = Select(tokens, tokens, NEQ)
    return indices - last(prefix() & other, indices, -1).named("previous_run_end")


@program(family=FAMILY, vocab="abcd", example=("aabccc", (0, 0, 1, 2, 2, 2)))
def run_index() -> SOp:
    """Which run of equal tokens this is: `run_index("aabb") -> [0, 0, 1, 1]`."""
    before = Select(indices, indices, lambda key, query: key + 1 == query)
    same_before = before & Select(tokens, tokens, EQ)
    starts = Aggregate(same_before, Constant(False), default=True).named("starts_run")
    return count(prefix() & Select(starts, True, EQ)) - 1


@program(family=FAMILY, vocab="abc,", example=("a,b,,c", (0, 0, 1, 1, 2, 3)))
def segment_index(sep: str = ",") -> SOp:
    """How many separators come before.

    `segment_index("a,b,,c") -> [0, 0, 1, 1, 2, 3]`
    """
    return count(prefix(strict=True) & Select(tokens, sep, EQ))


@program(
    family=FAMILY, vocab="abcde,", max_len=6, example=("ab,cde", (0, 1, 2, 0, 1, 2))
)
def position_in_segment(sep: str = ",") -> SOp:
    """The place within a segment: `position_in_segment("ab,cd") -> [0, 1, 2, 0, 1]`.

    A separator belongs to the segment that it closes.
    """
    separators = prefix(strict=True) & Select(tokens, sep, EQ)
    return indices - last(separators, indices, -1).named("separator_index") - 1


@program(
    family=FAMILY, vocab=(0, 1), max_len=10, example=([1, 0, 0, 1, 1], (1, 0, -1, 0, 1))
)
def running_balance() -> SOp:
    """Ones minus zeros up to here: `running_balance([1, 0, 0]) -> [1, 0, -1]`."""
    return 2 * so_far(1).named("ones") - indices - 1


@program(
    family=FAMILY,
    vocab=(0, 1),
    max_len=10,
    example=([1, 0, 0, 1, 1], (True, True, False, False, False)),
)
def always_majority() -> SOp:
    """Whether no prefix up to here has more 0s than 1s.

    `always_majority([1, 0, 0]) -> [True, True, False]`
    """
    share = mean(prefix(), tokens).named("share_of_ones")
    return Aggregate(prefix(), (2 * share >= 1).named("holds"), rule="min")


@program(family=FAMILY, vocab=(3, 4, 5, 6), example=([4, 4, 5, 4], (1, 1, 2, 2)))
def window_distinct_count(w: int = 3) -> SOp:
    """How many distinct tokens the last w hold.

    They are the tokens of the window whose previous copy is before the window.

    `window_distinct_count([4, 4, 5, 4]) -> [1, 1, 2, 2]`
    """
    same = Select(tokens, tokens, EQ)
    previous = last(prefix(strict=True) & same, indices).named("previous_copy")
    fresh = Select(
        previous, indices, lambda key, query: key is None or key <= query - w
    )
    return count(window(w) & fresh)


@program(family=FAMILY, vocab=(3, 4, 5, 6), example=([4, 4, 5, 4], (0, 1, 0, 1)))
def count_copies_in_window(w: int = 2) -> SOp:
    """How many of the w tokens before equal this.

    `count_copies_in_window([4, 4, 5, 4]) -> [0, 1, 0, 1]`
    """
    recent = Select(indices, indices, lambda key, query: query - w <= key < query)
    return count(recent & Select(tokens, tokens, EQ))
