"""Tomita's seven languages over bits, each asked of every prefix.

The classical test bed for learned automata (Tomita 1982). The helpers, and how a
transformer can do without an automaton, are in `automata`.
"""

from __future__ import annotations

from compiler.rasp import (
    EQ,
    GT,
    NEQ,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    SOp,
    count,
    indices,
    last,
    mean,
    prefix,
    program,
    tokens,
)
from programs.automata import (
    BITS,
    FAMILY,
    before,
    ever,
    holding,
    none_of,
    pure,
    truth,
)


@program(family=FAMILY, vocab=BITS, max_len=10, example=([1, 1, 0, 1], truth("TTFF")))
def tomita_1() -> SOp:
    """Whether the prefix is in 1*.

    `tomita_1([1, 1, 0, 1]) -> [True, True, False, False]`
    """
    return none_of(holding(0))


@program(family=FAMILY, vocab=BITS, max_len=10, example=([1, 0, 1, 1], truth("FTFF")))
def tomita_2() -> SOp:
    """Whether the prefix is in (10)*.

    `tomita_2([1, 0, 1, 1]) -> [False, True, False, False]`
    """
    return pure((1, 0), lambda j, i: j % 2) & (indices % 2 == 1)


@program(
    family=FAMILY, vocab=BITS, max_len=10, example=([1, 0, 1, 1, 0, 1], truth("TFFFFF"))
)
def tomita_3() -> SOp:
    """Whether no odd run of 1s meets an odd run of 0s.

    After an odd run of 1s the zeros are charged +1, -1, +1, ..; a run of them adds
    up to 1 if its length is odd, so the total is 0 only without such a run.

    `tomita_3([1, 0, 0, 1]) -> [True, False, True, True]`
    """
    run_end = last(prefix() & Select(tokens, tokens, NEQ), indices, -1)
    run_end = run_end.named("previous_run_end")
    odd = ((indices - run_end) % 2 == 1).named("odd_run")
    previous_odd = Aggregate(Select(indices, run_end, EQ), odd, False)
    charge = Elementwise(
        lambda bit, now, before: (1 if now else -1) if bit == 0 and before else 0,
        (tokens, odd, previous_odd.named("previous_run_odd")),
    ).named("charge")
    return mean(prefix(), charge).named("charge_share") == 0


@program(
    family=FAMILY, vocab=BITS, max_len=10, example=([0, 0, 1, 0, 0, 0], truth("TTTTTF"))
)
def tomita_4() -> SOp:
    """Whether the prefix has no 000.

    `tomita_4([0, 0, 0, 1]) -> [True, True, False, False]`
    """
    last_three = Select(indices, indices, lambda key, query: query - 3 < key <= query)
    zeros = count(last_three & Select(tokens, 0, EQ)).named("zeros_of_last_three")
    return ~ever(zeros == 3)


@program(family=FAMILY, vocab=BITS, max_len=10, example=([0, 0, 1, 1], truth("FTFT")))
def tomita_5() -> SOp:
    """Whether 0s and 1s are both even in number.

    `tomita_5([0, 0, 1, 1]) -> [False, True, False, True]`
    """
    ones = count(holding(1)).named("ones")
    return (ones % 2 == 0) & (indices % 2 == 1)


@program(
    family=FAMILY, vocab=BITS, max_len=10, example=([0, 1, 1, 1, 1], truth("FTFFT"))
)
def tomita_6() -> SOp:
    """Whether 3 divides zeros minus ones.

    `tomita_6([0, 1, 1]) -> [False, True, False]`
    """
    ones = count(holding(1)).named("ones")
    return Elementwise(lambda k, i: (i + 1 - 2 * k) % 3 == 0, (ones, indices))


@program(
    family=FAMILY, vocab=BITS, max_len=10, example=([0, 1, 0, 1, 0], truth("TTTTF"))
)
def tomita_7() -> SOp:
    """Whether the prefix is in 0*1*0*1*.

    These are the strings that fall from 1 to 0 at most once.

    `tomita_7([0, 1, 0, 1, 0]) -> [True, True, True, True, False]`
    """
    falls = Aggregate(before(GT), Constant(True), default=False).named("falls")
    return count(prefix() & Select(falls, True, EQ)).named("fall_count") <= 1
