"""What follows about two elements and two sets, from clauses and rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, product
from typing import TYPE_CHECKING

from compiler.rasp import (
    Constant,
    Elementwise,
    Select,
    SOp,
    first,
    indices,
    program,
    repeat,
    shift,
    tokens,
)
from compiler.rasp.values import Value
from programs.grammars import DrawnInputs, some
from programs.inference import FAMILY
from programs.search import anywhere

if TYPE_CHECKING:  # only samples are drawn with NumPy
    import numpy as np

ELEMENTS, SETS, SIGNS = "ab", "AB", "<#"
ATOMS = tuple(a + b for a, b in product(ELEMENTS, SETS))
VOCAB = (*ELEMENTS, "x", *SETS, "X", *SIGNS, ":", ",", "?")
MAX_LEN = 16
SetClause = tuple[str, ...]


def literal(parts: Sequence[str | None]) -> str | None:
    """Return three signs as a literal such as `a<A` or `x#B`, None if they are none."""
    if None in parts:
        return None
    element, sign, group = parts
    known = element in (*ELEMENTS, "x") and sign in ("<", "#") and group in (*SETS, "X")
    return (
        f"{element}{sign}{group}" if known and (element, group) != ("x", "X") else None
    )


def clause_of(
    start: str | None, sign: str | None, more: str | None
) -> SetClause | None:
    """Return what a clause says: its kind, and one literal or two.

    Args:
        start: its first literal.
        sign: what follows it.
        more: the literal that follows that, of a rule.
    """
    variable = start is not None and ("x" in start or "X" in start)
    if start is None or (variable != (sign == ":")):
        return None
    if sign == ":":
        ends = more or "   "
        variables = [[c for c in part if c in "xX"] for part in (start, ends)]
        right = variables[0] == variables[1] and start[1] == ends[1] == "<"
        return ("rule", start, ends) if right else None
    return {",": ("fact", start), "?": ("query", start)}.get(sign or "")


def signed(text: str) -> tuple[str, bool]:
    """Return (the element and the set of a literal, whether it says `in`)."""
    return text[0] + text[2], text[1] == "<"


def implied(clause: SetClause | None, atom: str, known: dict[str, Value]) -> Value:
    """Return what a clause says of an atom once others are known: True, False, None.

    Rules are read forwards and backwards.
    """
    if clause is None or clause[0] == "query":
        return None
    if clause[0] == "fact":
        about, truth = signed(clause[1])
        return truth if about == atom else None
    for source, wanted, about, truth in steps_of(clause):
        if about == atom and known.get(source) is wanted:
            return truth
    return None


def clauses(x: Sequence[Value]) -> list[SetClause | None]:
    """Return the clauses of an input; the last one is the query."""
    *parts, last = "".join(map(str, x)).split(",")
    found = []
    for part, sign in [*((p, ",") for p in parts), (last[:-1], last[-1:])]:
        start, colon, more = part.partition(":")
        parts_of = [literal(tuple(t)) if len(t) == 3 else None for t in (start, more)]
        found.append(clause_of(parts_of[0], colon or sign, parts_of[1]))
    return found


def steps_of(clause: SetClause) -> Iterator[tuple[str, bool, str, bool]]:
    """Return what a rule concludes: from (atom, truth) to (atom, truth), both ways."""
    for value in ELEMENTS if "x" in clause[1] else SETS:
        one, other = (
            signed(part.replace("x", value).replace("X", value))[0]
            for part in clause[1:]
        )
        yield one, True, other, True
        yield other, False, one, False


def derive(found: Sequence[SetClause | None]) -> dict[str, set[bool]]:
    """Return every truth value of each atom that follows from clauses."""
    truths: dict[str, set[bool]] = {atom: set() for atom in ATOMS}
    for clause in filter(None, found):
        if clause[0] == "fact":
            atom, truth = signed(clause[1])
            truths[atom].add(truth)
    rules = [clause for clause in found if clause and clause[0] == "rule"]
    for _ in ATOMS:
        for atom, truth, other, concluded in chain.from_iterable(map(steps_of, rules)):
            if truth in truths[atom]:
                truths[other].add(concluded)
    return truths


def is_consistent_question(x: Sequence[Value]) -> bool:
    """Return whether an input is clauses that agree, and a query at the end."""
    found = clauses(x)
    kinds = [clause[0] if clause else None for clause in found]
    if None in kinds or kinds.count("query") != 1 or kinds[-1] != "query":
        return False
    return all(len(values) < 2 for values in derive(found).values())


def random_clause(rng: np.random.Generator, sign: str) -> str:
    """Return a fact, a rule or (for the sign `?`) a query, at random."""
    if sign == "?" or rng.integers(2):
        fact = (*some(rng, ELEMENTS, 1), *some(rng, SIGNS, 1), *some(rng, SETS, 1))
        return "".join((*fact, sign))
    if rng.integers(2):
        start, end = rng.permutation(list(SETS))
        return f"x<{start}:x<{end},"
    start, end = rng.permutation(list(ELEMENTS))
    return f"{start}<X:{end}<X,"


def question(rng: np.random.Generator) -> list[Value]:
    """Return a random question of up to three clauses that agree."""
    while True:
        parts = [random_clause(rng, ",") for _ in range(rng.integers(4))]
        text = list("".join(parts) + random_clause(rng, "?"))
        if len(text) <= MAX_LEN and is_consistent_question(text):
            return text


def learn(known: dict[str, SOp], clause: SOp, number: int) -> dict[str, SOp]:
    """Return what is known of each atom after one more round of all clauses."""

    def said(atom: str, truth: bool) -> SOp:
        near = [a for a in ATOMS if (a[0] == atom[0]) != (a[1] == atom[1])]

        def says(clause: SetClause | None, *values: bool | None) -> bool:
            return implied(clause, atom, dict(zip(near, values, strict=True))) is truth

        given = Elementwise(says, (clause, *(known[a] for a in near)))
        return anywhere(given).named(f"{atom}_{'in' if truth else 'out'}_{number}")

    def settled(atom: str) -> SOp:
        def settle(old: bool | None, yes: bool, no: bool) -> bool | None:
            return old if old is not None else (yes if yes or no else None)

        parts = (known[atom], said(atom, True), said(atom, False))
        return Elementwise(settle, parts).named(f"{atom}_{number}")

    return {atom: settled(atom) for atom in ATOMS}


@program(
    family=FAMILY,
    vocab=VOCAB,
    max_len=MAX_LEN,
    example=("a<A,a<B?", "????????"),
    accepts=DrawnInputs(is_consistent_question, question),
)
def set_membership_inference() -> SOp:
    """Whether the last clause follows from those before: T, F or "?" if neither.

    `a<A` puts the element a into the set A, `a#A` keeps it out. `x<A:x<B` says that all
    of A is in B, `a<X:b<X` that every set with a has b. Rules are used backwards as
    well. Each round reads all clauses once; there is one for each pair of an element
    and a set. Of clauses that contradict each other, what was found first counts, and
    `in` before `out`; without a query the answer is "?".

    `set_membership_inference("a<A,a<A?") -> ["T"] * 8`
    """
    begins = Elementwise(
        lambda i, before: i == 0 or before == ",", (indices, shift(tokens))
    ).named("begins_clause")
    following = [shift(tokens, -k).named(f"token_plus_{k}") for k in (1, 2, 3)]

    def begun(element: str, sign: str | None) -> str | None:
        return f"{element}{sign}" if element in "abx" and sign in ("<", "#") else None

    start = Elementwise(begun, (tokens, following[0])).named("element_and_sign")

    def completed(start: str | None, group: str | None) -> str | None:
        return literal((*(start or "??"), group))

    own = Elementwise(completed, (start, following[1])).named("literal")
    more = shift(own, -4).named("literal_plus_4")
    clause = Elementwise(
        lambda begun, start, sign, more: (
            clause_of(start, sign, more) if begun else None
        ),
        (begins, own, following[2], more),
    ).named("clause")
    nothing: dict[str, SOp] = {atom: Constant(None) for atom in ATOMS}
    known = repeat(len(ATOMS), nothing, lambda k, number: learn(k, clause, number))
    asks = Select(
        clause, True, lambda key, query: key is not None and key[0] == "query"
    )
    query = first(asks, clause).named("query")

    def answer(query: SetClause | None, *truths: bool | None) -> str:
        if query is None:
            return "?"
        atom, wanted = signed(query[1])
        truth = truths[ATOMS.index(atom)]
        return "?" if truth is None else "T" if truth == wanted else "F"

    return Elementwise(answer, (query, *known.values()))
