import pytest

from programs import counting
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def on_prefixes(answer):
    return lambda x: [answer(x[: i + 1]) for i in range(len(x))]


def mode(x):
    """The token with the greatest count; dict keys keep the order of appearance."""
    return max(dict.fromkeys(x), key=x.count)


def set_size(operations):
    present = set()
    for adds, element in operations:
        if adds:
            present.add(element)
        else:
            present.discard(element)
    return len(present)


def run_starts(x):
    return [i for i in range(len(x)) if i == 0 or x[i] != x[i - 1]]


def place_in_segment(x):
    earlier = x[:-1]
    if "," not in earlier:
        return len(earlier)
    return earlier[::-1].index(",")


def always_majority(x):
    return all(sum(x[:n]) >= n / 2 for n in range(1, len(x) + 1))


REFERENCES = {
    "running_occurrence_count": on_prefixes(lambda x: x.count(x[-1])),
    "running_count_token": on_prefixes(lambda x: x.count("a")),
    "fraction_previous": on_prefixes(lambda x: x.count("l") / len(x)),
    "running_vowel_count": on_prefixes(lambda x: sum(t in "aeiou" for t in x)),
    "running_even_count": on_prefixes(lambda x: sum(t % 2 == 0 for t in x)),
    "running_mode": on_prefixes(mode),
    "running_majority": on_prefixes(lambda x: mode(sorted(x))),
    "running_distinct_count": on_prefixes(lambda x: len(set(x))),
    "set_size_after_operations": on_prefixes(set_size),
    "running_first_unique_token": on_prefixes(
        lambda x: next((t for t in x if x.count(t) == 1), None)
    ),
    "run_length": on_prefixes(lambda x: len(x) - run_starts(x)[-1]),
    "run_index": on_prefixes(lambda x: len(run_starts(x)) - 1),
    "segment_index": on_prefixes(lambda x: x[:-1].count(",")),
    "position_in_segment": on_prefixes(place_in_segment),
    "running_balance": on_prefixes(lambda x: x.count(1) - x.count(0)),
    "always_majority": on_prefixes(always_majority),
    "window_distinct_count": on_prefixes(lambda x: len(set(x[-3:]))),
    "count_copies_in_window": on_prefixes(lambda x: x[-3:-1].count(x[-1])),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(counting, name), REFERENCES[name]
    check_against_reference(program, reference)
    check_docstring(program, reference)


@pytest.mark.parametrize("name", REFERENCES)
def test_prefix_programs_mean_the_same_when_causal(name):
    program = getattr(counting, name)
    expression, word = program.build(), (program.vocab * 3)[: program.max_len]
    for tokens in (word, word[::-1], program.example[0]):
        causal = oracle.evaluate(expression, tokens, causal=True)
        assert causal == oracle.evaluate(expression, tokens)


@pytest.mark.parametrize("w", [1, 2, 5])
def test_windows_take_any_width(w):
    tokens = [3, 4, 3, 5, 5, 6, 4, 3]
    distinct = counting.window_distinct_count.with_parameters(w=w).build()
    expected = [len(set(tokens[max(0, i - w + 1) : i + 1])) for i in range(8)]
    assert oracle.evaluate(distinct, tokens) == expected
    copies = counting.count_copies_in_window.with_parameters(w=w).build()
    expected = [tokens[max(0, i - w) : i].count(tokens[i]) for i in range(8)]
    assert oracle.evaluate(copies, tokens) == expected


@pytest.mark.parametrize("vocab", [(4,), (5, 2), (3, 1, 2, 0)])
def test_running_majority_works_on_any_vocabulary(vocab):
    tokens = [vocab[(i * i) % len(vocab)] for i in range(8)]
    found = oracle.evaluate(counting.running_majority.build(vocab=vocab), tokens)
    assert found == REFERENCES["running_majority"](tokens)


def test_running_mode_works_on_other_vocabularies_and_lengths():
    expression = counting.running_mode.build(vocab=range(6), max_len=12)
    tokens = [5, 0, 0, 3, 3, 5, 5, 1, 3, 3, 0, 3]
    assert oracle.evaluate(expression, tokens) == REFERENCES["running_mode"](tokens)
