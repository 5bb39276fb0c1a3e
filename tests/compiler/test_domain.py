"""Which values can meet, and where: compared with every combination in turn."""

from __future__ import annotations

import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from compiler.ir.domain import Domain, image, possible
from compiler.passes.select import _reachable

SHAPES = [(3,), (4, 3), (2, 3, 4)]


def _domains(rng: np.random.Generator, sizes: tuple[int, ...]) -> list[Domain]:
    """Return domains over five positions; the first has the same values at all."""
    found = []
    for number, size in enumerate(sizes):
        mask = rng.random((5, size)) < 0.6
        mask[3] = mask[1]
        if number == 0:
            mask[:] = mask[0]
        mask[:, 0] |= ~mask.any(axis=1)
        found.append(Domain(tuple(range(size)), mask))
    return found


@pytest.mark.parametrize("sizes", SHAPES, ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_the_image_of_a_table_is_what_enumeration_finds(sizes, seed):
    rng = np.random.default_rng(seed)
    domains = _domains(rng, sizes)
    table = rng.integers(-1, 5, sizes)
    met = np.zeros((5, 5), bool)
    meet = np.zeros(sizes, bool)
    for position, values in product(range(5), product(*map(range, sizes))):
        if all(d.mask[position, v] for d, v in zip(domains, values, strict=True)):
            meet[values] = True
            if table[values] >= 0:
                met[position, table[values]] = True
    assert (image(domains, table, 5) == met).all()
    assert (possible(domains) == meet).all()


@pytest.mark.parametrize("one_each", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_a_key_is_reachable_if_some_pair_of_values_is_allowed(one_each, seed):
    rng = np.random.default_rng(seed)
    keys, queries = rng.random((6, 4)) < 0.5, rng.random((6, 5)) < 0.5
    if one_each:
        queries = np.eye(5, dtype=bool)[rng.integers(0, 5, 6)]
    keys[2] = keys[4]
    allowed = rng.random((4, 5)) < 0.5  # [key, query]
    expected = [
        [allowed[np.ix_(key, query)].any() for key in keys] for query in queries
    ]
    assert _reachable(keys, queries, allowed).tolist() == np.array(expected).tolist()


def test_compiling_imports_no_masked_arrays():
    # They take longer to import than a small program takes to compile.
    code = (
        "import sys, zoo; zoo.compile('fraction_previous'); zoo.compile('sort');"
        "print('numpy.ma' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
