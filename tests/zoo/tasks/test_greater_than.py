"""Greater-than, against plain Python over every sentence."""

import numpy as np
import pytest

from tests.zoo.tasks.check import (
    check_inputs,
    check_laws,
    check_reference,
    clean,
    draw_overrides,
    words,
)
from zoo.tasks.greater_than import NOUNS, TEMPLATES, VERBS, GreaterThan

TASK = GreaterThan()
SMALL = GreaterThan(("20", "21", "22"), ("16", "17"), ("war", "truce"), ("lasted",))
ALL = 100_000_000


def reference(task):
    """Return the definition in words, one position after the other."""

    def run(tokens, given):
        kept = [[], [], []]

        def keep(row, place, value, values):
            index = -1 if value is Ellipsis else values.index(value)
            chosen = given[row][place]
            kept[row].append(index if chosen == -2 else chosen)
            held = kept[row][place]
            return None if held < 0 else values[held]

        names = ("start_century", "start_year", "later_years")
        of_century, of_year, of_span = (list(task.values[n]) for n in names)
        for place, word in enumerate(tokens):
            before = tokens[: place + 1]
            century = next((w for w in before if w in task.centuries), None)
            year = next((w for w in before if w in task.years), None)
            century = keep(0, place, century, of_century)
            year = keep(1, place, year, of_year)
            span = ...
            if word in task.centuries and century and year:
                later = [y for y in task.years if int(word + y) > int(century + year)]
                span = f"{later[0]}..{later[-1]}" if later else "none"
            keep(2, place, span, of_span)
        return kept

    return run


def test_it_is_the_reference_on_every_sentence_of_a_small_language():
    ids, complete = SMALL.inputs(ALL, 0)
    assert complete and not SMALL.inputs(len(ids) - 1, 0)[1]
    # Five templates with a noun and a verb, one with a noun; 3 + 2 + 2 dates.
    assert len(ids) == (5 * 2 * 1 + 2) * (3 + 2 + 2)
    overrides = np.repeat(clean(SMALL)[None], len(ids), axis=0)
    check_reference(SMALL, ids, overrides, reference(SMALL))


def test_it_is_the_reference_under_random_overrides():
    ids = np.repeat(SMALL.inputs(ALL, 0)[0], 8, axis=0)
    check_reference(SMALL, ids, draw_overrides(SMALL, ids, 0), reference(SMALL))
    ids = TASK.inputs(800, 1)[0]
    check_reference(TASK, ids, draw_overrides(TASK, ids, 2), reference(TASK))


def test_the_laws_of_a_causal_model_hold():
    check_laws(SMALL, SMALL.inputs(ALL, 0)[0])
    check_laws(TASK, TASK.inputs(500, 0)[0])


def test_inputs_are_distinct_sentences():
    check_inputs(TASK, 3000)
    check_inputs(SMALL, ALL)
    seen = {" ".join(words(TASK, row)[:-1]) for row in TASK.inputs(3000, 0)[0]}
    assert not any(slot in text for text in seen for slot in ("NOUN", "VERB", "C", "Y"))


def test_every_sentence_leaves_a_year():
    for row in TASK.inputs(3000, 3)[0]:
        dates = [w for w in words(TASK, row) if w.isdigit()]
        start, year, end = dates
        assert words(TASK, row)[-1] == end
        assert end > start or (end == start and year < TASK.years[-1])


def test_the_language_is_as_rich_as_it_says():
    assert len(NOUNS) >= 10 and len(VERBS) >= 5 and len(TEMPLATES) >= 5
    assert len(set(TASK.vocab)) == len(TASK.vocab)
    assert all(template[-1] == "C" for template in TEMPLATES)


@pytest.mark.parametrize(
    ("words", "span"), [(("17", "32", "17"), "33..49"), (("17", "32", "18"), "20..49")]
)
def test_the_examples_of_the_docstring(words, span):
    start, year, end = words
    given = [[-2] * 8] * 3
    sentence = ["the", "war", "lasted", "from", start, year, "to", end]
    values = reference(TASK)(sentence, given)
    assert TASK.values["later_years"][values[2][-1]] == span
    assert f"from 17 32 to {end} -> {span}" in str(GreaterThan.__doc__)


def test_year_probabilities_are_uniform_over_what_a_class_means():
    logits = np.full((2, 1 + len(TASK.years)), -50.0)
    span = TASK.values["later_years"].index("33..49")
    logits[0, span] = logits[1, 0] = 50.0
    found = TASK.year_probabilities(logits)
    later = np.array([int(y) > 32 for y in TASK.years])
    np.testing.assert_allclose(found[0], later / later.sum(), atol=1e-12)
    np.testing.assert_allclose(found[1], 0.0, atol=1e-12)
