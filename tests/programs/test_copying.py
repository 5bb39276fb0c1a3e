"""The programs of `programs/copying.py` against plain Python."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from programs import copying
from tests.programs.check import check_against_reference


def after_bar(x: list[Any], answer: list[Any]) -> list[Any]:
    """Return None before the bar, then `answer`, padded with None."""
    if "|" not in x:
        return [None] * len(x)
    silent = [None] * x.index("|")
    return (silent + answer + [None] * len(x))[: len(x)]


def source_of(x: list[Any]) -> list[Any]:
    return x[: x.index("|")] if "|" in x else x


def square_string(x: list[str]) -> list[str]:
    word = "".join(x).rstrip("_")
    return list(word * len(word))


REFERENCES = {
    "duplicate_string": lambda x: x[: len(x) // 2] + x[: len(x) // 2],
    "square_string": square_string,
    "every_kth_token": lambda x: (x[::2] + ["_"] * len(x))[: len(x)],
    # On accepted inputs the copy so far is right, and its next token is wanted.
    "copy_unique_next": lambda x: after_bar(x, source_of(x)),
    "copy_unique_bigram_next": lambda x: after_bar(x, source_of(x)),
    "copy_repeat_next": lambda x: after_bar(x, source_of(x)),
    "reverse_copy_next": lambda x: after_bar(x, source_of(x)[::-1]),
}


def streams(letters: str, max_len: int) -> list[tuple[str, ...]]:
    """Return each word over `letters`, "|", and each start of the word, that fit."""
    words = (w for n in range(max_len) for w in itertools.product(letters, repeat=n))
    longest = [(*word, "|", *word)[:max_len] for word in words]
    return [x[:n] for x in longest for n in range(1, len(x) + 1)]


@pytest.mark.parametrize("name", REFERENCES)
def test_program_is_its_reference(name: str) -> None:
    check_against_reference(getattr(copying, name), REFERENCES[name])


@pytest.mark.parametrize(
    ("name", "letters"),
    [("copy_unique_next", "abcd"), ("copy_unique_bigram_next", "ab")],
)
def test_copying_continues_every_accepted_stream(name: str, letters: str) -> None:
    program = getattr(copying, name)
    accepted = set(filter(program.accepts, streams(letters, program.max_len)))
    assert len(accepted) > 100
    check_against_reference(program, REFERENCES[name], sorted(accepted))


@pytest.mark.parametrize("name", ["duplicate_string", "square_string"])
def test_writing_again_works_at_the_greatest_length(name: str) -> None:
    program = getattr(copying, name)
    kept = {"duplicate_string": 5, "square_string": 3}[name]
    words = itertools.product(program.vocab[:2], repeat=kept)
    inputs = [(*w, *"_" * (program.max_len - kept)) for w in words]
    assert all(map(program.accepts, inputs))
    check_against_reference(program, REFERENCES[name], inputs)
