import pytest

from programs import redundant
from tests.programs.check import check_against_reference, check_docstring

REFERENCES = {
    "reverse_by_vote": lambda x: list(x)[::-1],
    "histogram_by_vote": lambda x: [x.count(v) for v in x],
    "contains_a_or_b": lambda x: ["a" in x or "b" in x] * len(x),
    "contains_a_and_b": lambda x: ["a" in x and "b" in x] * len(x),
    "first_with_backup": lambda x: [x[0]] * len(x),
    "first_by_evidence": lambda x: [x[0]] * len(x),
    "first_against_doubt": lambda x: [x[0]] * len(x),
    "maximum_with_backup": lambda x: [max(x)] * len(x),
    "maximum_by_evidence": lambda x: [max(x)] * len(x),
    "maximum_against_doubt": lambda x: [max(x)] * len(x),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(redundant, name), REFERENCES[name]
    check_against_reference(program, reference)
    check_docstring(program, reference)
