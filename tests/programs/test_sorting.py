import pytest

from programs import sorting
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def kth(x, k):
    return [sorted(x)[k] if k < len(x) else None] * len(x)


REFERENCES = {
    "sort_unique": sorted,
    "sort": sorted,
    "sort_descending": lambda x: sorted(x, reverse=True),
    "sort_by_key": lambda x: x[::-1],
    "sort_by_frequency": lambda x: sorted(x, key=lambda v: -x.count(v)),
    "sort_by_length": lambda x: sorted(x, key=len),
    "argsort": lambda x: sorted(range(len(x)), key=lambda i: x[i]),
    "count_less_than": lambda x: [sum(v < u for v in x) for u in x],
    "count_greater_than": lambda x: [sum(v > u for v in x) for u in x],
    "rank": lambda x: [sorted(x).index(v) + 1 for v in x],
    "dense_rank": lambda x: [sorted(set(x)).index(v) + 1 for v in x],
    "second_maximum": lambda x: [sorted(x)[-2] if x[1:] else None] * len(x),
    "kth_smallest": lambda x: kth(x, 1),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(sorting, name), REFERENCES[name]
    check_against_reference(program, reference)
    check_docstring(program, reference)


@pytest.mark.parametrize("k", [0, 2, 5])
def test_kth_smallest_takes_any_rank(k):
    expression = sorting.kth_smallest.with_parameters(k=k).build()
    for tokens in ([30], [30, 10, 20], [10, 10, 40, 10, 20, 20, 40]):
        assert oracle.evaluate(expression, tokens) == kth(tokens, k)
