"""The programs of the comparison, their settings, and Tracr's figures for them.

Tracr's sizes were measured on the programs and settings of its own test cases
(github.com/google-deepmind/tracr, `tracr/compiler/test_cases.py`), with Python 3.11 on
two cores. Its residual stream has one dimension a value, so its d_model gives away
settings that its tables leave out:

    sort_unique   23 = 6 tokens + 5 indices + 1 + 6 targets + 1 + 4: V = 4, L = 5
                  28 = the same and 5 values of the key 1 - index
    sort          43 = 23 and 20 values of key + index / 5; 53 = 28 and 25 of these
    detect a      13 = 5 tokens + 5 indices + 1 + 2: V = 3, L = 5
    detect ab     18 = 4 + 5 + 1 + 2 * 4 booleans: V = 2, L = 5
    detect abc    26 = 5 + 6 + 1 + 2 * 7 booleans: V = 3, L = 6

Tracr does not count its unembedding among its parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from compiler.rasp import SOp, indices, tokens
from compiler.rasp.program import Program
from compiler.rasp.values import Value
from programs import find
from programs.sorting import placed, stable_rank

TRACR_COMPILE_SECONDS = (2.5, 4.0)  # CPU seconds a program, whatever its size
TRACR_SEQUENCE_SECONDS = 0.026  # a sequence of `reverse`, one at a time, not jitted
TRACR_GROWTH = {
    ("reverse", "L"): "params ~ 48 L^3; no result in 260 s at L = 80",
    ("reverse", "V"): "params ~ 32 V^2",
    ("sort", "L"): "params ~ 25 (V L)^2; 9.56 M at V = 8, L = 80",
    ("sort", "V"): "params ~ 25 (V L)^2; 10.65 M at V = 128, L = 5",
    ("shuffle_dyck2", "L"): "params ~ L^3; 5.48 M at L = 20, no result at L = 40",
}


@dataclass(frozen=True)
class Sizes:
    """A transformer of Tracr's.

    Attributes:
        d_model: width of its stream.
        layers: how many it has.
        fewest: the least number possible, where it was determined.
        heads: heads a layer.
        mlp: hidden units a layer.
        params: without the unembedding.
    """

    d_model: int
    layers: int
    fewest: int | None
    heads: int
    mlp: int
    params: int


@dataclass(frozen=True)
class Case:
    """One row of the comparison.

    Attributes:
        name: the row's.
        source: returns what is compiled.
        vocab: the tokens.
        max_len: the greatest length.
        tracr: Tracr's sizes.
    """

    name: str
    source: Callable[[], Program | SOp]
    vocab: tuple[Value, ...]
    max_len: int
    tracr: Sizes

    @property
    def setting(self) -> str:
        """The setting as in the tables: `4, 5` for V = 4, L = 5."""
        return f"{len(self.vocab)}, {self.max_len}"


def _named(name: str, **parameters: object) -> Callable[[], Program]:
    return lambda: find(name).with_parameters(**parameters)


def _sort_by_key() -> SOp:
    """The tokens in the order of 1 - index, by Tracr's general sort."""
    return placed(tokens, stable_rank((1 - indices).named("key")).named("target"))


def _case(
    name: str,
    source: Callable[[], Program | SOp],
    vocab: Iterable[Value],
    max_len: int,
    sizes: tuple[int, int, int | None, int, int, int],
) -> Case:
    return Case(name, source, tuple(vocab), max_len, Sizes(*sizes))


# d_model, layers, fewest, heads, mlp, params
CASES = (
    _case(
        "fraction_previous",
        _named("fraction_previous", t="e"),
        "helo",
        5,
        (14, 2, 2, 1, 1, 1_108),
    ),
    _case("shift", _named("shift_right"), "abcd", 5, (16, 1, 1, 1, 7, 726)),
    _case(
        "detect_pattern a",
        _named("detect_pattern", pattern="a"),
        "abc",
        5,
        (13, 1, None, 1, 2, 291),
    ),
    _case(
        "detect_pattern ab",
        _named("detect_pattern", pattern="ab"),
        "ab",
        5,
        (18, 2, None, 1, 4, 1_598),
    ),
    _case(
        "detect_pattern abc",
        _named("detect_pattern", pattern="abc"),
        "abc",
        6,
        (26, 3, None, 2, 6, 6_558),
    ),
    _case("reverse", _named("reverse"), "abcd", 5, (43, 4, 4, 1, 30, 19_700)),
    _case("length", _named("length"), "abcd", 3, (15, 1, 1, 1, 8, 806)),
    _case("pair_balance", _named("pair_balance"), "()abc", 10, (23, 2, 2, 2, 4, 5_442)),
    _case(
        "shuffle_dyck2",
        _named("shuffle_dyck2"),
        "(){}",
        5,
        (55, 8, 7, 4, 212, 246_884),
    ),
    _case(
        "shuffle_dyck3",
        _named("shuffle_dyck3"),
        "(){}[]",
        6,
        (73, 9, 8, 6, 438, 725_253),
    ),
    _case("histogram", _named("histogram"), "abcd", 5, (19, 1, 1, 1, 12, 1_208)),
    _case(
        "sort_unique",
        _named("sort_unique"),
        range(1, 5),
        5,
        (23, 2, None, 1, 12, 2_826),
    ),
    _case(
        "sort_unique by key",
        _named("sort_by_key"),
        "abcd",
        5,
        (28, 3, None, 1, 12, 4_971),
    ),
    _case("sort", _named("sort"), range(1, 5), 5, (43, 3, None, 1, 20, 17_544)),
    _case("sort by key", _sort_by_key, "abcd", 5, (53, 4, None, 1, 25, 34_980)),
    _case(
        "sort_by_frequency",
        _named("sort_by_frequency"),
        range(1, 5),
        5,
        (66, 5, 5, 1, 30, 64_122),
    ),
    _case(
        "count_less_than_frequency",
        _named("count_rare_tokens", n=2),
        "abcd",
        6,
        (29, 2, 2, 1, 14, 4_287),
    ),
)


def find_case(name: str) -> Case:
    """Return the row called `name`."""
    return next(case for case in CASES if case.name == name)
