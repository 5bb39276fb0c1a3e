"""Programs of logic: clauses, rules, reachability, assignments."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.rasp import (
    EQ,
    Aggregate,
    Constant,
    Elementwise,
    Select,
    SOp,
    any_of,
    count,
    indices,
    is_none,
    last,
    prefix,
    program,
    repeat,
    tokens,
    where,
)
from compiler.rasp.values import Value
from programs.search import anywhere, everywhere, holding

FAMILY = "program execution/logic"
HornRule = tuple[str, str]
DirectedEdge = tuple[int, int]


@program(family=FAMILY, vocab=(0, 1, ","), example=((0, 1, ",", 0, 0), (False,) * 5))
def cnf_of_literals() -> SOp:
    """Whether each clause between commas has a 1, everywhere.

    A clause without literals has none.

    `cnf_of_literals([0, 1, ",", 1]) -> [True, True, True, True]`
    """
    clause = count(prefix() & holding(",")).named("clause")
    ones = any_of(Select(clause, clause, EQ) & holding(1)).named("clause_holds")
    # A comma belongs to the clause behind it; nothing belongs to one before the first.
    starts_empty = Elementwise(lambda t, i: i == 0 and t == ",", (tokens, indices))
    return everywhere((ones & ~starts_empty).named("holds"))


@program(
    family=FAMILY,
    vocab=(("", "a"), ("a", "b"), ("ab", "c"), ("c", "d"), ("d", "a")),
    max_len=6,
    example=((("", "a"), ("a", "b"), ("c", "d")), (True, True, False)),
)
def horn_forward_chaining(vocab: Sequence[HornRule]) -> SOp:
    """Whether the head of each rule (body, head) follows from all the rules.

    Every letter of the body has to hold; the rule of an empty body is a fact. Each
    round finds what follows from what is known; there are as many as letters.

    `horn_forward_chaining([("", "a"), ("a", "b")]) -> [True, True]`
    """
    atoms = sorted({head for _, head in vocab})

    def follows(rule: HornRule, *known: bool) -> bool:
        return all(atom in atoms and known[atoms.index(atom)] for atom in rule[0])

    def chained(known: tuple[SOp, ...], number: int) -> tuple[SOp, ...]:
        fires = Elementwise(follows, (tokens, *known)).named(f"fires_{number}")

        def derived(atom: str) -> SOp:
            gives = Elementwise(
                lambda rule, fires: fires and rule[1] == atom, (tokens, fires)
            )
            return anywhere(gives).named(f"{atom}_known_{number}")

        return tuple(map(derived, atoms))

    nothing = tuple(Constant(False) for _ in atoms)
    known = repeat(len(atoms), nothing, chained)
    return Elementwise(lambda rule, *k: k[atoms.index(rule[1])], (tokens, *known))


@program(
    family=FAMILY,
    vocab=((0, 1), (1, 2), (2, 3), (3, 4), (2, 0), (4, 4)),
    max_len=6,
    example=(((0, 1), (1, 2), (3, 4)), (True, True, False)),
)
def graph_reachability(vocab: Sequence[DirectedEdge]) -> SOp:
    """Whether a path from node 0 leads to the target of each edge (source, target).

    Each round follows one more edge; there is a round for each node but 0, which is
    reached without any.

    `graph_reachability([(0, 1), (1, 2), (3, 4)]) -> [True, True, False]`
    """
    nodes = {node for edge in vocab for node in edge}
    source = tokens.map(lambda edge: edge[0]).named("source")
    target = tokens.map(lambda edge: edge[1]).named("target")

    def hit(reached: SOp, name: str) -> SOp:
        ends = Elementwise(lambda t, r: t if r else None, (target, reached))
        return ends.named(name)

    def followed(reached: SOp, number: int) -> SOp:
        ends = hit(reached, f"end_{number}")
        known = any_of(Select(ends, source, EQ)) | (source == 0)
        return known.named(f"source_reached_{number}")

    reached = repeat(len(nodes) - 1, (source == 0).named("starts"), followed)
    return any_of(Select(hit(reached, "end"), target, EQ)) | (target == 0)


@program(
    family=FAMILY,
    vocab=(("a", 3), ("a", "b"), ("b", "a"), ("b", 5), ("c", "b")),
    example=((("a", 3), ("b", "a"), ("c", "b")), (3, 3, 3)),
)
def variable_resolution(max_len: int) -> SOp:
    """The number that each assignment (name, number or earlier name) gives its name.

    A name stands for its latest assignment before; None where there is none. Each round
    doubles how many names are looked through.

    `variable_resolution([("a", 3), ("b", "a"), ("c", "b")]) -> [3, 3, 3]`
    """
    given = tokens.map(lambda pair: pair[1]).named("given")
    meant = Select(tokens, given, lambda key, query: key[0] == query)
    value = given.map(lambda v: None if isinstance(v, str) else v).named("value_0")
    place = last(meant & prefix(strict=True), indices).named("place_0")

    def jumped(state: tuple[SOp, SOp], number: int) -> tuple[SOp, SOp]:
        value, place = state
        there = Select(indices, place, EQ)
        found = Aggregate(there, value).named(f"found_{number}")
        better = Elementwise(lambda v, f: f if v is None else v, (value, found))
        further = Aggregate(there, place).named(f"place_{number + 1}")
        return better.named(f"value_{number + 1}"), further

    rounds = (max_len - 1).bit_length()
    return repeat(rounds, (value, place), jumped)[0]


def run_subleq(memory: Sequence[int], steps: int) -> tuple[list[int], bool]:
    """Return (the memory after some steps, whether the program has stopped)."""
    cells, at = list(memory), 0
    for number in range(steps + 1):
        a, b, c = cells[at : at + 3] if 0 <= at <= len(cells) - 3 else (-1, -1, -1)
        if not (0 <= a < len(cells) and 0 <= b < len(cells)):
            return cells, True
        if number < steps:
            cells[b] -= cells[a]
            at = c if cells[b] <= 0 else at + 3
    return cells, False


def stops_in_two_steps(memory: Sequence[int]) -> bool:
    """Return whether the program in the memory runs at most two instructions."""
    return run_subleq(memory, 2)[1]


@program(
    family=FAMILY,
    vocab=(-1, 2, 3, 4, 5),
    max_len=5,
    example=((3, 4, -1, 2, 5), (3, 4, -1, 2, 3)),
    accepts=stops_in_two_steps,
)
def subleq(steps: int = 2) -> SOp:
    """The memory that the SUBLEQ program in it leaves behind.

    At address p it subtracts the cell at mem[p] from that at mem[p + 1], then goes on
    at mem[p + 2] if the result is at most 0, else at p + 3. It stops where an address
    is outside the memory. Each step is unrolled, and the values of a cell multiply
    with each, so that only the first `steps` are run.

    `subleq([3, 4, -1, 2, 5]) -> [3, 4, -1, 2, 3]`
    """

    def at(index: SOp, memory: SOp, name: str) -> SOp:
        return Aggregate(Select(indices, index, EQ), memory).named(name)

    def step(state: tuple[SOp, SOp], number: int) -> tuple[SOp, SOp]:
        memory, here = state
        a, b, c = (
            at(here + k, memory, f"{word}_{number}")
            for k, word in enumerate(("from", "to", "jump"))
        )

        # A cell that is not there is None, and so is a difference with it.
        target = where(is_none(c), None, b).named(f"target_{number}")
        subtracted = at(a, memory, f"subtracted_{number}")
        result = at(target, memory, f"changed_{number}") - subtracted
        result = result.named(f"result_{number}")
        sign = result.map(lambda r: None if r is None else r > 0)
        sign = sign.named(f"result_{number}_is_positive")
        is_target = (indices == target) & ~is_none(sign)
        memory = where(is_target.named(f"is_target_{number}"), result, memory)

        def following(here: Value, jump: Value, positive: Value) -> Value:
            return None if positive is None else here + 3 if positive else jump

        here = Elementwise(following, (here, c, sign)).named(f"address_{number + 1}")
        return memory.named(f"memory_{number + 1}"), here

    return repeat(steps, (tokens, Constant(0)), step)[0]
