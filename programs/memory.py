"""Programs that keep a memory: registers, a stack, a queue."""

from __future__ import annotations

from compiler.rasp import (
    EQ,
    NEQ,
    Aggregate,
    Constant,
    Select,
    SelectorWidth,
    SOp,
    indices,
    last,
    maximum,
    prefix,
    program,
    select_all,
    tokens,
    where,
)
from compiler.rasp.values import Value
from programs.copying import FAMILY, SLOT


@program(
    family=FAMILY,
    vocab=(("w", 0, 5), ("w", 0, 9), ("w", 1, 7), ("r", 0), ("r", 1)),
    max_len=7,
    example=(
        (("w", 0, 5), ("w", 1, 7), ("r", 0), ("w", 0, 9), ("r", 0)),
        (5, 7, 5, 9, 9),
    ),
)
def register_machine_memory() -> SOp:
    """The value written, or last written to the address read, None if never.

    register_machine_memory([("w", 0, 5), ("r", 0), ("r", 1)]) -> [5, 5, None]
    """

    def writes_there(key: Value, query: Value) -> bool:
        return key[0] == "w" and key[1] == query[1]

    def written(found: Value) -> Value:
        return found[2] if found is not None and found[0] == "w" else None

    latest = last(Select(tokens, tokens, writes_there) & prefix(), tokens)
    return latest.named("latest_write").map(written)


@program(
    family=FAMILY,
    vocab=(0, 1, 2, 3, 4),
    max_len=7,
    example=((0, 1, 1, 0, 3, 2, 2), (1, 1, 0, SLOT, SLOT, SLOT, SLOT)),
)
def stack_manipulation(max_len: int) -> SOp:
    """The final stack from the top: 0 and 1 are pushed, 2 pops, 3 pushes 0, 4 pushes 1.

    stack_manipulation([0, 1, 1, 2]) -> [1, 0, "_", "_"]. A pop of the empty stack does
    nothing, so the height is the balance above its lowest point; a level of the final
    stack holds what was pushed last at that height.
    """

    def level(value: int) -> int:
        return min(max(value, 0), max_len)  # no other height is ever reached

    pushes = SelectorWidth(Select(tokens, Constant(2), NEQ) & prefix()).named("pushes")
    balance = (2 * pushes - indices - 1).named("balance").doc("pushes minus pops")
    deficit = balance.map(lambda value: max(-value, 0)).named("deficit")
    failed = Aggregate(prefix(), deficit, rule="max").named("failed_pops")
    height = (balance + failed).map(level).named("height")
    pushed_level = where(tokens == 2, None, height).named("pushed_level")
    final_height = last(select_all, height).named("final_height")
    shown_level = (final_height - indices).map(level).named("shown_level")
    bit = tokens.map(lambda token: {3: 0, 4: 1}.get(token, token)).named("bit")
    return last(Select(pushed_level, shown_level, EQ), bit, SLOT)


@program(
    family=FAMILY,
    vocab=("a", "b", "c", "deq"),
    example=(("a", "b", "deq", "c", "deq"), (None, None, "a", None, "b")),
)
def queue_dequeue() -> SOp:
    """At "deq" the front of the queue, None if it is empty; letters are enqueued.

    queue_dequeue(["a", "b", "deq", "deq", "deq"]) -> [None, None, "a", "b", None]. The
    failures so far are the most by which "deq" ever outnumbered the letters. A "deq"
    that fails asks for a ticket that is not yet given out.
    """
    letters = Select(tokens, Constant("deq"), NEQ)
    enqueued = SelectorWidth(letters & prefix()).named("enqueued")
    surplus = maximum(indices + 1 - 2 * enqueued, 0).named("surplus")
    failed = Aggregate(prefix(strict=True), surplus, 0, "max").named("failed_before")
    turn = where(tokens == "deq", indices + 1 - enqueued, 0).named("turn")
    wanted = (turn - failed).named("wanted_ticket")
    ticket = where(tokens == "deq", None, enqueued).named("ticket")
    return Aggregate(Select(ticket, wanted, EQ) & prefix(), tokens)
