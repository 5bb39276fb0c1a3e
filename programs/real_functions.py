"""Programs that apply a function of real analysis to each token by itself.

Irrational outputs are the decimal value of Python's double, held exactly.
"""

from __future__ import annotations

import math
from fractions import Fraction

from compiler.rasp import SOp, program, tokens
from programs.elementwise import FAMILY


@program(family=FAMILY, vocab=(1, 2, 4, 9), example=((1, 4, 9), (1, 2, 3)))
def square_root() -> SOp:
    """The square root: `square_root([1, 4, 9]) -> [1, 2, 3]`."""
    return tokens.map(math.sqrt)


@program(family=FAMILY, vocab=(-8, 1, 8, 27), example=((1, 8, 27), (1, 2, 3)))
def cube_root() -> SOp:
    """The real cube root: `cube_root([1, 8, -27]) -> [1, 2, -3]`."""
    return tokens.map(math.cbrt)


@program(
    family=FAMILY, vocab=(-1, 0, 1, math.pi / 2), example=((0, math.pi / 2), (0, 1))
)
def sine() -> SOp:
    """The sine of radians: `sine([0, pi / 2]) -> [0, 1]`."""
    return tokens.map(math.sin)


@program(family=FAMILY, vocab=(0, 1, 2, math.pi), example=((0, math.pi), (1, -1)))
def cosine() -> SOp:
    """The cosine of radians: `cosine([0, pi]) -> [1, -1]`."""
    return tokens.map(math.cos)


@program(family=FAMILY, vocab=(-1, 0, 1, 2), example=((0, 1), (0, 1.5574077246549023)))
def tangent() -> SOp:
    """The tangent of radians: `tangent([0, 1]) -> [0, 1.557]`."""
    return tokens.map(math.tan)


@program(
    family=FAMILY,
    vocab=(-1, 0, 0.5, 1),
    example=((0, 0.5, 1), (0, 0.5235987755982989, math.pi / 2)),
)
def arcsine() -> SOp:
    """The angle in radians with this sine: `arcsine([0, 1]) -> [0, 1.571]`."""
    return tokens.map(math.asin)


@program(
    family=FAMILY,
    vocab=(-1, 0, 0.5, 1),
    example=((1, 0.5, 0), (0, 1.0471975511965979, math.pi / 2)),
)
def arccosine() -> SOp:
    """The angle in radians with this cosine: `arccosine([1, 0]) -> [0, 1.571]`."""
    return tokens.map(math.acos)


@program(family=FAMILY, vocab=(-1, 0, 1, 2), example=((0, 1), (0, math.pi / 4)))
def arctangent() -> SOp:
    """The angle in radians with this tangent: `arctangent([0, 1]) -> [0, 0.785]`."""
    return tokens.map(math.atan)


@program(
    family=FAMILY,
    vocab=(-1, 0, 1, 2),
    example=((0, 1, 2), (0, 1.1752011936438014, 3.626860407847019)),
)
def hyperbolic_sine() -> SOp:
    """The hyperbolic sine: `hyperbolic_sine([0, 1, 2]) -> [0, 1.175, 3.627]`."""
    return tokens.map(math.sinh)


@program(
    family=FAMILY,
    vocab=(-1, 0, 1, 2),
    example=((0, 1, 2), (1, 1.5430806348152437, 3.7621956910836314)),
)
def hyperbolic_cosine() -> SOp:
    """The hyperbolic cosine: `hyperbolic_cosine([0, 1, 2]) -> [1, 1.543, 3.762]`."""
    return tokens.map(math.cosh)


@program(
    family=FAMILY,
    vocab=(-1, 0, 1, 2),
    example=((0, 1, 2), (0, 0.7615941559557649, 0.9640275800758169)),
)
def hyperbolic_tangent() -> SOp:
    """The hyperbolic tangent: `hyperbolic_tangent([0, 1, 2]) -> [0, 0.762, 0.964]`."""
    return tokens.map(math.tanh)


@program(
    family=FAMILY,
    vocab=(-1, 0, 1, 2),
    example=((0, 1, 2), (1, math.e, 7.38905609893065)),
)
def exponential() -> SOp:
    """The exponential of the token: `exponential([0, 1, 2]) -> [1, 2.718, 7.389]`."""
    return tokens.map(math.exp)


@program(family=FAMILY, vocab=(1, 2, 10, 100), example=((1, 10, 100), (0, 1, 2)))
def log10() -> SOp:
    """The logarithm to base 10: `log10([1, 10, 100]) -> [0, 1, 2]`."""
    return tokens.map(math.log10)


@program(family=FAMILY, vocab=(0, 1, 2, 4), example=((1, 2, 4), (1, 0.5, 0.25)))
def reciprocal() -> SOp:
    """1 over the token, None for 0: `reciprocal([1, 2, 4]) -> [1, 1/2, 1/4]`."""
    return tokens.map(lambda value: Fraction(1) / value if value else None)


@program(family=FAMILY, vocab=(-1, 0, 1, 2), example=((0,), (0.5,)))
def sigmoid() -> SOp:
    """The logistic function of the token: `sigmoid([0, 1]) -> [0.5, 0.731]`."""
    return tokens.map(lambda value: 1 / (1 + math.exp(-value)))


@program(family=FAMILY, vocab=(-1, 0, 1, 2), example=((0, 1), (0, 0.8427007929497149)))
def erf() -> SOp:
    """The Gauss error function of the token: `erf([0, 1]) -> [0, 0.843]`."""
    return tokens.map(math.erf)


@program(
    family=FAMILY,
    vocab=(-1, 0, 1, 2),
    example=((0, 1), (0.3989422804014327, 0.24197072451914337)),
)
def gaussian() -> SOp:
    """The density of the standard normal: `gaussian([0, 1]) -> [0.399, 0.242]`."""
    return tokens.map(lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi))
