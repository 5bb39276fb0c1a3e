"""Models in the shape of an architecture: what `zoo train --like llama` trains.

An architecture decides in which direction its models attend. A program that attends in
both directions is trained for a causal architecture as the language task that writes
its output behind the input, where there is one (`sort` as `sort_text`: `3 1 2 =` goes
on with `1 2 3 EOS`), and otherwise with causal attention.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from compiler.errors import InputError
from compiler.families import Family, find_family
from compiler.pipeline import Source
from compiler.rasp.expr import SOp
from zoo import catalogue, tasks
from zoo.causal.model import CausalModel
from zoo.training.store import Setting

TEXT = "_text"
"""What the name of a language task has behind that of the program it stands for."""


def like_changes(like: str | None) -> Mapping[str, Any]:
    """Return the fields of a recipe that make a model of an architecture.

    Args:
        like: `gpt2`, `llama`, `qwen2` or `bert`; None for none.

    Raises:
        NameLookupError: there is no such architecture; the known ones are listed.
    """
    return {} if like is None else find_family(like).options


def text_task(name: str, like: str | None) -> str:
    """Return the name of what is trained under a name: itself, or a language task.

    Args:
        name: of a program or a task.
        like: the architecture, if one was asked for.
    """
    if like is None or not find_family(like).causal:
        return name
    found = catalogue.define(name)
    known = any(task.name == name + TEXT for task in tasks.SUMMARIES)
    return name + TEXT if known and not found.causal else name


def setting_like(setting: Setting, like: str | None) -> Setting:
    """Return a setting whose attention is that of an architecture.

    Raises:
        InputError: it is one of earlier positions only, and the architecture's goes
            both ways.
    """
    if like is None:
        return setting
    family, own = find_family(like), setting.defined
    found = catalogue.define(setting.name) if own is None else own
    causal = False if isinstance(found, SOp) else found.causal
    check_direction(setting.name, causal, family)
    return replace(setting, causal=family.causal and not causal)


def source_like(source: Source, like: str | None) -> Source:
    """Return a program that attends as an architecture does; see `setting_like`."""
    if like is None:
        return source
    family = find_family(like)
    check_direction(source.name, source.causal, family)
    return replace(source, causal=family.causal)


def model_like(model: CausalModel, like: str | None) -> CausalModel:
    """Return a causal model, whose direction cannot be changed.

    Raises:
        InputError: the architecture attends in another direction.
    """
    if like is not None:
        family = find_family(like)
        check_direction(model.name, model.causal, family)
        if family.causal and not model.causal:
            raise InputError(
                f"{model.name} attends in both directions, and {family.title} to "
                "earlier positions only. Write it with `causal = True`, or train it "
                'with like="bert"'
            )
    return model


def check_direction(name: str, causal: bool, family: Family) -> None:
    """Raise InputError for what sees earlier positions only, where a model sees all."""
    if causal and not family.causal:
        raise InputError(
            f"{name} sees earlier positions only, and {family.title} attends in both "
            'directions. Train it with like="gpt2", "llama" or "qwen2"'
        )
