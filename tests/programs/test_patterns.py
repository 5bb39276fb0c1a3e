"""The programs of `programs/patterns.py` against plain Python."""

from __future__ import annotations

import itertools

import pytest

from programs import patterns
from tests.programs.check import check_against_reference


def text(x: list[str]) -> str:
    return "".join(x)


def count_substring(x: list[str]) -> list[int]:
    starts = [k for k in range(len(x)) if text(x).startswith("ab", k)]
    return [len(starts)] * len(x)


def contains_subsequence(x: list[str]) -> list[bool]:
    result, matched = [], 0
    for letter in x:
        if matched < 2 and letter == "ab"[matched]:
            matched += 1
        result.append(matched == 2)
    return result


def is_copy_language(x: list[str]) -> list[bool]:
    parts = text(x).split("#")
    return [len(parts) == 2 and parts[0] == parts[1]] * len(x)


REFERENCES = {
    "detect_pattern": lambda x: [
        None if i < 2 else text(x[i - 2 : i + 1]) == "abc" for i in range(len(x))
    ],
    "starts_with": lambda x: [text(x).startswith("he")] * len(x),
    "ends_with": lambda x: [text(x).endswith("lo")] * len(x),
    "contains_substring": lambda x: ["ab" in text(x)] * len(x),
    "count_substring": count_substring,
    "contains_subsequence": contains_subsequence,
    "is_copy_language": is_copy_language,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(patterns, name), REFERENCES[name])


def test_is_copy_language_accepts_every_copy() -> None:
    words = [w for n in range(5) for w in itertools.product("ab", repeat=n)]
    copies = [(*w, "#", *w) for w in words]
    altered = [(*w, "#", *w[:-1], "#") for w in words if w]
    check_against_reference(
        patterns.is_copy_language, is_copy_language, copies + altered
    )
