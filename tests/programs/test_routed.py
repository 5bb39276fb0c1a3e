import pytest

from programs import routed
from tests.programs.check import check_against_reference, check_docstring


def shifted(x):
    return [x[-1], *x[:-1]]


REFERENCES = {
    "shift_or_reverse_by_parity": lambda x: shifted(x) if len(x) % 2 == 0 else x[::-1],
    "reverse_if_ends_agree": lambda x: x[::-1] if x[0] == x[-1] else list(x),
    "count_or_index_by_presence": lambda x: (
        [x.count(v) for v in x] if "b" in x else list(range(len(x)))
    ),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(routed, name), REFERENCES[name]
    check_against_reference(program, reference)
    check_docstring(program, reference)
