"""Tables of text, plain and within a width."""

from __future__ import annotations

import pytest

from compiler.grid import Column, align, grid_lines

ROWS = [
    ["m0->a1.h0<q>", "0.25", "every position, of all inputs"],
    ["logits", "12.5", "one"],
]
COLUMNS = [Column("edge"), Column("effect", right=True), Column("what", wrap=True)]


def test_rows_are_aligned_and_none_ends_in_blanks() -> None:
    assert align([("a", "b"), ("long", "c")]) == ["  a     b", "  long  c"]
    assert align([("a", ""), ("long", "c")]) == ["  a", "  long  c"]
    assert align([]) == []


def test_numbers_stand_at_the_right_below_their_title() -> None:
    assert grid_lines(COLUMNS, ROWS, indent="  ") == [
        "  edge          effect  what",
        "  m0->a1.h0<q>    0.25  every position, of all inputs",
        "  logits          12.5  one",
    ]
    assert grid_lines(["", ""], []) == []


@pytest.mark.parametrize("indent", ["", "  "])
def test_a_width_that_is_enough_changes_nothing(indent: str) -> None:
    plain = grid_lines(COLUMNS, ROWS, indent=indent)
    assert grid_lines(COLUMNS, ROWS, 80, indent) == plain
    bare = [Column(right=column.right) for column in COLUMNS]
    assert grid_lines(bare, ROWS, 80, indent) == grid_lines(bare, ROWS, indent=indent)


def test_cells_are_wrapped_within_a_width_and_lose_no_letter(monkeypatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    for width in (34, 40, 52):
        lines = grid_lines(COLUMNS, ROWS, width, "  ")
        assert len(lines) > 3
        assert max(map(len, lines)) <= width
        assert not any("\x1b" in line for line in lines)
        letters = "".join(map("".join, [*ROWS, ["edge", "effect", "what"]]))
        assert sorted(" ".join(lines).replace(" ", "")) == sorted(
            letters.replace(" ", "")
        )


def test_lines_of_a_cell_stay_lines() -> None:
    rows = [["layer 0", "h0: x\nh1: y", "z"]]
    assert grid_lines(["", "attention", "MLP"], rows, 80) == [
        "         attention  MLP",
        "layer 0  h0: x      z",
        "         h1: y",
    ]


@pytest.mark.parametrize("width", [None, 80, 30])
def test_escapes_of_foreign_text_are_shown_and_columns_stay_aligned(
    width: int | None,
) -> None:
    rows = [["\x1b[31mred\u202e", "a"], ["b\tc", "d"]]
    lines = grid_lines(["name", "x"], rows, width)
    assert lines[1:] == [r"\x1b[31mred\u202e  a", "b       c          d"]


@pytest.mark.parametrize("width", [None, 12])
def test_letters_that_take_two_columns_are_counted_twice(width: int | None) -> None:
    columns = ["", Column(wrap=True)]
    first, second, *_ = grid_lines(columns, [["本本", "x"], ["ab", "y" * 9]], width)
    assert first == "本本  x"
    assert second.startswith("ab    y")
