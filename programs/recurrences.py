"""Programs whose output follows from the output before.

Where the recurrence is linear, each output is a weighted sum of all tokens so far. Else
it is unrolled, a round a position.
"""

from __future__ import annotations

from fractions import Fraction

from compiler.rasp import (
    Select,
    SOp,
    indices,
    mean,
    prefix,
    program,
    recurrence,
    scan,
    tokens,
    total,
)
from compiler.rasp.values import Number
from programs.bits import FAMILY as ARITHMETIC
from programs.dynamics import FAMILY, MOVES
from programs.groups import compose

TwoIntegers = tuple[int, int]


@program(family=FAMILY, vocab=MOVES, example=((1, 0, 0, 0), (1, 1, 0, -1)))
def newton_spring() -> SOp:
    """Where the token's force moves a unit mass on a unit spring.

    Each step adds force minus place to the velocity, then the velocity to the place. A
    push moves the mass by 1, 1, 0, -1, -1, 0 and so on, six steps a turn.

    `newton_spring([1, 0, 0, 0]) -> [1, 1, 0, -1]`
    """

    def pushed(phases: TwoIntegers) -> SOp:
        def apart(key: int, query: int) -> bool:
            return key <= query and (query - key) % 6 in phases

        return total(Select(indices, indices, apart), tokens)

    forth, back = pushed((0, 1)).named("pushed_forth"), pushed((3, 4))
    return forth - back.named("pushed_back")


@program(
    family=FAMILY,
    vocab=((0, 0), (1, 0), (0, -1)),
    max_len=5,
    example=(((1, 0), (0, 0)), ((1, 0), (2, 1))),
)
def newton_magnetic(max_len: int) -> SOp:
    """Where the token's force moves a unit charge in a unit magnetic field.

    Each step turns the velocity v to v + (-v_y, v_x) plus the force, then adds it to
    the place. Length 8 is refused: any other forces lead to another state, so that
    states grow threefold with each token, and the model would have two billion
    parameters.

    `newton_magnetic([(1, 0), (0, 0)]) -> [(1, 0), (2, 1)]`
    """
    # The state is (place, velocity): all forces so far can be told from it, so that
    # its values multiply by those of a token with each step.

    def step(state: tuple[int, ...], force: TwoIntegers) -> tuple[int, ...]:
        x, y, u, v = state
        u, v = u - v + force[0], v + u + force[1]
        return x + u, y + v, u, v

    state = recurrence(tokens, step, (0, 0, 0, 0), max_len)
    return state.map(lambda state: state[:2])


@program(family=FAMILY, vocab=(0, 1), max_len=8, example=((1, 1, 0, 0), (1, 2, 3, 5)))
def forced_fibonacci(max_len: int) -> SOp:
    """The token plus the two outputs before, 0 before the start.

    `forced_fibonacci([1, 1, 0, 0]) -> [1, 2, 3, 5]`
    """

    def step(state: TwoIntegers, token: int) -> TwoIntegers:
        return state[1], state[0] + state[1] + token

    return recurrence(tokens, step, (0, 0), max_len).map(lambda state: state[1])


@program(
    family=FAMILY,
    vocab=((1, 1), (2, 0), (1, 3)),
    example=(((1, 1), (2, 0), (1, 3)), (1, 2, 5)),
)
def affine_composition(max_len: int) -> SOp:
    """0 after the maps y -> a y + b so far, for each token (a, b).

    `affine_composition([(1, 1), (2, 0), (1, 3)]) -> [1, 2, 5]`
    """
    return recurrence(tokens, lambda y, pair: pair[0] * y + pair[1], 0, max_len)


@program(family=FAMILY, vocab=MOVES, example=((-1, 1, 1, 1, 1, -1), (0, 1, 2, 3, 3, 2)))
def gridworld_walk(max_len: int, n: int = 4) -> SOp:
    """The place on 0 .. n - 1 after the moves so far; walls stop what goes beyond.

    `gridworld_walk([-1, 1, 1, 1, 1, -1]) -> [0, 1, 2, 3, 3, 2]`
    """

    def moved(move: int) -> tuple[int, ...]:
        return tuple(min(max(place + move, 0), n - 1) for place in range(n))

    walk = scan(tokens.map(moved).named("move"), compose, max_len)
    return walk.map(lambda images: images[0])


@program(
    family=FAMILY,
    vocab=(1, 2, 3, 7, 9),
    example=((2, 7, 9, 3, 1), (2, 7, 11, 11, 12)),
)
def max_nonadjacent_sum(max_len: int) -> SOp:
    """The greatest sum of tokens so far of which no two are neighbours.

    A token adds what it exceeds the gain of the one before by: to take it, that one is
    given back. The sum is that of all gains.

    `max_nonadjacent_sum([2, 7, 9, 3, 1]) -> [2, 7, 11, 11, 12]`
    """

    def gained(before: int, token: int) -> int:
        return max(token - before, 0)

    gain = recurrence(tokens, gained, 0, max_len)
    return mean(prefix(), gain).named("mean_gain") * (indices + 1)


@program(
    family=ARITHMETIC,
    vocab=((1, 2), (3, 6)),
    max_len=7,
    example=(((1, 2), (3, 6)), (3, 5)),
)
def continued_fraction(max_len: int) -> SOp:
    """A + b / (the output before) for each token (a, b); at first a + b.

    No output of the default vocabulary is 0; other vocabularies are refused where one
    can be. Each input has an output of its own, so that these double with each token:
    length 8 is refused, for its model would have 25 million parameters.

    `continued_fraction([(1, 2), (3, 6)]) -> [3, 5]`
    """

    def step(y: Number, pair: TwoIntegers) -> Number:
        return pair[0] + Fraction(pair[1]) / y

    return recurrence(tokens, step, 1, max_len)
