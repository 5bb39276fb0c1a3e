import pytest

from programs import language
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def everywhere(answer):
    return lambda x: [answer(x)] * len(x)


def on_prefixes(answer):
    return lambda x: [answer(x[: i + 1]) for i in range(len(x))]


def latest(x, words):
    return next((w for w in reversed(x) if w in words), None)


def indirect_object(x):
    single = [name for name in ("Mary", "John") if x.count(name) == 1]
    return single[0] if len(single) == 1 else None


def next_year(x):
    if len(x) < 3 or not x[2].isdigit() or x[2] == "99":
        return None
    return int(x[2]) + 1


def verb_number(x):
    noun = latest(x, ("cat", "cats", "dog", "dogs"))
    if x[-1] != "VERB" or noun is None:
        return None
    return "plural" if noun in ("cats", "dogs") else "singular"


def pronoun(x):
    name = latest(x, ("Ann", "Bob"))
    if x[-1] != "PRON" or name is None:
        return None
    return "she" if name == "Ann" else "he"


def tag(x):
    if x[-2:-1] == ["Mr"]:
        return "PER"
    return "LOC" if x[-1] in ("Paris", "Rome") else "O"


def question(x):
    classes = {"who": "HUM", "where": "LOC", "how": "NUM"}
    return next((classes[w] for w in x if w in classes), "DESC")


def sentiment(x):
    score = sum((w in ("good", "great")) - (w == "bad") for w in x)
    return "pos" if score > 0 else "neg" if score < 0 else "neutral"


def next_label(x):
    successor = {"1.": "2.", "2.": "3.", "3.": "4.", None: None}
    return successor[latest(x, ("1.", "2.", "3."))]


REFERENCES = {
    "indirect_object": everywhere(indirect_object),
    "greater_than_year": everywhere(next_year),
    "subject_verb_number": on_prefixes(verb_number),
    "gendered_pronoun": on_prefixes(pronoun),
    "named_entity_tag": on_prefixes(tag),
    "question_type": everywhere(question),
    "bag_of_words_sentiment": everywhere(sentiment),
    "next_list_label": on_prefixes(next_label),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(language, name), REFERENCES[name]
    check_against_reference(program, reference)
    check_docstring(program, reference)


def test_the_names_of_the_indirect_object_are_a_parameter():
    program = language.indirect_object.with_parameters(names=("Eve", "Kim", "Sam"))
    words = ["Eve", "Kim", "to", "Eve"]
    assert oracle.evaluate(program.build(), words) == ["Kim"] * 4
    assert oracle.evaluate(program.build(), [*words, "Sam"]) == [None] * 5
