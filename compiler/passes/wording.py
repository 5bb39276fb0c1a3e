"""The definitions of variables as text, after a pass has merged and dropped some.

A definition names the variables that it was written with. One that is gone is named
by the variable that it became, or replaced by its own definition in brackets; one
that turned out to be constant is replaced by its value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from compiler.ir import graph as g
from compiler.ir import typed as t
from compiler.rasp.values import show

# Shared parts are written out wherever they are read: an end to their growth.
_LONGEST = 120
# How deep an error message writes out what the author gave no name, and how long it
# may become.
_LEVELS, _LONGEST_MESSAGE = 4, 240


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
    for old, new in zip(before.variables, became, strict=True):
        text = _substitute(definition(old), words)
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


def definition(variable: t.Variable) -> str:
    """Return how a variable is computed: its text without the name in front."""
    return variable.text.partition(" = ")[2]


def _substitute(text: str, words: Mapping[str, str]) -> str:
    return re.sub(r"\w+", lambda match: words.get(match[0], match[0]), text)


def _bracket(text: str) -> str:
    if len(text) > _LONGEST:
        return "(..)"
    return text if re.fullmatch(r"\w+(\([^()]*\))?", text) else f"({text})"


def author_text(variables: Sequence[t.Variable | g.Node], index: int) -> str:
    """Return how an error message names a variable: as its author wrote it.

    A variable with a name is quoted with its definition, `'rank', that is rank = ..`;
    of any other the definition is given. Names that the compiler made up are never
    shown: what they stand for is written out, as far as there is room.

    Args:
        variables: all variables of the program, or the nodes of its graph.
        index: the one that is named.
    """
    variable = variables[index]
    defined = {v.name: v for v in variables if not v.named}
    text = _written_out(_text(variables, variable), defined, variables, _LEVELS)
    if len(text) > _LONGEST_MESSAGE:
        text = f"{text[: _LONGEST_MESSAGE - 2]}.."
    if variable.named:
        return f"{variable.name!r}, that is {variable.name} = {text}"
    return f"the expression {text}"


def author_name(variables: Sequence[t.Variable | g.Node], index: int) -> str:
    """Return the quoted name of a variable, or its definition where it has none."""
    variable = variables[index]
    return repr(variable.name) if variable.named else author_text(variables, index)


def _text(
    variables: Sequence[t.Variable | g.Node], variable: t.Variable | g.Node
) -> str:
    if isinstance(variable, t.Variable):
        return definition(variable)
    text = g.describe_node(variable, [v.name for v in variables])
    return text.partition(" = ")[2]


def _written_out(
    text: str,
    defined: Mapping[str, t.Variable | g.Node],
    variables: Sequence[t.Variable | g.Node],
    levels: int,
) -> str:
    """Return a definition with the definitions of made-up names in their place."""

    def inner(match: re.Match[str]) -> str:
        variable = defined.get(match[0])
        if variable is None:
            return match[0]
        if levels == 0:
            return ".."
        part = _text(variables, variable)
        if isinstance(variable.operation, g.Const | t.Fixed):
            return part
        return _bracket(_written_out(part, defined, variables, levels - 1))

    return re.sub(r"(?<!')\b\w+\b(?!')", inner, text)
