import pytest

from programs import sets
from tests.programs.check import check_against_reference, check_docstring


def sides(x):
    bar = x.index("|")
    return x[:bar], x[bar + 1 :]


def zero_repeats(x):
    return [0 if v in x[:i] else v for i, v in enumerate(x)]


def unique_tokens(x):
    return [None if v in x[:i] else v for i, v in enumerate(x)]


def unique_tokens_compacted(x):
    distinct = list(dict.fromkeys(x))
    return distinct + ["_"] * (len(x) - len(distinct))


def in_both_sets(x):
    left, right = sides(x)
    return [v in left and v in right for v in x]


def in_left_only(x):
    left, right = sides(x)
    return [v not in right for v in left] + [False] * (1 + len(right))


def on_sides(test):
    def reference(x):
        left, right = map(set, sides(x))
        return [test(left, right)] * len(x)

    return reference


REFERENCES = {
    "zero_repeats": zero_repeats,
    "zero_all_duplicated": lambda x: [0 if x.count(v) > 1 else v for v in x],
    "unique_tokens": unique_tokens,
    "unique_tokens_compacted": unique_tokens_compacted,
    "in_both_sets": in_both_sets,
    "in_left_only": in_left_only,
    "sets_disjoint": on_sides(set.isdisjoint),
    "is_subset": on_sides(set.issubset),
    "sets_equal": on_sides(lambda left, right: left == right),
    "query_membership": lambda x: [x[-1] in x[:-1]] * len(x),
    "union_size": on_sides(lambda left, right: len(left | right)),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(sets, name), REFERENCES[name]
    check_against_reference(program, reference)
    check_docstring(program, reference)


def test_two_sets_are_those_around_exactly_one_bar():
    assert sets.two_sets("|") and sets.two_sets("ab|") and sets.two_sets("a|b")
    assert not sets.two_sets("ab") and not sets.two_sets("a||b")
