"""What the compiler says of a program, in the words of RASP text and with its lines.

The compiler speaks of the expressions of Python. Of a program that was written as RASP
text, the line of each definition is told, and remedies are those of the text.
"""

from __future__ import annotations

import re

from compiler.errors import ProgramError

_WORDS = (
    (
        "give rule='first', 'last', 'min', 'max' or 'mode', or average with mean()",
        'or say which one is taken: aggregate(selector, x, 0, "first"); also "last", '
        '"min", "max" or "mode". Booleans are averaged with indicator(x)',
    ),
    ("Take one value with rule='first'", 'Take one value with the rule "first"'),
    ("with where(is_none(x), 0, x)", "with 0 if is_none(x) else x"),
)


def in_words_of_text(error: ProgramError, text: str) -> ProgramError:
    """Return an error of the compiler as the author of a text understands it.

    Args:
        error: what the compiler said.
        text: the program.
    """
    problems = [_said(problem, error.program, text) for problem in error.problems]
    return ProgramError(problems, error.program)


def _said(problem: str, program: str, text: str) -> str:
    for python, rasp in _WORDS:
        problem = problem.replace(python, rasp)
    named = re.match(r"'(\w+)', that is ", problem)
    name = named[1] if named else program
    line = _line_of(name, text) or _line_of(re.sub(r"_\d+$", "", name), text)
    return f"line {line}: {problem}" if line else problem


def _line_of(name: str, text: str) -> int | None:
    """Return the last line that sets a name, None if no line begins with it."""
    set_here = re.compile(rf"(?:\w+\s*,\s*)*{re.escape(name)}\s*(?:,\s*\w+\s*)*=(?!=)")
    lines = enumerate(text.splitlines(), start=1)
    found = [number for number, line in lines if set_here.match(line.strip())]
    return found[-1] if found else None
