"""Machines whose program stands in the prompt, and which write what they do.

The output at the last token is the next word, so `zoo run NAME --generate` runs them:
each reads the trace that it wrote so far, as the machine's memory.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from compiler.rasp import (
    EQ,
    Program,
    Select,
    SequenceMap,
    SOp,
    indices,
    last,
    program,
    tokens,
)
from compiler.rasp.values import Value
from programs.traces import (
    EOS,
    FAMILY,
    RUN,
    Traces,
    kind,
    kinds,
    latest,
    number,
    numbered,
    numbers,
    size_of,
    words_of,
)

if TYPE_CHECKING:  # only samples are drawn with NumPy
    import numpy as np

CELLS = 16
"""Cells of the memory, and numbers that a cell holds."""


def subleq_words(size: int = CELLS) -> tuple[str, ...]:
    """Return the words of a SUBLEQ machine whose memory has `size` cells."""
    written = (numbered(prefix, size) for prefix in ("pc", "a", "b", "c", "="))
    return (*numbered("", size), RUN, *itertools.chain(*written), EOS)


def run_subleq(cells: Sequence[Value], size: int) -> Iterator[Value]:
    """Return what a SUBLEQ machine of `size` cells writes, from what they hold."""
    memory = [number(word) for word in cells] + [0] * (size - len(cells))
    pc = 0
    while pc != size - 1:
        a, b, c = (memory[(pc + ahead) % size] for ahead in range(3))
        memory[b] = result = (memory[b] - memory[a]) % size
        yield from (f"pc{pc}", f"a{a}", f"b{b}", f"c{c}", f"={result}")
        pc = (pc + 3) % size if 0 < result < size // 2 else c


def subleq_runs(size: int, most: int) -> Traces:
    """Return the inputs of a SUBLEQ machine: `size` cells, at most `most` words."""

    def draw(rng: np.random.Generator) -> list[Value]:
        return list(map(str, rng.integers(size, size=size).tolist()))

    def are_cells(words: Sequence[Value]) -> bool:
        return len(words) <= size and all(kind(word) == "" for word in words)

    return Traces(draw, partial(run_subleq, size=size), are_cells, most)


@program(
    family=FAMILY,
    vocab=subleq_words(),
    max_len=128,
    example=(
        words_of("3 4 15 1 2 run pc0 a3 b4 c15 =1"),
        words_of("EOS EOS EOS EOS EOS pc0 a3 b4 c15 =1 pc3"),
    ),
    accepts=subleq_runs(CELLS, 128),
    generates=True,
)
def subleq_machine(vocab: Sequence[Value]) -> SOp:
    """The next word of a SUBLEQ machine's trace; the prompt is its memory, then `run`.

    An instruction is three cells: a, b and a target. It takes cell a off cell b, and
    goes on at the target where the result is not above 0, else behind the instruction.
    Numbers wrap: of 0..15, the upper half stands for -8..-1, and -1 as a target halts.
    A trace says the instruction's address, its cells, and what is in cell b then.

        3 4 15 1 2 run -> pc0 a3 b4 c15 =1 pc3 ..
    """
    size = size_of(vocab, "")
    pc, a, b, c = (
        latest(prefix, f"latest_{prefix}") for prefix in ("pc", "a", "b", "c")
    )

    def address_of(word: Value, place: Value) -> Value:
        return place if word == "" else 0 if word == "=" else size

    def of_instruction(word: Value, pc: Value) -> Value:
        ahead = {"pc": 0, "a": 1, "b": 2}
        if word in ahead:
            return (pc + ahead[word]) % size
        return 0 if word == "c" else -1

    def falls_through(word: Value) -> Value:
        """Whether a word ends an instruction behind which the next one stands."""
        return None if kind(word) != "=" else 0 < number(word) < size // 2

    def following(prefix: Value, result: Value) -> Value:
        kinds = (RUN, "pc", "a", "b", "c", "=")
        after = dict(zip(kinds, (*kinds[1:], "pc"), strict=True)).get(prefix)
        halts = after is None or (prefix == "=" and result == size - 1)
        return EOS if halts else f"{after}{result}"

    here = indices.map(lambda place: min(place, size)).named("place")
    of_prompt = SequenceMap(address_of, kinds(), here).named("address_in_prompt")
    of_trace = SequenceMap(lambda word, b: b if word == "=" else 0, kinds(), b)
    address = of_prompt + of_trace.named("address_written")
    address = address.named("address").doc("the cell whose content the word says")
    read = SequenceMap(of_instruction, kinds(), pc).named("address_by_pc")
    by_b = SequenceMap(lambda word, b: b if word == "c" else 0, kinds(), b)
    read = (read + by_b.named("address_by_b")).named("read_address")
    read = read.doc("the cell that is read next, -1 for none")
    taken = SequenceMap(lambda word, a: a if word == "c" else None, kinds(), a)
    cell = last(Select(address, read, EQ), numbers(), 0).named("cell")
    other = Select(address, taken.named("subtrahend_address"), EQ)
    subtrahend = last(other, numbers(), 0).named("subtrahend")
    falls = tokens.map(falls_through).named("falls_through")
    behind = SequenceMap(lambda falls, pc: pc + 3 if falls else 0, falls, pc)
    target = SequenceMap(lambda falls, c: c if falls is False else 0, falls, c)
    onwards = behind.named("address_behind") + target.named("jump_target")
    result = (cell - subtrahend + onwards).map(lambda value: value % size)
    return SequenceMap(following, kinds(), result.named("result"))


def subleq_of(size: int, max_len: int) -> Program:
    """Return the SUBLEQ machine with another number of cells, and of words."""
    return replace(
        subleq_machine,
        vocab=subleq_words(size),
        max_len=max_len,
        accepts=subleq_runs(size, max_len),
    )
