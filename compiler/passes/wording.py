"""The definitions of variables as text, after a pass has merged and dropped some.

A definition names the variables that it was written with. One that is gone is named
by the variable that it became, or replaced by its own definition in brackets; one
that turned out to be constant is replaced by its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from compiler.ir import typed as t
from compiler.ir.graph import place_in_program
from compiler.rasp.values import show

# Shared parts are written out wherever they are read: an end to their growth.
_LONGEST = 120
UNNAMED = "expression"
"""What an expression is called that was given no name."""


def reword(before: t.Typed, became: Sequence[t.Variable], after: t.Typed) -> t.Typed:
    """Return the program with definitions in terms of its own variables.

    Args:
        before: the program as it was, with the texts as they were written.
        became: for each variable of `before` the one that took its place, whether or
            not that one is still there.
        after: the program as it is.
    """
    kept = {v.name for v in after.variables}
    words: dict[str, str] = {}
    texts: dict[str, str] = {}
    names = _any_of(v.name for v in before.variables)
    for old, new in zip(before.variables, became, strict=True):
        text = names.sub(lambda m: words.get(m[0], m[0]), definition(old))
        texts.setdefault(new.name, text)
        if isinstance(new.operation, t.Fixed) and not new.named:
            words[old.name] = show(new.domain.values[0])
        elif new.name not in kept:
            words[old.name] = _bracket(text)
        elif new.name != old.name:
            words[old.name] = new.name
    return replace(
        after,
        variables=tuple(
            replace(v, text=f"{v.name} = {texts.get(v.name, definition(v))}")
            for v in after.variables
        ),
    )


def written(typed: t.Typed) -> list[str]:
    """Return of each variable how it is computed, in terms of what its author named.

    Names that the compiler made up, such as `aggregate_1`, do not occur.
    """
    names = _any_of(v.name for v in typed.variables)
    words: dict[str, str] = {}
    texts = []
    for variable in typed.variables:
        text = names.sub(lambda m: words.get(m[0], m[0]), definition(variable))
        texts.append(text)
        if not (variable.named or isinstance(variable.operation, t.Input)):
            words[variable.name] = _bracket(text)
    return texts


def author_text(typed: t.Typed, index: int) -> str:
    """Return how an error names a variable: as its author wrote it."""
    variable = typed.variables[index]
    name = variable.name if variable.named else None
    return place_in_program(name, written(typed)[index])


def title(typed: t.Typed) -> str:
    """Return a program's name; the text of an expression that was given no name."""
    if typed.name != UNNAMED:
        return typed.name
    text = written(typed)[typed.output]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]}.."


def definition(variable: t.Variable) -> str:
    """Return how a variable is computed: its text without the name in front."""
    start = f"{variable.name} = "
    text = variable.text
    return text[len(start) :] if text.startswith(start) else text.partition(" = ")[2]


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of a name, or else of a word: `shift_by(1)` is one name."""
    other = {name for name in names if not re.fullmatch(r"\w+", name)}
    longest_first = sorted(other, key=lambda name: (-len(name), name))
    parts = [rf"(?<!\w){re.escape(name)}(?!\w)" for name in longest_first]
    return re.compile("|".join([*parts, r"\w+"]))


def _bracket(text: str) -> str:
    if len(text) > _LONGEST:
        return "(..)"
    return text if re.fullmatch(r"\w+(\([^()]*\))?", text) else f"({text})"
