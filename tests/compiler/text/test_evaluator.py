"""What RASP text means, compared with plain Python.

The tables of single expressions were also compared with the original implementation of
Weiss et al.; where it differs, `docs/rasp.md` says so and why.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compiler.rasp.expr import Selector, SOp
from compiler.text.evaluator import Evaluator
from compiler.text.source import SourceText

INPUTS = ("abca", "a", "bbb", "cabbage", "hello")


def names_of(text: str, vocab: str | None = None, **options: Any) -> dict[str, Any]:
    """Return what each name of a text stands for."""
    evaluator = Evaluator(None if vocab is None else tuple(vocab), **options)
    for _ in evaluator.run(SourceText(text)):
        pass
    return evaluator.scope.names


def value_of(expression: str) -> Any:
    return names_of(f"x = {expression};")["x"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("-2^2", 4),  # `-` takes the shortest operand
        ("2^3^2", 64),
        ("2^-1 * 4", 2),
        ("7 % 2 * 3", 1),  # `*` binds tighter than `%`
        ("1 + 2 * 3 - 4 / 2", 5),
        ("not 1 == 0", True),  # (not 1) == 0, and False equals 0
        ("1 < 2 < True", False),
        ("1 and 2", 2),
        ("0 or \"x\"", "x"),
        ("True or False and False", False),  # `and` and `or` bind alike
        ("1 if True else 2 if False else 3", 3),  # (1 if True else 2) if False else 3
        ("round(5 / 2)", 2),
        ("round(0.5 + 3)", 4),
        ("1 / 4 + 0.25", 0.5),
        ("\"a\" + 'b'", "ab"),
        ("[1] + [2, 3]", [1, 2, 3]),
        ("[x * 2 for x in range(1, 8, 3)]", [2, 8, 14]),
        ("[a + b for a, b in zip([1, 2], [3, 4])]", [4, 6]),
        ("{k: k + 1 for k in [1, 2]}", {1: 2, 2: 3}),
        ("[k for k in {\"a\": 1, \"b\": 2}]", ["a", "b"]),
        ("{\"a\": 5}[\"a\"]", 5),
        ("\"abc\"[-1]", "c"),
        ("[1, 2, 3][0]", 1),
        ("len([1, 2])", 2),
        ("2 in [1, 2]", True),
        ("max(3, 4) - min(3, 4)", 1),
        ("[1, 2] == [1, 2]", True),
        ("zip([1, 2], [3, 4])", [[1, 3], [2, 4]]),
    ],
)  # fmt: skip
def test_atoms_and_lists_are_computed_as_the_original_does(
    expression: str, expected: Any
) -> None:
    found = value_of(expression)
    assert found == expected
    assert isinstance(found, bool) == isinstance(expected, bool)


OF_LETTERS: dict[str, Callable[[str], list[Any]]] = {
    "indices + 1": lambda w: [i + 1 for i in range(len(w))],
    "2 ^ indices": lambda w: [2**i for i in range(len(w))],
    "length": lambda w: [len(w)] * len(w),
    "tokens + \"x\"": lambda w: [c + "x" for c in w],
    "tokens < \"b\"": lambda w: [c < "b" for c in w],
    "indices and 1": lambda w: [i > 0 for i in range(len(w))],
    "indices == 0 or tokens == \"b\"": lambda w: [
        i == 0 or c == "b" for i, c in enumerate(w)
    ],
    "not indices": lambda w: [i == 0 for i in range(len(w))],
    "not tokens in [True]": lambda w: [False] * len(w),  # (not tokens) in [True]
    "tokens in [\"a\", \"e\"]": lambda w: [c in "ae" for c in w],
    "\"b\" in tokens": lambda w: ["b" in w] * len(w),
    "\"0123456789\"[indices]": lambda w: [str(i) for i in range(len(w))],
    "[5, 6, 7, 8, 9, 10, 11][indices]": lambda w: [5 + i for i in range(len(w))],
    "tokens[0]": lambda w: [w[0]] * len(w),
    "tokens[-1]": lambda w: [w[-1]] * len(w),
    "indices[3]": lambda w: [3 if len(w) > 3 else 0] * len(w),
    "indicator(tokens == \"a\")": lambda w: [int(c == "a") for c in w],
    "round(indices / 2)": lambda w: [round(i / 2) for i in range(len(w))],
    "(1 if tokens == \"a\" else -indices) * 2": lambda w: [
        2 * (1 if c == "a" else -i) for i, c in enumerate(w)
    ],
    "selector_width(select(tokens, tokens, ==))": lambda w: [w.count(c) for c in w],
    "selector_width(full_s)": lambda w: [len(w)] * len(w),
    "selector_width(not full_s)": lambda w: [0] * len(w),
    "aggregate(select(indices, length - 1 - indices, ==), tokens)": lambda w: list(
        w[::-1]
    ),
    "aggregate(select(indices, indices, <), indices, -1)": lambda w: [
        sum(range(i)) / i if i else -1 for i in range(len(w))
    ],
    "aggregate(select(indices, indices, <), 1)": lambda w: [
        int(i > 0) for i in range(len(w))
    ],
    "average(indices)": lambda w: [sum(range(len(w))) / len(w)] * len(w),
    "count(tokens, \"a\")": lambda w: [w.count("a")] * len(w),
    "contains(tokens, \"b\")": lambda w: ["b" in w] * len(w),
    "has_focus(select(indices, indices, >))": lambda w: [
        i + 1 < len(w) for i in range(len(w))
    ],
    "max(indices, 2) - min(indices, 2)": lambda w: [abs(i - 2) for i in range(len(w))],
    "load_from_location(indices, length - 1)": lambda w: [len(w) - 1] * len(w),
    "shift(tokens, 1, \"-\")": lambda w: list("-" + w[:-1]),
    "shift(tokens, -1, \"-\")": lambda w: list(w[1:] + "-"),
    "mark_first_instance(tokens, \"b\")": lambda w: [
        i == w.find("b") for i in range(len(w))
    ],
    "mark_last_instance(tokens, \"b\")": lambda w: [
        i == w.rfind("b") for i in range(len(w))
    ],
    "aggregate(select_from_first(tokens, \"b\"), indices, -1)": lambda w: [
        w.find("b")
    ] * len(w),
    "aggregate(select_from_last(tokens, \"b\"), indices, -1)": lambda w: [
        w.rfind("b")
    ] * len(w),
    "sort(tokens, tokens)": lambda w: sorted(w),
    "sort(indices, -indices)": lambda w: list(range(len(w)))[::-1],
    "aggregate(select_next_identical(tokens), indices, -1)": lambda w: [
        w.find(c, i + 1) for i, c in enumerate(w)
    ],
}  # fmt: skip


@pytest.mark.parametrize("expression", OF_LETTERS)
def test_a_sequence_of_letters_is_what_python_computes(expression: str) -> None:
    found = value_of(expression)
    for word in INPUTS:
        assert found(word) == pytest.approx(OF_LETTERS[expression](word)), word


def test_selectors_hold_the_key_against_the_query() -> None:
    for sign, holds in {
        "==": lambda k, q: k == q,
        "!=": lambda k, q: k != q,
        "<": lambda k, q: k < q,
        "<=": lambda k, q: k <= q,
        ">": lambda k, q: k > q,
        ">=": lambda k, q: k >= q,
    }.items():
        rows = value_of(f"select(indices, 1, {sign})")("abc")
        assert rows == [[holds(k, 1) for k in range(3)]] * 3
        rows = value_of(f"select(1, indices, {sign})")("abc")
        assert rows == [[holds(1, q)] * 3 for q in range(3)]


def test_selectors_are_joined_as_sets_are() -> None:
    names = names_of(
        "a = select(indices, indices, <); b = select(tokens, tokens, ==);\n"
        "both = a and b; either = a or b; neither = not a;"
    )
    a, b = names["a"]("abab"), names["b"]("abab")
    for i in range(4):
        for j in range(4):
            assert names["both"]("abab")[i][j] == (a[i][j] and b[i][j])
            assert names["either"]("abab")[i][j] == (a[i][j] or b[i][j])
            assert names["neither"]("abab")[i][j] == (not a[i][j])


def test_tokens_are_read_as_the_type_that_is_asked_for() -> None:
    names = names_of(
        "i = tokens_int + 1; f = tokens_float / 2; s = tokens_str + \"x\";\n"
        "b = tokens_bool; t = tokens_asis;"
    )  # fmt: skip
    assert names["i"]([1, 2]) == [2, 3]
    assert names["i"]("12") == [2, 3]
    assert names["f"]([1, 2]) == [0.5, 1]
    assert names["s"]([1, 2]) == ["1x", "2x"]
    assert names["b"]([0, 2]) == [False, True]
    assert names["t"]([1, 2]) == [1, 2]


def test_functions_return_see_outside_and_do_not_change_it() -> None:
    names = names_of(
        """
        y = 1;
        def f(x) {
          y = x + 10;          # this y is the function's own
          def g(z) { return z + y; }
          for i in range(3) { y = y + i; }
          return g(1), y;
        }
        a, b = f(2);
        def fact(n) { return 1 if n < 1 else n * fact(n - 1); }
        c = fact(5);
        for u, v in zip([1, 2], [3, 4]) { y = y + u * v; }
        """
    )
    assert (names["a"], names["b"], names["c"], names["y"]) == (16, 15, 120, 12)


def test_names_with_an_underscore_stay_out_of_the_circuit() -> None:
    names = names_of("_a = indices + 1; b = _a * 2;  # doubled\nb = b + 1; c = b;")
    assert names["_a"].name is None
    assert names["b"].name == "b_2" and names["c"] is names["b"]
    names = names_of("b = indices * 2;  # doubled")
    assert names["b"].note == "doubled"


def test_a_file_loads_another_but_not_its_private_names(tmp_path: Path) -> None:
    (tmp_path / "lib.rasp").write_text("_p = 3; q = _p + 1; def f(x) { return _p; }")
    names = names_of('load "lib"; r = q; t = f(1);', folder=tmp_path)
    assert (names["q"], names["r"], names["t"]) == (4, 4, 3)
    assert "_p" not in names


def test_each_statement_says_what_it_did() -> None:
    text = 'a, b = 1, 2;\na;\ntokens("ab");\ndraw(tokens);\n'
    text += 'set example "hey"\nexamples off'
    found = list(Evaluator().run(SourceText(text)))
    assert [(o.kind, o.name) for o in found] == [
        ("value", "a"),
        ("value", "b"),
        ("value", "a"),
        ("apply", "out"),
        ("draw", "tokens"),
        ("set", "example"),
        ("command", "both examples off"),
    ]
    assert isinstance(found[3].value, SOp) and found[3].input == "ab"
    assert not isinstance(found[0].value, Selector)
