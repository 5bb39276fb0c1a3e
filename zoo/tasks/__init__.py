"""Causal models written by hand: content, one class a task, a file a task.

`find(name)` returns one, `all_tasks()` all of them by name. They stand behind the
protocol that RASP programs satisfy (`zoo/causal/model.py`), and have words for their
tokens and values besides, so that what is trained on them can be saved and loaded. A
saved model holds the task's name; its definition is here, and in no file.
"""

from __future__ import annotations

from functools import cache

from compiler.errors import unknown_name
from zoo.causal.model import Task
from zoo.tasks.greater_than import GreaterThan
from zoo.tasks.induction import InductionHeads


@cache
def all_tasks() -> dict[str, Task]:
    """Return every task by name."""
    tasks: list[Task] = [GreaterThan(), InductionHeads()]
    return {task.name: task for task in tasks}


def find(name: str) -> Task:
    """Return the task called `name`.

    Raises:
        NameLookupError: there is none; the message offers the nearest names.
    """
    if name not in all_tasks():
        raise unknown_name("task", name, all_tasks())
    return all_tasks()[name]
