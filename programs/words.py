"""Programs that look at the letters inside each word, which is one token."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from compiler.rasp import (
    Elementwise,
    Select,
    SOp,
    count,
    indices,
    program,
    tokens,
    where,
)

FAMILY = "text formats"
VOWELS = "aeiou"
FEELINGS = {"😊": "positive", "😢": "negative", "😐": "neutral"}
SPAM = ("free", "offer", "click", "now")


@program(
    family=FAMILY,
    vocab=("hello", "worlds", "!", "2022"),
    example=(("hello", "worlds", "!", "2022"), (False, True, False, True)),
)
def word_length_is_even() -> SOp:
    """Whether its length is even: `word_length_is_even(["to"]) -> [True]`."""
    return tokens.map(lambda word: len(word) % 2 == 0)


@program(
    family=FAMILY,
    vocab=("radar", "apple", "rotor", "pear"),
    example=(("radar", "apple", "rotor"), (True, False, True)),
)
def word_is_palindrome() -> SOp:
    """Whether it reads the same backwards.

    `word_is_palindrome(["radar", "apple"]) -> [True, False]`
    """
    return tokens.map(lambda word: word == word[::-1])


@program(
    family=FAMILY,
    vocab=("racecar", "hello", "noon", "on"),
    example=(("racecar", "hello", "noon"), ("racecar", None, "noon")),
)
def keep_palindrome_words() -> SOp:
    """The word if it reads the same backwards, else None.

    `keep_palindrome_words(["hello", "noon"]) -> [None, "noon"]`
    """
    return tokens.map(lambda word: word if word == word[::-1] else None)


@program(
    family=FAMILY,
    vocab=("abc", "def", "on", "noon"),
    example=(["abc", "def"], ["cba", "fed"]),
)
def reverse_each_word() -> SOp:
    """The word backwards: `reverse_each_word(["abc", "on"]) -> ["cba", "no"]`."""
    return tokens.map(lambda word: word[::-1])


@program(
    family=FAMILY,
    vocab=("reverse", "nochange", "ab", "noon"),
    example=(["reverse", "nochange"], ["esrever", "nochange"]),
)
def reverse_each_word_except(keep: str = "nochange") -> SOp:
    """The word backwards, but `keep` as it is.

    `reverse_each_word_except(["ab", "nochange"]) -> ["ba", "nochange"]`
    """
    return tokens.map(lambda word: word if word == keep else word[::-1])


@program(
    family=FAMILY,
    vocab=("international", "of", "machines", "the"),
    example=(["international", "of", "machines"], ["int", "of", "mac"]),
)
def abbreviate_word() -> SOp:
    """Its first three letters: `abbreviate_word(["list", "of"]) -> ["lis", "of"]`."""
    return tokens.map(lambda word: word[:3])


@program(
    family=FAMILY,
    vocab=("enlist", "google", "inlets", "list"),
    example=(["enlist", "google", "inlets"], (True, False, True)),
)
def word_is_anagram_of(target: str = "listen") -> SOp:
    """Whether it has the letters of `target`, each as often, in any order.

    `word_is_anagram_of(["enlist", "list"]) -> [True, False]`
    """
    return tokens.map(lambda word: sorted(word) == sorted(target))


@program(
    family=FAMILY,
    vocab=("apple", "sky", "at", "a"),
    example=(["apple", "sky", "at"], (2 / 3, 0, 1)),
)
def vowel_consonant_ratio() -> SOp:
    """Vowels divided by other letters: `vowel_consonant_ratio(["apple"]) -> [2/3]`.

    None where there is no other letter: no variable can be infinite.
    """

    def ratio(word: str) -> Fraction | None:
        vowels = sum(letter in VOWELS for letter in word)
        others = len(word) - vowels
        return Fraction(vowels, others) if others else None

    return tokens.map(ratio)


@program(
    family=FAMILY,
    vocab=("hello", "world", "Of", "a"),
    example=(["hello", "world"], ["HeLlO", "WoRlD"]),
)
def alternate_capitalization() -> SOp:
    """Every other letter of the word in upper case, the first one too.

    `alternate_capitalization(["hello", "Of"]) -> ["HeLlO", "Of"]`
    """

    def alternate(word: str) -> str:
        return "".join(c.lower() if k % 2 else c.upper() for k, c in enumerate(word))

    return tokens.map(alternate)


@program(
    family=FAMILY,
    vocab=("😊", "😢", "😐", "x"),
    example=("😊😢x", ("positive", "negative", "neutral")),
)
def sentiment_lookup() -> SOp:
    """The feeling that a sign stands for, neutral if it stands for none.

    `sentiment_lookup("😊x") -> ["positive", "neutral"]`
    """
    return tokens.map(lambda sign: FEELINGS.get(sign, "neutral"))


@program(
    family=FAMILY,
    vocab=("free", "offer", "hello", "you"),
    example=(["free", "hello", "offer"], ("spam", "not spam", "spam")),
)
def keyword_spam_flag(keywords: Collection[str] = SPAM) -> SOp:
    """Whether it is a word that spam uses: free, offer, click or now.

    `keyword_spam_flag(["hello", "free"]) -> ["not spam", "spam"]`
    """
    return tokens.map(lambda word: "spam" if word in keywords else "not spam")


@program(
    family=FAMILY,
    vocab=("free", "offer", "hello", "you"),
    example=(["free", "hello", "offer"], ("spam",) * 3),
)
def keyword_spam_document(keywords: Collection[str] = SPAM) -> SOp:
    """Whether two tokens or more are words that spam uses, everywhere.

    `keyword_spam_document(["free", "free"]) -> ["spam", "spam"]`
    """
    used = Select(tokens, True, lambda key, query: key in keywords)
    return where(count(used).named("spam_words") >= 2, "spam", "not spam")


@program(family=FAMILY, vocab="abc", max_len=5, example=("abc", ("a", "bb", "ccc")))
def cascade_repeat() -> SOp:
    """The token once, then twice, ..: `cascade_repeat("abc") -> ["a", "bb", "ccc"]`."""
    return Elementwise(lambda token, i: token * (i + 1), (tokens, indices))
