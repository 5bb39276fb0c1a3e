"""A machine with a stack; its program stands in the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compiler.rasp import (
    EQ,
    Select,
    SequenceMap,
    SOp,
    last,
    program,
    where,
)
from compiler.rasp.values import Value
from programs.stored_programs import (
    ADDRESSES,
    HALT,
    NUMBERS,
    WRITTEN,
    are_among,
    continued,
    executed,
    instruction_at,
    next_pc,
    prompts,
    word_of,
)
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
    words_of,
)

DEEPEST = 4
"""The most numbers on the stack."""
ON_STACK = (
    *numbered("push", NUMBERS),
    *("add", "sub", "dup", "pop"),
    *numbered("jz", ADDRESSES),
    *numbered("goto", ADDRESSES),
    HALT,
)
STEPS = {"push": (0, 1), "add": (2, -1), "sub": (2, -1), "dup": (1, 1), "pop": (1, -1)}
"""By instruction of the stack: numbers that it needs, and by how many it adds to them.

`jz` needs one and leaves it there, `goto` needs none.
"""
WORDS = (*ON_STACK, RUN, *numbered("depth", DEEPEST + 1), *WRITTEN)


def depth_after(instruction: Value, depth: int) -> Value:
    """Return how many numbers an instruction leaves on the stack; None: it halts."""
    needs, more = STEPS.get(kind(instruction), (0, 0))
    needs = 1 if kind(instruction) == "jz" else needs
    fits = depth >= needs and depth + more <= DEEPEST
    return depth + more if fits and instruction != HALT else None


def on_top(instruction: Value, top: int, below: int) -> int:
    """Return the number on top of the stack behind an instruction.

    Args:
        instruction: it.
        top: what was on top before.
        below: what stood last at the depth that the instruction leaves.
    """
    found = {
        "push": number(instruction),
        "add": below + top,
        "sub": below - top,
        "dup": top,
    }
    return found.get(kind(instruction), below) % NUMBERS


def run_stack(prompt: Sequence[Value]) -> Iterator[Value]:
    """Return what a stack machine writes that executes a prompt."""
    stack, depth, word = [0] * (DEEPEST + 1), 0, "pc0"
    while word != EOS:
        yield word
        instruction, top = instruction_at(prompt, number(word)), stack[depth]
        depth = depth_after(instruction, depth)
        if depth is None:
            return
        stack[depth] = on_top(instruction, top, stack[depth])
        yield from (f"depth{depth}", f"={stack[depth]}")
        word = continued(instruction, number(word), stack[depth])


@program(
    family=FAMILY,
    vocab=WORDS,
    max_len=64,
    example=(
        words_of("push2 push3 add run pc0 depth1 =2 pc1 depth2 =3 pc2 depth1"),
        words_of("EOS EOS EOS pc0 depth1 =2 pc1 depth2 =3 pc2 depth1 =5"),
    ),
    accepts=Traces(prompts(ON_STACK), run_stack, are_among(ON_STACK), 64),
    generates=True,
)
def stack_machine() -> SOp:
    """The next word of a stack machine's trace; the prompt is its program, then `run`.

    The stack has room for four numbers of 0 to 7, which wrap. `push3`, `dup`, `pop`;
    `add` and `sub` take two numbers and leave one; `jz3` goes on at address 3 if the
    number on top, which stays, is 0, and `goto3` in any case. It halts at `halt`, at an
    address without an instruction, and where numbers or room are missing. Each
    instruction writes its address, the depth of the stack then, and what is on top.

        push2 push3 add run -> pc0 depth1 =2 pc1 depth2 =3 pc2 depth1 =5 pc3
    """
    pc, depth = latest("pc", "latest_pc"), latest("depth", "latest_depth")
    top = latest("=", "latest_top")
    instruction = executed(ON_STACK, pc)
    after = SequenceMap(depth_after, instruction, depth).named("depth_after")
    holds = SequenceMap(
        lambda word, depth: depth if word == "=" else None, kinds(), depth
    ).named("depth_of_number")
    below = last(Select(holds, depth, EQ), numbers(), 0).named("below")
    of_top = SequenceMap(
        lambda i, top: {"add": top, "sub": -top, "dup": top}.get(i, 0), instruction, top
    ).named("part_of_top")
    of_below = SequenceMap(
        lambda i, below: 0 if i == "dup" or kind(i) == "push" else below,
        instruction,
        below,
    ).named("part_of_below")
    pushed = instruction.map(lambda i: number(i) if kind(i) == "push" else 0)
    total = of_top + of_below + pushed.named("pushed")
    result = total.map(lambda value: value % NUMBERS).named("result")
    onwards = next_pc(instruction, pc)
    value = where(
        kinds() == "pc",
        after,
        where(kinds() == "depth", result, where(kinds() == "=", onwards, 0)),
    )
    return SequenceMap(
        word_of(WORDS, "pc", "depth", "="), kinds(), value.named("value")
    )
