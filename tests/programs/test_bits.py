"""The programs of `programs/bits.py` against plain Python."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce

import pytest

from programs import bits
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def on_prefixes(answer):
    return lambda x: [answer(x[: i + 1]) for i in range(len(x))]


def odd(x):
    return int(len(x) % 2 == 1)


def dithered(x, q=15):
    """Whiten where the shade so far, with the error carried on, reaches q."""
    error, out = Fraction(0), []
    for shade in x:
        error += shade
        out.append(1 if error >= q else 0)
        error -= q * out[-1]
    return out


REFERENCES = {
    "parity": lambda x: [reduce(lambda a, b: a ^ b, x)] * len(x),
    "running_parity": on_prefixes(lambda x: odd([b for b in x if b])),
    "running_parity_of_zeros": on_prefixes(lambda x: odd([b for b in x if not b])),
    "window_parity": on_prefixes(lambda x: odd([b for b in x[-3:] if b])),
    "sparse_parity": lambda x: [odd([b for b in x[:3] if b])] * len(x),
    "and_with_previous": on_prefixes(lambda x: int(x[-2:] == [1, 1])),
    "or_last_k": on_prefixes(lambda x: int(1 in x[-2:])),
    "bitwise_and": lambda x: [min(pair) for pair in x],
    "bitwise_or": lambda x: [max(pair) for pair in x],
    "bitwise_xor": lambda x: [int(a != b) for a, b in x],
    "error_diffusion_dithering": dithered,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    check_against_reference(getattr(bits, name), REFERENCES[name])
    check_docstring(getattr(bits, name), REFERENCES[name])


@pytest.mark.parametrize("size", [1, 2, 4])
def test_windows_have_any_size(size):
    window = bits.window_parity.with_parameters(w=size).build()
    either = bits.or_last_k.with_parameters(w=size).build()
    sparse = bits.sparse_parity.with_parameters(k=size).build()
    given = [0, 1, 1, 0, 1, 0, 0, 0]
    last = on_prefixes(lambda x: x[-size:])(given)
    assert oracle.evaluate(window, given) == [sum(x) % 2 for x in last]
    assert oracle.evaluate(either, given) == [max(x) for x in last]
    assert oracle.evaluate(sparse, given) == [sum(given[:size]) % 2] * 8
