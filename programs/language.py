"""Programs over words: agreement, names, questions, sentiment.

Small fragments of what language models are known to do: find the latest noun or
name, the name that is not repeated, the word that decides a question's class.
"""

from __future__ import annotations

from collections.abc import Sequence

from compiler.rasp import (
    EQ,
    Aggregate,
    Elementwise,
    Select,
    SOp,
    count,
    first,
    indices,
    last,
    mean,
    prefix,
    program,
    select_all,
    shift,
    tokens,
)
from compiler.rasp.values import Value

FAMILY = "language/syntactic"
NAMES = ("Mary", "John")
NOUNS = ("cat", "cats", "dog", "dogs")
PRONOUNS = {"Ann": "she", "Bob": "he"}
PLACES = ("Paris", "Rome")
CLASSES = {"who": "HUM", "where": "LOC", "how": "NUM"}
POLARITY = {"good": 1, "great": 1, "bad": -1, "awful": -1}


def one_of(key: Value, query: Sequence[Value]) -> bool:
    """Return whether the key's word is among the query's."""
    return key in query


def latest(words: Sequence[str]) -> SOp:
    """Return the latest word up to here that is among `words`."""
    return last(prefix() & Select(tokens, tuple(words), one_of), tokens)


@program(
    family=FAMILY,
    vocab=("Mary", "John", "and", "went", "gave", "to"),
    max_len=7,
    example=(["Mary", "and", "John", "went", "John", "gave", "to"], ("Mary",) * 7),
)
def indirect_object(names: Sequence[str] = NAMES) -> SOp:
    """The name that occurs just once, if exactly one does, everywhere.

    `indirect_object(["John", "Mary", "John"]) -> ["Mary"] * 3`
    """
    copies = count(Select(tokens, tokens, EQ)).named("copies")
    single = Elementwise(lambda t, k: t in names and k == 1, (tokens, copies))
    candidates = Select(single.named("is_single_name"), True, EQ)
    ends = (
        first(candidates, tokens).named("first_single"),
        last(candidates, tokens).named("last_single"),
    )
    return Elementwise(lambda name, other: name if name == other else None, ends)


@program(
    family=FAMILY,
    vocab=("from", "to", "17", "32", "99"),
    max_len=7,
    example=(["from", "17", "32", "to", "17"], (33,) * 5),
)
def greater_than_year() -> SOp:
    """The least ending above the start year's.

    The start year's ending is at index 2; None where no number is there, or none is
    greater.

    `greater_than_year(["from", "17", "32"]) -> [33] * 3`
    """
    start = Aggregate(Select(indices, 2, EQ), tokens).named("start_ending")
    return start.map(lambda y: int(y) + 1 if y and y.isdigit() and y < "99" else None)


@program(
    family=FAMILY,
    vocab=(*NOUNS, "often", "VERB"),
    max_len=6,
    example=(["cats", "often", "VERB"], (None, None, "plural")),
)
def subject_verb_number() -> SOp:
    """The latest noun's number, at VERB.

    `subject_verb_number(["dogs", "VERB"]) -> [None, "plural"]`
    """

    def number(word: str, noun: str | None) -> str | None:
        if word != "VERB" or noun is None:
            return None
        return "plural" if noun.endswith("s") else "singular"

    return Elementwise(number, (tokens, latest(NOUNS).named("subject")))


@program(
    family=FAMILY,
    vocab=("Ann", "Bob", "said", "PRON"),
    example=(["Ann", "said", "PRON"], (None, None, "she")),
)
def gendered_pronoun() -> SOp:
    """At PRON the pronoun of the latest name.

    `gendered_pronoun(["Bob", "PRON"]) -> [None, "he"]`
    """
    name = latest(tuple(PRONOUNS)).named("latest_name")
    return Elementwise(
        lambda word, who: PRONOUNS.get(who) if word == "PRON" else None, (tokens, name)
    )


@program(
    family=FAMILY,
    vocab=("Mr", "Smith", "visited", "Paris", "Rome"),
    max_len=7,
    example=(["Mr", "Smith", "visited", "Paris"], ("O", "PER", "O", "LOC")),
)
def named_entity_tag() -> SOp:
    """PER after Mr, LOC for a place, else O.

    `named_entity_tag(["Mr", "Smith"]) -> ["O", "PER"]`
    """

    def tag(word: str, before: str | None) -> str:
        return "PER" if before == "Mr" else "LOC" if word in PLACES else "O"

    return Elementwise(tag, (tokens, shift(tokens).named("previous")))


@program(
    family=FAMILY,
    vocab=("who", "where", "how", "wrote", "it"),
    max_len=7,
    example=(["who", "wrote", "it"], ("HUM", "HUM", "HUM")),
)
def question_type() -> SOp:
    """The class of the first question word.

    who is HUM, where LOC, how NUM; DESC without any.

    `question_type(["where", "it"]) -> ["LOC", "LOC"]`
    """
    word = first(Select(tokens, tuple(CLASSES), one_of), tokens).named("question_word")
    return word.map(lambda w: CLASSES.get(w, "DESC"))


@program(
    family=FAMILY,
    vocab=("good", "great", "bad", "film"),
    example=(["good", "bad", "good"], ("pos", "pos", "pos")),
)
def bag_of_words_sentiment() -> SOp:
    """Whether good words outnumber bad ones.

    `bag_of_words_sentiment(["bad", "film"]) -> ["neg", "neg"]`
    """
    polarity = tokens.map(lambda w: POLARITY.get(w, 0)).named("polarity")
    balance = mean(select_all, polarity).named("mean_polarity")
    return balance.map(lambda m: "pos" if m > 0 else "neg" if m < 0 else "neutral")


@program(
    family=FAMILY,
    vocab=("1.", "2.", "3.", "x", "y"),
    max_len=7,
    example=(["1.", "x", "2.", "y"], ("2.", "2.", "3.", "3.")),
)
def next_list_label(vocab: Sequence[str]) -> SOp:
    """The label after the latest one.

    `next_list_label(["1.", "x", "2."]) -> ["2.", "2.", "3."]`
    """
    labels = [word for word in vocab if word[:-1].isdigit() and word[-1] == "."]
    following = {label: f"{int(label[:-1]) + 1}." for label in labels}
    return latest(labels).named("latest_label").map(following.get)
