"""The programs of `programs/memory.py` against plain Python."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from programs import memory
from tests.programs.check import check_against_reference


def register_machine_memory(x: list[Any]) -> list[Any]:
    registers: dict[int, int] = {}
    result = []
    for operation, address, *value in x:
        if operation == "w":
            registers[address] = value[0]
        result.append(registers.get(address))
    return result


def stack_manipulation(x: list[int]) -> list[Any]:
    stack: list[int] = []
    for token in x:
        if token != 2:
            stack.append(token if token < 2 else token - 3)
        elif stack:
            stack.pop()
    return stack[::-1] + ["_"] * (len(x) - len(stack))


def queue_dequeue(x: list[str]) -> list[str | None]:
    queue: deque[str] = deque()
    result = []
    for token in x:
        if token == "deq":
            result.append(queue.popleft() if queue else None)
        else:
            queue.append(token)
            result.append(None)
    return result


REFERENCES = {
    "register_machine_memory": register_machine_memory,
    "stack_manipulation": stack_manipulation,
    "queue_dequeue": queue_dequeue,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(memory, name), REFERENCES[name])
