"""How much a text may ask for: sizes and steps above which it is refused.

RASP text can come from strangers. What it may cost is bounded here, and it has no word
for files (but `load`, in a folder that the caller names) nor for anything of Python's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextBounds:
    """Sizes above which RASP text is refused.

    Attributes:
        characters: of a text and of all that it loads.
        steps: expressions and statements that are evaluated, with each round of a loop.
        items: of one list or dict, and characters of one string.
        calls: functions that are called inside one another.
        selector: selectors that are joined by `and`, `or` and `not` into one.
        loads: files that are loaded inside one another.
    """

    characters: int = 2_000_000
    steps: int = 2_000_000
    items: int = 100_000
    calls: int = 1_000
    selector: int = 150
    loads: int = 20
