"""Programs that delete, insert or rearrange characters; "_" fills what is left over."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.rasp import (
    EQ,
    GT,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    SOp,
    compact,
    count,
    first,
    indices,
    last,
    length,
    prefix,
    program,
    repeat,
    shift,
    tokens,
    where,
)
from compiler.rasp.values import Value
from programs.aligning import not_holding
from programs.characters import first_token
from programs.copying import SLOT, leaves_half, leaves_slots
from programs.search import holding
from programs.shifting import token_at
from programs.words import FAMILY

SPACE = " "


def has_one_slot(x: Sequence[Value]) -> bool:
    """Return whether "_" is the last token, and no other one."""
    return leaves_slots(x, len(x) - 1)


def digits(wanted: bool) -> SOp:
    """Return whether the character is a digit, or (not wanted) is none."""
    return tokens.map(lambda c: c.isdigit() == wanted).named("is_kept")


def mirrored_words() -> SOp:
    """Return the text with the letters of each word in the opposite order."""
    before = last(holding(SPACE) & prefix(strict=True), indices).named("space_before")
    later = Select(indices, indices, GT)
    after = first(holding(SPACE) & later, indices).named("space_after")

    def source(token: str, i: int, start: int | None, end: int | None, n: int) -> int:
        low, high = -1 if start is None else start, n if end is None else end
        return i if token == SPACE else low + high - i

    bounds = (tokens, indices, before, after, length)
    return token_at(Elementwise(source, bounds).named("source_index"))


@program(family=FAMILY, vocab="ab12", example=("a1b2", "ab__"))
def remove_digits() -> SOp:
    """The characters but digits, packed to the left: `remove_digits("1b") -> "b_"`."""
    return compact(tokens, digits(False), SLOT)


@program(family=FAMILY, vocab="ab12", example=("a1b2", "12__"))
def extract_digits() -> SOp:
    """The digits alone, packed to the left: `extract_digits("b1") -> "1_"`."""
    return compact(tokens, digits(True), SLOT)


@program(family=FAMILY, vocab="ab ", example=(" ab ", "ab__"))
def strip_whitespace() -> SOp:
    """The text without spaces at its ends: `strip_whitespace(" a b") -> "a b_"`."""
    letters = not_holding(SPACE)
    start = first(letters, indices).named("first_letter")
    end = last(letters, indices).named("last_letter")

    def source(i: int, start: int | None, end: int | None) -> int | None:
        return i + start if start is not None and i + start <= (end or 0) else None

    index = Elementwise(source, (indices, start, end)).named("source_index")
    return Aggregate(Select(indices, index, EQ), tokens, SLOT)


@program(family=FAMILY, vocab="abc ", max_len=6, example=("ab cab", "ba bac"))
def reverse_words_chars() -> SOp:
    """The letters of each word backwards: `reverse_words_chars("ab ca") -> "ba ac"`."""
    return mirrored_words()


@program(family=FAMILY, vocab="abc ", max_len=6, example=("ab cab", "cab ab"))
def reverse_word_order() -> SOp:
    """The words, spaces between them, in the opposite order.

    That is the whole text backwards, and then each word.

    `reverse_word_order("ab cca") -> "cca ab"`
    """
    opposite = (length - 1 - indices).named("opposite_index")
    mirrored = mirrored_words().named("mirrored_words")
    return Aggregate(Select(indices, opposite, EQ), mirrored)


@program(family=FAMILY, vocab="abc_", example=("abc_", "abca"), accepts=has_one_slot)
def append_first_letter() -> SOp:
    """The text with its first character again: `append_first_letter("ab_") -> "aba"`.

    Every "_" is filled with it.
    """
    return where(tokens == SLOT, first_token(), tokens)


@program(family=FAMILY, vocab="abcd_", example=("abcd_", "abXcd"), accepts=has_one_slot)
def insert_in_middle(t: Value = "X") -> SOp:
    """The text with `t` in its middle: `insert_in_middle("abc_") -> "aXbc"`.

    The middle is the half of its length, rounded down. The last position is taken for
    the "_", whatever it is.
    """
    middle = ((length - 1) // 2).named("middle")
    before = shift(tokens).named("previous")

    def inserted(i: int, middle: int, token: Value, before: Value) -> Value:
        return token if i < middle else before if i > middle else t

    return Elementwise(inserted, (indices, middle, tokens, before))


@program(
    family=FAMILY,
    vocab="abc_",
    example=("abc___", "a b c "),
    accepts=leaves_half,
)
def add_whitespace() -> SOp:
    """The first half, a space after each: `add_whitespace("ab__") -> "a b "`."""
    letter = token_at((indices // 2).named("source_index")).named("letter")
    return where(indices % 2 == 0, letter, SPACE)


@program(family=FAMILY, vocab="abx", example=("xabx", "xcx_"))
def replace_substring(max_len: int, old: str = "ab", new: str = "c") -> SOp:
    """The text with `new` for each `old`: `replace_substring("xab") -> "xc_"`.

    `new` is no longer than `old`. Where two of `old` overlap, the first one counts.
    """
    later = [shift(tokens, -k).named(f"token_plus_{k}") for k in range(1, len(old))]
    spelled = Elementwise(lambda *found: found == tuple(old), (tokens, *later))
    starts = spelled.named("begins_match")
    if any(old.startswith(old[k:]) for k in range(1, len(old))):
        starts = without_overlaps(starts, len(old), max_len)

    def offset(*begins: bool | None) -> int | None:
        return next((k for k, begun in enumerate(begins) if begun), None)

    begun = (starts, *(shift(starts, k) for k in range(1, len(old))))
    inside = Elementwise(offset, begun).named("offset_in_match")
    kept = inside.map(lambda k: k is None or k < len(new)).named("is_kept")
    written = Elementwise(
        lambda t, k: t if k is None else new[k : k + 1], (tokens, inside)
    )
    return compact(written.named("replaced"), kept, SLOT)


def without_overlaps(starts: SOp, size: int, max_len: int) -> SOp:
    """Return the starts of matches of a size that do not begin inside an earlier one.

    Each round settles at least one more match from the left.
    """
    near = Select(indices, indices, lambda key, query: 0 < query - key < size)

    def settle(taken: SOp, number: int) -> SOp:
        covered = Aggregate(near & Select(taken, True, EQ), Constant(True), False)
        return (starts & ~covered).named(f"taken_{number}")

    return repeat(max_len, starts, settle)


@program(family=FAMILY, vocab="abcd,", example=("ab,c,d", "c_____"))
def extract_field(k: int = 1, sep: str = ",") -> SOp:
    """The field number `k`, from 0, of those between `sep`, then "_".

    `extract_field("a,bc,d") -> "bc____"`
    """
    field = count(prefix() & holding(sep)).named("field")
    return compact(tokens, (field == k) & (tokens != sep), SLOT)


@program(
    family=FAMILY,
    vocab="abc",
    max_len=6,
    example=("aabccc", (("a", 2), ("b", 1), ("c", 3), "_", "_", "_")),
)
def run_length_encode() -> SOp:
    """Each run as (token, length), packed to the left.

    `run_length_encode("aab") -> [("a", 2), ("b", 1), "_"]`
    """
    begins = (tokens != shift(tokens).named("previous")).named("begins_run")
    later = Select(begins, True, EQ) & Select(indices, indices, GT)
    following = first(later, indices).named("next_run")

    def run(token: Value, i: int, end: int | None, n: int) -> Value:
        return (token, (n if end is None else end) - i)

    pair = Elementwise(run, (tokens, indices, following, length)).named("run")
    return compact(pair, begins, SLOT)
