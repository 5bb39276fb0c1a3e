"""Programs over texts whose tokens are characters: capitals, ciphers, vowels, lines."""

from __future__ import annotations

from string import ascii_lowercase

from compiler.rasp import (
    EQ,
    Aggregate,
    Elementwise,
    Select,
    SOp,
    count,
    indices,
    last,
    length,
    prefix,
    program,
    select_all,
    shift,
    tokens,
    where,
)
from programs.search import holding
from programs.shifting import token_at
from programs.symbols import advance
from programs.words import FAMILY, VOWELS


def is_vowel() -> SOp:
    """Return whether the character is one of a, e, i, o, u."""
    return tokens.map(lambda character: character in VOWELS).named("is_vowel")


def first_token() -> SOp:
    """Return the first character, at every position."""
    return Aggregate(Select(indices, 0, EQ), tokens).named("first_token")


@program(family=FAMILY, vocab="helo", example=("hello", "HeLlO"))
def alternate_capitalization_chars() -> SOp:
    """Upper case at 0, 2, ..: `alternate_capitalization_chars("hello") -> "HeLlO"`."""

    def alternate(character: str, i: int) -> str:
        return character.lower() if i % 2 else character.upper()

    return Elementwise(alternate, (tokens, indices))


@program(family=FAMILY, vocab="abB1", example=("aB1", "AB1"))
def to_uppercase() -> SOp:
    """The character in upper case: `to_uppercase("aB1") -> "AB1"`."""
    return tokens.map(str.upper)


@program(family=FAMILY, vocab="hELO", example=("hELLO", "Hello"))
def capitalize_first() -> SOp:
    """Upper case at the start, lower then: `capitalize_first("hEL") -> "Hel"`."""
    return Elementwise(
        lambda character, i: character.lower() if i else character.upper(),
        (tokens, indices),
    )


@program(family=FAMILY, vocab="abc ", example=("ab ca", "Ab Ca"))
def title_case() -> SOp:
    """The first of each word in upper case: `title_case("ab ca") -> "Ab Ca"`."""
    before = shift(tokens, default=" ").named("previous")
    return where(before == " ", tokens.map(str.upper), tokens)


@program(family=FAMILY, vocab="bead", example=("bead", "bbbd"))
def replace_vowels_with_first() -> SOp:
    """The first for each vowel: `replace_vowels_with_first("bead") -> "bbbd"`."""
    return where(is_vowel(), first_token(), tokens)


@program(family=FAMILY, vocab="bead", example=("bead", "bddd"))
def replace_vowels_with_last() -> SOp:
    """The last for each vowel: `replace_vowels_with_last("bead") -> "bddd"`."""
    ending = last(select_all, tokens).named("last_token")
    return where(is_vowel(), ending, tokens)


@program(family=FAMILY, vocab="bead", example=("bead", "beed"))
def replace_vowels_by_count_index() -> SOp:
    """Each vowel as the character at the index of how many vowels there are, less 1.

    `replace_vowels_by_count_index("bead") -> "beed"`
    """
    vowel = is_vowel()
    vowels = count(Select(vowel, True, EQ)).named("vowels")
    chosen = token_at((vowels - 1).named("chosen_index")).named("chosen")
    return where(vowel, chosen, tokens)


@program(family=FAMILY, vocab="helo", max_len=7, example=("hello", "holle"))
def reverse_vowels() -> SOp:
    """The vowels in the opposite order: `reverse_vowels("hello") -> "holle"`."""
    vowel = is_vowel()
    vowels = Select(vowel, True, EQ)
    before = count(vowels & prefix(strict=True)).named("vowels_before")
    opposite = count(vowels).named("vowels") - 1 - before
    rank = where(vowel, before, None).named("rank")
    found = Aggregate(Select(rank, opposite.named("opposite_rank"), EQ), tokens)
    return where(vowel, found.named("opposite_vowel"), tokens)


@program(family=FAMILY, vocab="abcz", example=("bcz", "cda"))
def shift_by_kth_letter(k: int = 0) -> SOp:
    """Each letter as many places on as the one at `k` has in the alphabet, `a` none.

    Where no letter is at `k`, all stay.

    `shift_by_kth_letter("bcz") -> "cda"`
    """
    key = Aggregate(Select(indices, k, EQ), tokens, "a").named("key")
    return Elementwise(
        lambda letter, key: advance(letter, max(ascii_lowercase.find(key), 0)),
        (tokens, key),
    )


@program(family=FAMILY, vocab="abyz", example=("abz", "dec"))
def shift_by_length() -> SOp:
    """Each letter as many places on as there are letters.

    `shift_by_length("abz") -> "dec"`
    """
    return Elementwise(advance, (tokens, length))


@program(family=FAMILY, vocab="abcz", example=("abc", "aec"))
def shift_middle_letter(k: int = 3) -> SOp:
    """The middle letter k places on, the others as they are.

    Of an even number, the second half's first letter is the middle one.

    `shift_middle_letter("abc") -> "aec"`
    """
    is_middle = (indices == length // 2).named("is_middle")
    return where(is_middle, tokens.map(lambda letter: advance(letter, k)), tokens)


@program(family=FAMILY, vocab="abcz", example=("abz", "bbz"))
def shift_first_letter(k: int = 1) -> SOp:
    """The first letter k places on: `shift_first_letter("abz") -> "bbz"`."""
    return Elementwise(
        lambda letter, i: letter if i else advance(letter, k), (tokens, indices)
    )


@program(family=FAMILY, vocab="abcz", example=("cab", (3, 3, 3)))
def first_letter_ordinal() -> SOp:
    """The first letter's place in the alphabet: `first_letter_ordinal("ca") -> [3, 3]`.

    It is everywhere; the place of `a` is 1.
    """
    return first_token().map(lambda letter: ascii_lowercase.find(letter) + 1)


@program(
    family=FAMILY, vocab="aB1 !", example=("a1 B", ("alpha", "digit", "space", "alpha"))
)
def character_class() -> SOp:
    """Letter, digit, space or other: `character_class("a!") -> ["alpha", "other"]`."""

    def kind(character: str) -> str:
        if character.isalpha():
            return "alpha"
        if character.isdigit():
            return "digit"
        return "space" if character.isspace() else "other"

    return tokens.map(kind)


@program(
    family=FAMILY, vocab='abc"', example=('a"b"c', (False, True, True, False, False))
)
def inside_quotes() -> SOp:
    """Whether a quotation is open: `inside_quotes('"b"') -> [True, True, False]`.

    A double quote that opens one is inside, and one that closes it is outside.
    """
    return count(prefix() & holding('"')).named("quotes") % 2 == 1


@program(family=FAMILY, vocab="abcd\n", example=("ab\ncd", (0, 1, 2, 0, 1)))
def column_number() -> SOp:
    r"""How many characters of the line are before it.

    A newline belongs to the line that it ends.

    `column_number("ab\ncd") -> [0, 1, 2, 0, 1]`
    """
    newline = last(holding("\n") & prefix(strict=True), indices).named("newline_before")
    return Elementwise(
        lambda i, before: i if before is None else i - before - 1, (indices, newline)
    )
