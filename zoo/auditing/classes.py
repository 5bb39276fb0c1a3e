"""Which edges each class of inputs, or each task, uses: an audit of it alone.

A program may name a variable that divides its inputs into classes (`Program.classes`):
the task that is asked for, or the route that is taken. Over pairs of one class an edge
that only other classes use has no effect. A model that computes several programs at
once has tasks in the place of classes: all inputs, and the outputs of one program.
"""

from __future__ import annotations

from dataclasses import replace

from compiler.errors import InputError
from zoo.auditing.certificate import Certificate, audit
from zoo.auditing.findings import ClassFindings
from zoo.auditing.rates import Rate
from zoo.auditing.subject import Subject
from zoo.auditing.tasks import subject_of_task, tasks_of
from zoo.causal.classes import class_names, within_class

CLASS_PAIRS = 2_000
"""Pairs of inputs of each class."""


def class_variable(subject: Subject) -> str | None:
    """Return the variable that divides a model's inputs into classes, if one does."""
    named = subject.facts.get("classes")
    return named if isinstance(named, str) else None


def subject_within(subject: Subject, name: str) -> Subject:
    """Return the subject of an audit over the inputs of one class, or of one task.

    Args:
        subject: of the whole model.
        name: of the class or the task.

    Raises:
        InputError: its inputs are not divided into classes.
        NameLookupError: there is no such class; the others are listed.
    """
    if tasks_of(subject):
        return subject_of_task(subject, name)
    variable = class_variable(subject)
    if variable is None:
        raise InputError(
            f"{subject.name} does not divide its inputs into classes, and {name!r} was "
            "asked for. Leave it out: the case is about all inputs"
        )
    causal = within_class(subject.causal, variable, name)
    return replace(subject, causal=causal, name=f"{subject.name}:{name}")


def find_in_classes(
    subject: Subject, *, pairs: int = CLASS_PAIRS, seed: int = 0
) -> dict[str, ClassFindings] | None:
    """Return what each class or task uses; None if there are neither.

    Args:
        subject: what is audited.
        pairs: of each class; all of them if they are fewer.
        seed: of the pairs.
    """
    variable, names = class_variable(subject), tasks_of(subject)
    if variable is None and not names:
        return None
    if variable is not None:
        names = tuple(class_names(subject.causal, variable))
    return {
        name: find_in_class(subject, name, pairs=pairs, seed=seed) for name in names
    }


def find_in_class(
    subject: Subject, name: str, *, pairs: int = CLASS_PAIRS, seed: int = 0
) -> ClassFindings:
    """Return what one class of inputs uses; arguments as of `find_in_classes`."""
    return _findings(audit(subject_within(subject, name), pairs=pairs, seed=seed))


def _findings(found: Certificate) -> ClassFindings:
    nothing = Rate(0, 1, 0.0, 0.0)
    outside = max(found.effects.values(), key=lambda r: r.share, default=nothing)
    return ClassFindings(
        inputs=found.inputs,
        all_inputs=found.all_inputs,
        pairs=found.pairs,
        behaviour=found.behaviour,
        all_edges=found.all_edges,
        outside=outside,
        circuit=found.circuit,
    )
