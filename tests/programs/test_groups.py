"""The programs of `programs/groups.py` against plain Python."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest

from programs import groups
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def permutations(x):
    """Multiply matrices that move the k-th unit vector to the p[k]-th."""
    product, out = np.eye(len(x[0]), dtype=int), []
    for images in x:
        step = np.zeros_like(product)
        step[list(images), range(len(images))] = 1
        product = step @ product
        out.append(tuple(product.argmax(0).tolist()))
    return out


def swaps(x, n=3):
    things, out = list(range(n)), []
    for t in x:
        things[t], things[t + 1] = things[t + 1], things[t]
        out.append(tuple(things))
    return out


def dihedral(x, n=7):
    """Follow two corners of the polygon: where 0 is, and on which side 1 is."""
    turned, flipped, out = 0, 0, []
    for r, f in x:
        turned = (turned + (-r if flipped else r)) % n
        flipped = (flipped + f) % 2
        out.append((turned, flipped))
    return out


UNITS = {
    "1": [[1, 0], [0, 1]],
    "i": [[1j, 0], [0, -1j]],
    "j": [[0, 1], [-1, 0]],
    "k": [[0, 1j], [1j, 0]],
}
MATRICES = {
    sign + name: (-1 if sign else 1) * np.array(unit)
    for name, unit in UNITS.items()
    for sign in ("", "-")
}


def quaternions(x):
    products = accumulate((MATRICES[word] for word in x), np.matmul)
    return [
        next(word for word, m in MATRICES.items() if np.array_equal(m, product))
        for product in products
    ]


def crc(x, poly=3, width=3):
    """Divide the polynomial of each prefix, moved up by the width, by long division."""
    divisor, out = (1 << width) | poly, []
    for n in range(1, len(x) + 1):
        rest = int("".join(map(str, x[:n])), 2) << width
        while rest >> width:
            rest ^= divisor << (rest.bit_length() - width - 1)
        out.append(rest)
    return out


REFERENCES = {
    "permutation_composition": permutations,
    "adjacent_transpositions": swaps,
    "dihedral_composition": dihedral,
    "quaternion_group_composition": quaternions,
    "crc_register": crc,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    check_against_reference(getattr(groups, name), REFERENCES[name])
    check_docstring(getattr(groups, name), REFERENCES[name])


def test_four_things_and_five_bits_are_possible():
    four = groups.adjacent_transpositions.with_parameters(n=4).build(range(3), 6)
    given = [0, 2, 1, 1, 2, 0]
    assert oracle.evaluate(four, given) == swaps(given, 4)
    five = groups.crc_register.with_parameters(poly=5, width=5).build(max_len=12)
    given = [1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1, 1]
    assert oracle.evaluate(five, given) == crc(given, 5, 5)
