import itertools

import pytest

from programs import tomita
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring
from tests.programs.test_automata import matching, on_prefixes


def no_odd_run_meets_another(x):
    """Whether no odd run of 1s is directly followed by an odd run of 0s."""
    runs = [(bit, len(list(run))) for bit, run in itertools.groupby(x)]
    return not any(
        a == 1 and m % 2 == 1 and n % 2 == 1
        for (a, m), (_, n) in itertools.pairwise(runs)
    )


REFERENCES = {
    "tomita_1": matching("1*"),
    "tomita_2": matching("(10)*"),
    "tomita_3": on_prefixes(no_odd_run_meets_another),
    "tomita_4": on_prefixes(lambda x: "000" not in "".join(map(str, x))),
    "tomita_5": on_prefixes(lambda x: x.count(0) % 2 == 0 and x.count(1) % 2 == 0),
    "tomita_6": on_prefixes(lambda x: (x.count(0) - x.count(1)) % 3 == 0),
    "tomita_7": matching("0*1*0*1*"),
}
# Few random strings are accepted; these are, or nearly so.
EXTRA = {
    "tomita_1": [[1] * 10],
    "tomita_2": [[1, 0] * 5, [1, 0, 1, 0, 1, 1], [1, 0, 1, 0, 0, 0]],
    "tomita_3": [[1, 1, 0, 1, 0, 0, 0, 0, 1], [0, 1, 1, 1, 0, 0, 1, 0, 1]],
    "tomita_7": [[0, 0, 1, 1, 1, 0, 0, 1, 1], [1, 1, 0, 0, 1, 1, 0, 0]],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(tomita, name), REFERENCES[name]
    check_against_reference(program, reference, EXTRA.get(name, ()))
    check_docstring(program, reference)


@pytest.mark.parametrize("name", REFERENCES)
def test_all_are_right_on_every_string_of_six_bits_when_causal(name):
    expression = getattr(tomita, name).build()
    for bits in itertools.product((0, 1), repeat=6):
        found = oracle.evaluate(expression, bits, causal=True)
        assert found == REFERENCES[name](list(bits))
