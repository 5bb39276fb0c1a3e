"""Causal models written by hand: content, one class a task, a file a task.

`find(name)` returns one, `all_tasks()` all of them by name. They stand behind the
protocol that RASP programs satisfy (`zoo/causal/model.py`), and have words for their
tokens and values besides, so that what is trained on them can be saved and loaded. A
saved model holds the task's name; its definition is here, and in no file.

`SUMMARIES` says what a list shows, so that listing the tasks imports no arrays.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

from compiler.errors import unknown_name
from zoo.tasks.summaries import SUMMARIES, TaskSummary

if TYPE_CHECKING:
    from zoo.causal.model import Task


@cache
def all_tasks() -> dict[str, Task]:
    """Return every task by name."""
    return {about.name: _make(about) for about in SUMMARIES}


@cache
def _make(about: TaskSummary) -> Task:
    module = importlib.import_module(f"{__name__}.{about.module}")
    return getattr(module, about.class_name)()


def find(name: str) -> Task:
    """Return the task called `name`.

    Raises:
        NameLookupError: there is none; the message offers the nearest names.
    """
    known = {about.name: about for about in SUMMARIES}
    if name not in known:
        raise unknown_name("task", name, known)
    return _make(known[name])
