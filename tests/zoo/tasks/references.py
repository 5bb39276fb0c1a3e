"""Every language task once more, in plain Python, one position after the other.

A reference is a tuple of functions, one a variable in their order. Each returns the
value at position `i` of the words `w`, which begin with BOS, or NO for none. `v` holds
the values of the variables before it, by name and position.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zoo.tasks.sentences import FACTS
from zoo.tasks.sequences import DAYS, MONTHS, NUMBERS

NO: Any = ...


def only(found: Iterable[Any]) -> Any:
    """Return what all are, or NO if there is nothing or they differ."""
    several = set(found)
    return several.pop() if len(several) == 1 else NO


def back(w, i, distance, default=NO):
    """Return the word at a distance."""
    return w[i - distance] if i >= distance else default


def digit(word):
    """Return a word as a number, None if it is another word."""
    return NO if word is NO else int(word) if word.isdigit() else None


def previous(w, i, v):
    return back(w, i, 1)


# Copy, reverse, sort.


def copy_next(w, i, v):
    wanted = "BOS" if w[i] == "=" else w[i]
    said = only(w[j] for j in range(1, i + 1) if v["previous_token"][j] == wanted)
    return "EOS" if said == "=" else said


def after_separator(w, i, v):
    return "=" in w[: i + 1]


def reverse_next(w, i, v):
    told = (
        v["previous_token"][j]
        for j in range(1, i + 1)
        if w[j] == w[i] and (w[j] == "=" or not v["after_separator"][j])
    )
    said = only(told)
    return "EOS" if said == "BOS" else said


def sort_next(w, i, v):
    seen = [int(word) for word in w[: i + 1] if word.isdigit()]
    above = [n for n in seen if w[i] == "=" or n > int(w[i])]
    return str(min(above)) if above else "EOS"


# Arithmetic. The heads of a column are at distances that depend on the width.


def digit_at(distance):
    return lambda w, i, v: digit(back(w, i, distance))


def addition_carry(w, i, v):
    if w[i] == "=":
        return 0
    column = v["first_before"][i], v["second_before"][i]
    return None if None in column else int(sum(column) > int(w[i]))


def addition_next(w, i, v):
    carry = v["carry"][i]
    if carry is None:
        return "EOS"
    column = v["first_digit"][i], v["second_digit"][i]
    return str(sum([n for n in column if n is not None], carry))[-1]


def total_of(first, second):
    def total(w, i, v):
        pair = v[first][i], v[second][i]
        return None if None in pair else sum(pair)

    return total


def scratchpad_next(w, i, v):
    total = v["sum_before" if w[i].isdigit() else "sum_here"][i]
    if total is None:
        return "EOS"
    if w[i].isdigit():
        return "c1" if total > int(w[i]) else "c0"
    return str(total + {"=": 0, "c0": 0, "c1": 1}[w[i]])[-1]


def multiplier(w, i, v):
    return only(int(word[1]) for word in w[: i + 1] if word[0] == "x")


def product_carry(w, i, v):
    if w[i] == "=":
        return 0
    if (before := v["digit_before"][i]) is None:
        return None
    product = before * v["multiplier"][i]
    return next(
        c
        for n in range(5)
        for c in [(product + n) // 5]
        if (product + n) % 5 == int(w[i])
    )


def product_next(w, i, v):
    if v["carry"][i] is None:
        return "EOS"
    column = v["digit"][i]
    product = 0 if column is None else column * v["multiplier"][i]
    return str((product + v["carry"][i]) % 5)


def modular_sum(w, i, v):
    return (v["first_number"][i] + v["second_number"][i]) % 12


def modular_next(w, i, v):
    return str((v["sum_of_two"][i] + v["third_number"][i]) % 12)


def parity_next(w, i, v):
    bit = v["bit"][i]
    return "EOS" if bit is None else ["even", "odd"][((w[i] == "odd") + bit) % 2]


# Brackets.


def unclosed(w, i, v):
    return w[: i + 1].count("(") > w[: i + 1].count(")")


def dyck_next(w, i, v):
    return ")" if v["unclosed"][i] else "EOS"


# Recall.


def previous_or_bos(w, i, v):
    return back(w, i, 1, "BOS")


def two_before(w, i, v):
    return back(w, i, 2, "BOS")


def wanted(w, i, v):
    return back(w, i, 2)


def lookup_next(w, i, v):
    if (key := v["wanted"][i]) == "=":
        return "EOS"
    return only(
        w[j]
        for j in range(1, i + 1)
        if w[j].isdigit() and v["previous_token"][j] == key
    )


def hop(source, target):
    def value(w, i, v):
        if (start := v[source][i]) == "=":
            return "EOS" if target == "next_token" else "="
        letters = "abcdef"
        return only(
            w[j]
            for j in range(1, i + 1)
            if v["previous_token"][j] == start in letters and w[j] in letters
        )

    return value


FUNCTIONS = ("load", "save", "draw", "send")


def documented(w, i, v):
    return [word for word in w[: i + 1] if word != "param"][-1]


def next_argument(w, i, v):
    last = v["documented"][i]
    asked = FUNCTIONS if last == ":" else (last,)
    return only(w[j] for j in range(1, i + 1) if v["two_before"][j] in asked)


def argument_next(w, i, v):
    name = v["next_argument"][i]
    if w[i] == "param":
        return NO if name == ":" else name
    return "EOS" if name == ":" else "param"


# Sentences.


def last_name(w, i, v):
    return only(w[j] for j in range(1, i + 1) if v["previous_token"][j] == w[i])


NAMES = ["ada", "ben", "cora", "dan", "ella", "finn", "gus", "hana"]


def repeated_name(w, i, v):
    return w[i] if w[i] in NAMES and w[i] in w[:i] else None


def subject(w, i, v):
    names = [v["repeated_name"][j] for j in range(1, i + 1)]
    return only(n for n in names if n is not None) if any(names) else None


def indirect_object(w, i, v):
    name = v["subject"][i]
    return NO if name is None else only({*w[: i + 1]} & {*NAMES} - {name})


def country(w, i, v):
    return next((word for word in w[i::-1] if word in FACTS), None)


def cue(w, i, v):
    return only(word for word in w[: i + 1] if word in ("truly", "here"))


def fact(w, i, v):
    return FACTS.get(v["country"][i], NO)


def told(w, i, v):
    asked = v["country"][i]
    capitals = FACTS.values()
    return only(
        w[j]
        for j in range(1, i + 1)
        if asked is not None and w[j] in capitals and v["country"][j] == asked
    )


def fact_next(w, i, v):
    return v["fact" if v["cue"][i] == "truly" else "told"][i]


# Sequences.


def successor(w, i, v):
    for items in (MONTHS, DAYS, NUMBERS):
        if w[i] in items and w[i] != "ten":
            return (items * 2)[items.index(w[i]) + 1]
    return None


def start(w, i, v):
    return only(w[j] for j in range(1, i + 1) if v["previous_token"][j] == "from")


def finished(w, i, v):
    return any(w[j] == w[i] and v["previous_token"][j] == "to" for j in range(1, i + 1))


def successor_next(w, i, v):
    if v["finished"][i]:
        return "EOS"
    return v["start" if v["successor"][i] is None else "successor"][i]


def colour(w, i, v):
    return only({*w} & {"red", "green", "blue"})


def size(w, i, v):
    return only({*w} & {"big", "small"})


REFERENCES = {
    "copy_text": (previous, copy_next),
    "reverse_text": (previous, after_separator, reverse_next),
    "sort_text": (sort_next,),
    "addition": (
        *map(digit_at, (7, 3, 8, 4)),
        addition_carry,
        addition_next,
    ),
    "addition_scratchpad": (
        *map(digit_at, (5, 6, 7)),
        total_of("middle", "near"),
        total_of("far", "middle"),
        scratchpad_next,
    ),
    "multiplication": (
        *map(digit_at, (4, 5)),
        multiplier,
        product_carry,
        product_next,
    ),
    "modular_addition_text": (*map(digit_at, (5, 3, 1)), modular_sum, modular_next),
    "parity_scratchpad": (digit_at(9), parity_next),
    "dyck_completion": (unclosed, dyck_next),
    "two_lookups": (previous_or_bos, wanted, lookup_next),
    "k_hop": (
        previous_or_bos,
        hop("previous_token", "hop_1"),
        hop("hop_1", "hop_2"),
        hop("hop_2", "next_token"),
    ),
    "argument_recall": (two_before, documented, next_argument, argument_next),
    "induction_text": (previous, last_name),
    "indirect_object_text": (repeated_name, subject, indirect_object),
    "fact_or_context": (country, cue, fact, told, fact_next),
    "successor": (previous, successor, start, finished, successor_next),
}
"""By task, the functions of its variables; `ngram` has its table in the task."""


def ngram(table):
    """Return the reference of the task of n-grams with a table."""

    def follows(w, i, v):
        key = v["colour"][i], v["size"][i], v["previous_letter"][i], w[i]
        return table.get(key, NO)

    return colour, size, previous, follows
