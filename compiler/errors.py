"""The errors a caller can act on, all under one base class.

Every message says where it happened, what was found, what was expected, and
what to do. The command line prints the message alone, without a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Set


class ZooError(ValueError):
    """Base of every error that a user's input can cause."""


class ProgramError(ZooError):
    """A RASP program cannot be typed or lowered; lists all of its problems.

    Args:
        problems: one sentence (or paragraph) a problem, at least one.
        program: name of the program, for the headline.
    """

    def __init__(self, problems: Iterable[str], program: str = "program") -> None:
        self.problems = tuple(problems)
        self.program = program
        lines = "\n".join(f"  {i}. {p}" for i, p in enumerate(self.problems, start=1))
        found = count(len(self.problems), "problem")
        super().__init__(f"{program}: {found}\n{lines}")


class InputError(ZooError):
    """An input sequence, a vocabulary or an option is not usable."""


class NameLookupError(ZooError):
    """A name is not known; the message offers the nearest known ones."""


class FormatError(ZooError):
    """A saved model or release is truncated, altered, or of another format."""


class FetchError(ZooError):
    """Something elsewhere cannot be reached, or sent less than it has."""


class UnsuitedInputWarning(UserWarning):
    """A program is not for an input that its model was called on."""


FEW = 12
"""So many names can be told where none is near."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> NameLookupError:
    """Return the error for an unknown `name`: the nearest of `known`, or a few all."""
    names = sorted(known) if isinstance(known, Set) else list(known)
    hint = nearest(name, names) if isinstance(name, str) else " A name is a string."
    if not hint and 0 < len(names) <= FEW:
        hint = f" There are: {', '.join(names)}"
    return NameLookupError(f"no {kind} is named {name!r}.{hint}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'this', 'that'?`, or nothing where nothing is near."""
    names = sorted(known)
    begun = [n for n in names if len(name) > 1 and n.startswith(name)]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    near = list(dict.fromkeys([*begun, *close]))[:3]
    return f" Did you mean {', '.join(repr(n) for n in near)}?" if near else ""


def count(number: int, noun: str) -> str:
    """Return a number and its noun: `1 layer`, `2 layers`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
