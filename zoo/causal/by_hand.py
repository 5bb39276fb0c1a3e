"""What a saved model holds of a causal model that was written by hand.

The definition of such a model is code, and no file holds code. A saved model therefore
holds the task's name, and the names of its tokens, variables and values. An audit finds
the task by its name (`zoo/tasks/`), or is given it, and compares the two.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError
from compiler.ir import typed as t
from compiler.ir.domain import Domain, tokens_domain
from compiler.ir.interpret import Trace
from compiler.model import Model
from compiler.rasp.values import unordered
from zoo.causal import FAMILY
from zoo.causal.model import COMPUTED, CausalVariable, Task

TASK = "task"
"""The fact that names a model's task; no model of a program has it."""


def facts_of(task: Task) -> dict[str, Any]:
    """Return the facts about a task; its source text is only for people to read."""
    facts = {"family": FAMILY, "meaning": task.meaning, TASK: task.name}
    # A task without a `run` of its own is made of rules, which its whole class holds.
    shown = type(task).run if "run" in vars(type(task)) else type(task)
    try:
        return {**facts, "source": inspect.getsource(shown)}
    except (OSError, TypeError):  # made at a prompt: there is no file with its text
        return facts


def task_of(model: Model) -> str | None:
    """Return the name of a model's task, None if the model computes a program."""
    name = model.facts.get(TASK)
    return None if name is None else str(name)


def describe(task: Task) -> t.Typed:
    """Return a task in the type that programs have, without its definitions.

    Every variable is a table without entries, so the interpreter finds each variable
    undefined, and nothing can be compared with it by mistake.

    Raises:
        InputError: the values and the sizes of variables contradict each other.
    """
    _check(task)
    max_len = task.n_ctx - 1
    tokens = t.Variable(
        name="tokens",
        operation=t.Input("tokens"),
        domain=tokens_domain(task.vocab, max_len),
        named=False,
        note="the input tokens",
        text="tokens = input",
    )
    variables = (tokens, *(_variable(task, v) for v in task.variables))
    names = [v.name for v in variables]
    return t.Typed(
        name=task.name,
        variables=variables,
        output=names.index(task.output),
        causal=task.causal,
        vocab=task.vocab,
        max_len=max_len,
        numerical=task.readout.kind != "classes",
        notes=("the variables are defined by hand, in code that no saved model holds",),
    )


def trace(task: Task, ids: Int[np.ndarray, "input ctx"]) -> Trace:
    """Return the values of every variable of a task, in the interpreter's type."""
    import jax

    typed = describe(task)
    clean = np.full((len(task.variables), task.n_ctx), COMPUTED, np.int32)
    run = jax.jit(jax.vmap(lambda row: task.run(row, clean)))
    values = np.asarray(run(ids)).astype(np.int32)[:, :, 1:]
    words = ids[:, 1:].astype(np.int32)
    tokens = np.where(words < len(task.vocab), words, -1)
    lengths = (ids != task.pad_id).sum(axis=1) - 1
    return Trace(typed, (tokens, *values.swapaxes(0, 1)), tokens, lengths)


def fitting(task: Task, model: Model) -> Task:
    """Return the task, if a model has the task's tokens, variables and values.

    Raises:
        InputError: it has others, so it was trained on something else.
    """
    found, expected = model.typed, describe(task)
    for what, one, other in (
        ("tokens", found.vocab, expected.vocab),
        ("greatest length", found.max_len, expected.max_len),
        ("variables", _words(found), _words(expected)),
        ("output", model.output, task.output),
        ("attention", found.causal, expected.causal),
    ):
        if one != other:
            raise InputError(
                f"{model.name}: its {what} are not those of the task {task.name!r} as "
                "it is now; the two do not belong together"
            )
    return task


def _words(typed: t.Typed) -> list[tuple[str, tuple]]:
    return [(v.name, v.domain.values) for v in typed.variables]


def _variable(task: Task, variable: CausalVariable) -> t.Variable:
    values, name = task.values[variable.name], variable.name
    positions = np.ones((task.n_ctx - 1, len(values)), bool)
    nowhere = np.full(len(task.vocab), -1, np.int32)
    parents = ", ".join(dict.fromkeys(p.source for p in variable.parents))
    return t.Variable(
        name=name,
        operation=t.Table((0,), nowhere, np.ones(len(task.vocab), bool)),
        domain=Domain(values, positions),
        named=True,
        note="",
        text=f"{name} = by hand, of {parents}",
    )


def _check(task: Task) -> None:
    """Raise InputError, with all that is wrong, unless words and sizes agree."""
    names = [v.name for v in task.variables]
    problems = [
        f"{v.name!r} has size {v.size} and {len(task.values.get(v.name, ()))} values"
        for v in task.variables
        if v.size != len(task.values.get(v.name, ()))
    ]
    if len(set(names)) < len(names) or "tokens" in names:
        problems.append("two variables have one name, or one is called 'tokens'")
    if task.output not in names:
        problems.append(f"its output {task.output!r} is no variable")
    elif task.readout.values != task.values.get(task.output):
        problems.append("the readout has other values than the output")
    listed = {"vocabulary": task.vocab, **task.values}
    problems += [
        f"the values of {name!r} are a set, which has no order; give a tuple"
        for name, values in listed.items()
        if unordered(values)
    ]
    last = len(task.vocab) - 1
    if min(task.bos_id, task.pad_id) <= last or task.d_vocab < last + 3:
        problems.append(f"BOS and PAD must have ids above {last}, within d_vocab")
    if problems:
        raise InputError(f"{task.name}: {'; '.join(problems)}")
