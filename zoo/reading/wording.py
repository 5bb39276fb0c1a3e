"""A question about a variable in words.

A question asks for the variable's value, whether it is a value, or whether it is
greater than a number. Each is worded in several ways; the last is for the test split.
"""

from __future__ import annotations

from compiler.rasp.values import Value, show

ASKS = ("value", "equals", "greater")
YES, NO = "yes", "no"
WORDINGS: dict[str, tuple[str, ...]] = {
    "value": (
        "What is {name} at this token?",
        "Which value does {name} have here?",
        "Give the value of {name} at this position.",
    ),
    "equals": (
        "Is {name} {value} at this token?",
        "Does {name} have the value {value} here?",
        "Is it so that {name} equals {value} at this position?",
    ),
    "greater": (
        "Is {name} greater than {value} at this token?",
        "Does {name} exceed {value} here?",
        "Is it so that {name} is above {value} at this position?",
    ),
}


def word_question(
    asks: str, name: str, sentence: str, operand: Value, wording: int
) -> str:
    """Return a question.

    Args:
        asks: one of `ASKS`.
        name: of the variable.
        sentence: what the variable's component does.
        operand: the value that is asked for, if one is.
        wording: which wording; -1 is that of the test split.
    """
    text = WORDINGS[asks][wording].format(name=f"'{name}'", value=show(operand))
    return f"A component of a transformer computes '{name}'. {sentence} {text}"
