"""Programs over words that are bound to one another, spelled out or repeated.

A word is bound to its neighbour in a definition (`def a b`, `apple boxA`), and is
asked for later: the neighbour of an earlier copy of the present word answers, which
is the induction step of language models. Commands and acronyms copy a word, or its
initial, to where the words before it leave off.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from compiler.rasp import (
    EQ,
    GT,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    SOp,
    first,
    indices,
    mean,
    prefix,
    program,
    shift,
    tokens,
)
from compiler.rasp.expr import Rule

FAMILY = "language/syntactic"
TIMES = {"twice": 2, "thrice": 3}
FRUIT, BOXES = ("apple", "pear"), ("boxA", "boxB")
LABELS = ("A", "B")
PAD = "_"


def same_word(key: str | None, query: str | None) -> bool:
    """Return whether both are the same word; None is no word."""
    return key is not None and key == query


def bound_to_asked(values: Sequence[str], rule: Rule) -> SOp:
    """Return, at a question mark, the value bound to the word before it.

    Args:
        values: the words that are bound, each to the word after it, if that is
            neither a value nor a question mark.
        rule: which binding of a word counts, `first` or `last`.
    """
    previous, others = shift(tokens).named("previous"), (*values, "?", None)
    bound = Elementwise(
        lambda here, before: here if before in values and here not in others else None,
        (tokens, previous),
    ).named("bound_word")
    asked = Elementwise(
        lambda here, before: before if here == "?" and before not in others else None,
        (tokens, previous),
    ).named("asked_word")
    earlier = prefix(strict=True) & Select(bound, asked, same_word)
    return Aggregate(earlier, previous, rule=rule)


@program(
    family=FAMILY,
    vocab=("def", "a", "b", "c", "doc"),
    max_len=7,
    example=(["def", "a", "b", "c", "doc", "a", "b"], (*[None] * 4, "a", "b", "c")),
)
def docstring_next_argument() -> SOp:
    """From doc on, the next argument of def.

    The def line is what comes before the first doc. Next is the word in it that
    follows the present one (def, at doc); None before doc, and where none follows.

    `docstring_next_argument(["def", "a", "doc"]) -> [None, None, "a"]`
    """
    docs = prefix() & Select(tokens, "doc", EQ)
    in_doc = Aggregate(docs, Constant(True), default=False).named("in_docstring")
    present = Elementwise(
        lambda word, inside: ("def" if word == "doc" else word) if inside else None,
        (tokens, in_doc),
    ).named("present_word")
    follows = Elementwise(
        lambda before, inside: None if inside else before,
        (shift(tokens).named("previous"), in_doc),
    ).named("follows")
    return first(Select(follows, present, same_word), tokens)


@program(
    family=FAMILY,
    vocab=(*FRUIT, *BOXES, "?"),
    max_len=7,
    example=(["apple", "boxA", "pear", "boxB", "boxA", "?"], (*[None] * 5, "apple")),
)
def entity_binding() -> SOp:
    """At ? what the box before it holds.

    A box holds what was put into it last, that is, what stood before it.

    `entity_binding(["apple", "boxA", "?"]) -> [None, None, "apple"]`
    """
    return bound_to_asked(FRUIT, "last")


@program(
    family=FAMILY,
    vocab=(*LABELS, "red", "blue", "?"),
    max_len=7,
    example=(["A", "red", "B", "blue", "blue", "?"], (*[None] * 5, "B")),
)
def multiple_choice_label() -> SOp:
    """At ? the label of the word before it.

    The first one, where it has several.

    `multiple_choice_label(["A", "red", "red", "?"]) -> [None, None, None, "A"]`
    """
    return bound_to_asked(LABELS, "first")


@program(
    family=FAMILY,
    vocab=("Chief", "Exec", "Officer"),
    max_len=5,
    example=(["Chief", "Exec", "Officer"], ("C", "CE", "CEO")),
)
def acronym(max_len: int) -> SOp:
    """The initials of the words up to here.

    All initials are fetched at once and joined up; the outputs are as many as there
    are acronyms, so long inputs make a large model.

    `acronym(["Chief", "Exec"]) -> ["C", "CE"]`
    """

    def initial(place: int) -> SOp:
        here = Select(indices, place, EQ) & prefix()
        word = Aggregate(here, tokens).named(f"word_{place}")
        return word.map(lambda w: "" if w is None else w[0].upper())

    return reduce(lambda text, more: text + more, map(initial, range(max_len)))


@program(
    family=FAMILY,
    vocab=("jump", "walk", "twice", "thrice", PAD),
    max_len=7,
    example=(["jump", "twice", PAD, PAD], ("JUMP", "JUMP", PAD, PAD)),
)
def scan_twice() -> SOp:
    """Each verb as one to three actions.

    Several commands follow one another. A verb makes one action, an adverb after it
    the rest; an adverb after no verb makes none. What is too long is cut off.

    `scan_twice(["jump", "twice"]) -> ["JUMP", "JUMP"]`
    """

    def is_verb(word: str | None) -> bool:
        return word not in (None, PAD, *TIMES)

    def added(word: str, before: str | None) -> int:
        return TIMES.get(word, 1) - 1 if is_verb(before) else 0

    words = (tokens, shift(tokens).named("previous"))
    actions = Elementwise(lambda w, b: 1 if is_verb(w) else added(w, b), words)
    actions = actions.named("actions").doc("how many actions this word adds")
    verb = Elementwise(lambda w, b: w if is_verb(w) else b, words).named("verb")
    done = (mean(prefix(), actions) * (indices + 1)).named("actions_so_far")
    current = first(Select(done, indices, GT), verb).named("current_verb")
    return current.map(lambda word: PAD if word is None else word.upper())
