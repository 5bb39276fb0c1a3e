"""Programs that combine all tokens so far: permutations, groups, functions of states.

What they combine is associative, so that `scan` needs log2(length) rounds.
"""

from __future__ import annotations

from functools import reduce

from compiler.rasp import SOp, program, scan, tokens
from programs.bits import BITS, FAMILY

Images = tuple[int, ...]
UNITS = ("1", "i", "j", "k")


def compose(earlier: Images, later: Images) -> Images:
    """Return the function that applies `later` after `earlier`, as its images."""
    return tuple(later[image] for image in earlier)


@program(
    family=FAMILY,
    vocab=((0, 1, 2), (1, 0, 2), (0, 2, 1), (1, 2, 0)),
    example=(((1, 0, 2), (0, 2, 1)), ((1, 0, 2), (2, 0, 1))),
)
def permutation_composition(max_len: int) -> SOp:
    """The product of the permutations so far, each applied after those before.

    `permutation_composition([(1, 0, 2), (0, 2, 1)]) -> [(1, 0, 2), (2, 0, 1)]`
    """
    return scan(tokens, compose, max_len)


@program(family=FAMILY, vocab=(0, 1), example=((0, 1), ((1, 0, 2), (1, 2, 0))))
def adjacent_transpositions(max_len: int, n: int = 3) -> SOp:
    """How n things stand once the places t and t + 1 are swapped, for each token t.

    `adjacent_transpositions([0, 1]) -> [(1, 0, 2), (1, 2, 0)]`
    """

    def swapped(t: int) -> Images:
        return (*range(t), t + 1, t, *range(t + 2, n))

    swaps = tokens.map(swapped).named("swap")
    return scan(swaps, lambda before, swap: compose(swap, before), max_len)


@program(
    family=FAMILY,
    vocab=((1, 0), (2, 0), (0, 1), (3, 1)),
    example=(((1, 0), (0, 1), (2, 0)), ((1, 0), (1, 1), (6, 1))),
)
def dihedral_composition(max_len: int, n: int = 7) -> SOp:
    """The product so far of (rotation, flip) in the symmetries of the n-gon.

    (r, f) times (s, g) is (r + s, f xor g), or (r - s, f xor g) after a flip f.

    `dihedral_composition([(0, 1), (2, 0)]) -> [(0, 1), (5, 1)]`
    """

    def product(one: Images, other: Images) -> Images:
        (r, f), (s, g) = one, other
        return ((r - s if f else r + s) % n, f ^ g)

    return scan(tokens, product, max_len)


def quaternion_product(one: str, other: str) -> str:
    """Return the product of two unit quaternions, written `i`, `-j`, `1`, .."""
    minus = one.startswith("-") != other.startswith("-")
    a, b = UNITS.index(one.strip("-")), UNITS.index(other.strip("-"))
    if a and b:
        minus ^= a == b or (b - a) % 3 == 2  # ij = k, but ji = -k
    unit = UNITS[a or b] if not (a and b) else UNITS[0 if a == b else 6 - a - b]
    return f"-{unit}" if minus else unit


@program(
    family=FAMILY, vocab=("1", "-1", "i", "j", "k"), example=("ijk", ("i", "k", "-1"))
)
def quaternion_group_composition(max_len: int) -> SOp:
    """The product so far of unit quaternions.

    `quaternion_group_composition("ijk") -> ["i", "k", "-1"]`
    """
    return scan(tokens, quaternion_product, max_len)


@program(family=FAMILY, vocab=BITS, example=((1, 0, 1), (3, 6, 4)))
def crc_register(max_len: int, poly: int = 3, width: int = 3) -> SOp:
    """The shift register of a cyclic redundancy check after each bit.

    The polynomial is x^width + poly. The register begins at 0; the bit that it shifts
    out, xor the token, decides whether poly is added. Steps are linear over GF(2), so
    that a block of bits is how many they are and what they add.

    `crc_register([1, 0, 1]) -> [3, 6, 4]`
    """

    def step(state: int, bit: int) -> int:
        added = poly if (state >> (width - 1)) ^ bit else 0
        return ((state << 1) % (1 << width)) ^ added

    def joined(earlier: Images, later: Images) -> Images:
        moved = reduce(step, [0] * later[0], earlier[1])
        return (earlier[0] + later[0], moved ^ later[1])

    block = tokens.map(lambda bit: (1, step(0, bit))).named("block")
    return scan(block, joined, max_len).map(lambda block: block[1])
