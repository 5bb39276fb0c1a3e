"""The programs in RASP text that come with the library, `programs/paper/*.rasp`.

They are those of Weiss et al. 2021, and others in its style. Each is listed, and used,
under a name such as `paper/sort.rasp`. A listing reads their first lines and not the
programs.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FAMILY = "RASP text"
ROOT = Path(__file__).parent
FOLDER = "paper"
_SETTING = re.compile(r"^set (vocab|max_len) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class ListedText:
    """What a listing says of a program in RASP text.

    Attributes:
        name: `paper/sort.rasp`.
        meaning: what it computes, the comment that it begins with.
        tokens: how many tokens its vocabulary has.
        max_len: its greatest number of tokens.
    """

    name: str
    meaning: str
    tokens: int
    max_len: int


@cache
def all_texts() -> tuple[ListedText, ...]:
    """Return every program in RASP text, by name."""
    return tuple(map(_listed, sorted((ROOT / FOLDER).glob("*.rasp"))))


def _listed(path: Path) -> ListedText:
    text = path.read_text(encoding="utf-8")
    comment = re.match(r"(#.*\n)*", text)
    lines = comment[0].splitlines() if comment else []
    setting = {key: ast.literal_eval(value) for key, value in _SETTING.findall(text)}
    return ListedText(
        name=f"{FOLDER}/{path.name}",
        meaning=" ".join(line.lstrip("# ") for line in lines),
        tokens=len(setting["vocab"]),
        max_len=setting["max_len"],
    )


def text_file(path: Path) -> Path:
    """Return the file that a path names: of the user's, else one of the library's."""
    own = ROOT / path
    is_name = path.suffix == ".rasp" and path.parts[:-1] == (FOLDER,)
    return own if is_name and not path.exists() and own.is_file() else path
