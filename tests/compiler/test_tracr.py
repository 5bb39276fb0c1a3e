"""Programs in Tracr's style: Tracr's semantics, by plain Python on every input."""

from __future__ import annotations

import itertools
import warnings

import pytest

import zoo
from compiler import compiling
from compiler.errors import InputError, ProgramError
from compiler.ir.graph import build_graph
from compiler.rasp import EQ, TRUE, Aggregate, Comparison, Map, Select, SelectorWidth
from compiler.rasp import indices as plain_indices
from compiler.rasp import tokens as plain_tokens
from compiler.rasp import tracr as rasp
from tests.numpy_forward import outputs

MAX_LEN = 4
NUMBERS = {1, 2, 5}
FLAGS = {0, 1}
LETTERS = {"a", "b", "c"}


def previous(sop, default=None):
    """The value one place before."""
    before = rasp.Select(rasp.indices, rasp.indices, lambda k, q: k == q - 1)
    return rasp.Aggregate(before, sop, default=default).named("shift_by(1)")


def number_of_tokens():
    """The length, as Tracr's programs make it."""
    every = rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.TRUE).named("all()")
    return rasp.SelectorWidth(every).named("length")


def mirrored(sop):
    """The sequence, backwards."""
    opposite = (number_of_tokens() - rasp.indices).named("opp_idx")
    opposite = (opposite - 1).named("opp_idx-1")
    return rasp.Aggregate(rasp.Select(rasp.indices, opposite, EQ), sop)


def share(flags):
    """How many of the positions up to here hold: a mean of numbers."""
    up_to = rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ)
    return rasp.numerical(rasp.Aggregate(up_to, rasp.numerical(flags), default=0))


def before(xs):
    """Return a row moved one place, in plain Python."""
    return [None, *xs[:-1]]


def lifted(function, *rows):
    """Return a function of each column, None where one of its values is None."""
    return [None if None in c else function(*c) for c in zip(*rows, strict=True)]


def mean(values):
    """Return the mean of some numbers."""
    return sum(values) / len(values)


# name: program, vocabulary, the same in plain Python
PROGRAMS = {
    "a map of None": (
        rasp.Map(lambda x: x + 1, previous(rasp.tokens)),
        NUMBERS,
        lambda xs: lifted(lambda x: x + 1, before(xs)),
    ),
    "a map that answers for None is not asked": (
        rasp.Map(lambda x: "none" if x is None else x, previous(rasp.tokens)),
        LETTERS,
        before,
    ),
    "a map over a map is asked": (
        rasp.Map(
            lambda x: -1 if x is None else x,
            rasp.Map(lambda x: None if x == 2 else x, rasp.tokens),
        ),
        NUMBERS,
        lambda xs: [-1 if x == 2 else x for x in xs],
    ),
    "two maps that stay two": (
        rasp.Map(
            lambda x: -1 if x is None else x,
            rasp.Map(lambda x: None if x == 2 else x, rasp.tokens),
            simplify=False,
        ),
        NUMBERS,
        lambda xs: [None if x == 2 else x for x in xs],
    ),
    "a sequence map of None": (
        rasp.SequenceMap(lambda x, y: x * y, rasp.tokens, previous(rasp.tokens)),
        NUMBERS,
        lambda xs: lifted(lambda x, y: x * y, xs, before(xs)),
    ),
    "comparisons of None are None": (
        (previous(rasp.tokens) == "a").named("is a?"),
        LETTERS,
        lambda xs: lifted(lambda x: x == "a", before(xs)),
    ),
    "an order of None is None": (
        previous(rasp.tokens) < 5,
        NUMBERS,
        lambda xs: lifted(lambda x: x < 5, before(xs)),
    ),
    "a default of 0": (
        previous(rasp.tokens, default=0) + 1,
        NUMBERS,
        lambda xs: [1, *(x + 1 for x in xs[:-1])],
    ),
    "not, of numbers": (~rasp.tokens, FLAGS, lambda xs: [not x for x in xs]),
    "not, of None": (
        ~previous(rasp.tokens),
        FLAGS,
        lambda xs: lifted(lambda x: not x, before(xs)),
    ),
    "and gives an operand": (
        rasp.tokens & (rasp.indices + 3),
        FLAGS,
        lambda xs: [x and i + 3 for i, x in enumerate(xs)],
    ),
    "or gives an operand": (
        (rasp.tokens | 7) + (0 & rasp.tokens),
        FLAGS,
        lambda xs: [x or 7 for x in xs],
    ),
    "a length by TRUE": (number_of_tokens(), LETTERS, lambda xs: [len(xs)] * len(xs)),
    "nothing by FALSE": (
        rasp.SelectorWidth(
            rasp.Select(rasp.tokens, rasp.indices, rasp.Comparison.FALSE)
        ),
        LETTERS,
        lambda xs: [0] * len(xs),
    ),
    "names with signs": (mirrored(rasp.tokens), LETTERS, lambda xs: xs[::-1]),
    "Full": (
        rasp.Aggregate(
            rasp.Select(rasp.Full("a"), rasp.tokens, rasp.Comparison.EQ),
            rasp.Full(1),
            default=0,
        ),
        LETTERS,
        lambda xs: [int(x == "a") for x in xs],
    ),
    "a mean of booleans": (
        share(rasp.tokens == "a"),
        LETTERS,
        lambda xs: [mean([x == "a" for x in xs[: i + 1]]) for i in range(len(xs))],
    ),
    "a mean, seen as a float": (
        rasp.Map(lambda x: x == 1 / 3, share(rasp.tokens == "a")),
        LETTERS,
        lambda xs: [xs[: i + 1].count("a") / (i + 1) == 1 / 3 for i in range(len(xs))],
    ),
    "a mean that nobody annotated": (
        rasp.Aggregate(
            rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.LEQ), rasp.tokens
        ),
        NUMBERS,
        lambda xs: [mean(xs[: i + 1]) for i in range(len(xs))],
    ),
    "one value of many types": (
        rasp.Aggregate(
            rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.EQ),
            rasp.Map(lambda x: None if x == 1 else "two" if x == 2 else x, rasp.tokens),
            default="nothing",
        ),
        NUMBERS,
        lambda xs: [{1: None, 2: "two"}.get(x, x) for x in xs],
    ),
    "None as an output": (
        rasp.categorical(
            rasp.SequenceMap(
                lambda x, i: None if i % 2 else x, rasp.tokens, rasp.indices
            )
        ),
        LETTERS,
        lambda xs: [None if i % 2 else x for i, x in enumerate(xs)],
    ),
    "a linear map": (
        rasp.numerical(
            rasp.LinearSequenceMap(
                share(rasp.tokens == "a"), share(rasp.tokens == "b"), 1, -0.5
            )
        ),
        LETTERS,
        lambda xs: [
            (xs[: i + 1].count("a") - 0.5 * xs[: i + 1].count("b")) / (i + 1)
            for i in range(len(xs))
        ],
    ),
    "selectors of selectors": (
        rasp.SelectorWidth(
            rasp.SelectorAnd(
                rasp.SelectorNot(
                    rasp.Select(rasp.tokens, rasp.tokens, rasp.Comparison.NEQ)
                ),
                rasp.SelectorOr(
                    rasp.Select(rasp.indices, rasp.indices, rasp.Comparison.GT),
                    ~rasp.Select(rasp.indices, rasp.Full(0), rasp.Comparison.GEQ),
                ),
            )
        ),
        LETTERS,
        lambda xs: [xs[i + 1 :].count(x) for i, x in enumerate(xs)],
    ),
    "a predicate that returns a number": (
        rasp.SelectorWidth(
            rasp.Select(rasp.tokens, rasp.tokens, lambda k, q: (k - q) % 3)
        ),
        NUMBERS,
        lambda xs: [sum((k - q) % 3 != 0 for k in xs) for q in xs],
    ),
    "rows that are given": (
        rasp.Aggregate(
            rasp.ConstantSelector([[False, True], [True, False]], check_length=False),
            rasp.tokens,
        ),
        LETTERS,
        lambda xs: (
            [*xs[1:2], *xs[:1], *[None] * (len(xs) - 2)] if len(xs) > 1 else [None]
        ),
    ),
    "a sum of repeated names": (
        (rasp.tokens + 1).named("part") * (rasp.tokens * 2).named("part"),
        NUMBERS,
        lambda xs: [(x + 1) * x * 2 for x in xs],
    ),
}


def inputs(vocab):
    """Yield every input of 1 to MAX_LEN tokens."""
    for size in range(1, MAX_LEN + 1):
        yield from map(list, itertools.product(sorted(vocab), repeat=size))


def equal(found, expected):
    """Return whether two rows hold the same values, numbers to float32."""
    return len(found) == len(expected) and all(
        a == b
        or (a is not None and b is not None and a == pytest.approx(float(b), abs=1e-5))
        for a, b in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_means_what_it_means_in_tracr(name):
    program, vocab, plainly = PROGRAMS[name]
    model = zoo.compile(program, vocab=vocab, max_len=MAX_LEN)
    rows = list(inputs(vocab))
    for row, found in zip(rows, outputs(model, rows), strict=True):
        expected = plainly(row)
        assert equal(found, expected), (row, found, expected)
    for row in rows[:: len(rows) // 25 + 1]:
        assert program(row) == plainly(row), row
        assert equal(model.interpreter(row)[model.output], plainly(row))


def test_the_smallest_difference():
    plus_one = rasp.Map(lambda x: x + 1, previous(rasp.tokens))
    assert plus_one([4, 1, 5]) == [None, 5, 2]
    empty = rasp.Select(rasp.tokens, rasp.indices, lambda k, q: k == 1 and q > 0)
    assert rasp.Map(lambda x: x + 1, rasp.Aggregate(empty, rasp.tokens))([4, 1]) == [
        None,
        2,
    ]


def test_names_stay_as_they_were_written():
    model = zoo.compile(mirrored(rasp.tokens), vocab=LETTERS, max_len=MAX_LEN)
    assert {"length", "opp_idx-1"} <= set(model.variables)
    changed = {"opp_idx-1": [0, 0, 0]}
    assert model.interpreter(list("abc"), changed)[model.output] == ["a"] * 3
    assert "opp_idx-1" in model.variables[model.output].text


def test_a_text_with_such_names_is_reworded_whole():
    shifted = previous(rasp.tokens)
    one = rasp.Map(lambda x: x, shifted, simplify=False).named("shift_by")
    model = zoo.compile(rasp.SequenceMap(max, one, shifted), LETTERS, MAX_LEN)
    assert "shift_by(1)" in model.variables[model.output].text


@pytest.mark.parametrize(
    "make",
    [
        lambda: rasp.Map(rasp.tokens, lambda x: x),
        lambda: rasp.Map(lambda x: x, 3),
        lambda: rasp.Select(rasp.tokens, 3, rasp.Comparison.EQ),
        lambda: rasp.Select(rasp.tokens, rasp.tokens, rasp.tokens),
        lambda: rasp.Aggregate(rasp.tokens, rasp.tokens),
        lambda: rasp.SelectorWidth(rasp.tokens),
    ],
)
def test_a_wrong_argument_is_named(make):
    with pytest.raises(TypeError, match="takes a"):
        make()


def test_annotations_as_tracr_has_them():
    counted = rasp.SelectorWidth(rasp.Select(rasp.tokens, rasp.tokens, EQ))
    assert (counted.name, rasp.tokens.label) == ("selector_width", "tokens")
    assert rasp.is_categorical(counted) and rasp.is_numerical(rasp.numerical(counted))
    annotated = rasp.annotate(counted, name="hist[x]", flavour=3)
    assert (annotated.name, annotated.annotations["flavour"]) == ("hist[x]", 3)
    assert counted.copy().unique_id != counted.unique_id
    more = rasp.tokens + 1
    assert isinstance(more, rasp.Map) and more.inner is rasp.tokens
    with pytest.raises(KeyError, match="no annotation is called 'taste'"):
        _ = counted.annotations["taste"]


def test_compiled_and_applied_as_tracr_does():
    program = share(rasp.tokens == "a")
    model = compiling.compile_rasp_to_model(
        program, vocab={"a", "b"}, max_seq_len=3, compiler_bos="BOS", compiler_pad="PAD"
    )
    output = model.apply(["BOS", "a", "b", "PAD"])
    assert output.decoded == ["BOS", 1, pytest.approx(0.5, abs=1e-6), "PAD"]
    assert output.unembedded.shape[:2] == (1, 3)
    assert len(output.residuals) == 1 + 2 * model.config.n_layers
    assert model(["a", "b"])[0] == 1
    with pytest.raises(InputError, match="the tokens begin with 'a'; Tracr's begin"):
        model.apply(["a", "b"])
    with pytest.raises(InputError, match="'BOS' is in the vocabulary"):
        compiling.compile_rasp_to_model(program, {"BOS"}, 3, compiler_bos="BOS")


# The plain language, for who comes from Tracr ----------------------------------------


def test_true_is_a_predicate_of_the_plain_language():
    for predicate in (TRUE, True, Comparison.TRUE):
        every = SelectorWidth(Select(plain_tokens, plain_tokens, predicate))
        assert every("abc") == [3, 3, 3]
        assert len(build_graph(every).nodes) == 1  # reads nothing
    assert SelectorWidth(Select(plain_tokens, 1, Comparison.FALSE))("ab") == [0, 0]


def test_an_expression_is_called():
    assert (plain_indices + 1)("abc") == [1, 2, 3]
    assert Select(plain_tokens, plain_tokens, EQ)("aba") == [
        [True, False, True],
        [False, True, False],
        [True, False, True],
    ]
    assert plain_tokens("") == []
    with pytest.raises(ProgramError, match=r"`function\(tokens\)`.*ZeroDivision.*line"):
        Map(lambda x: 1 // x, plain_tokens)([0])
    with pytest.raises(ProgramError, match=r"`function\(tokens\)`, on \[1, 0\]"):
        Map(lambda x: 1 // x, plain_tokens)([1, 0])
    with pytest.raises(InputError, match="give a sequence of tokens"):
        plain_tokens(3)
    with pytest.raises(TypeError, match="is not a function of the values"):
        Map(plain_tokens, plain_tokens)


def test_a_rule_is_chosen_by_what_is_met():
    up_to = Select(plain_indices, plain_indices, Comparison.LEQ)
    met = Aggregate(up_to, plain_tokens, None, "one_or_mean")
    assert met([2, 4]) == [2, 3] and met([3, 3]) == [3, 3] and met(["a"]) == ["a"]
    model = zoo.compile(met, vocab=[2, 4], max_len=3)
    assert model([2, 4, 4]) == [2, 3, pytest.approx(10 / 3, abs=1e-5)]
    same = Select(plain_tokens, plain_tokens, EQ)
    once = Aggregate(same, plain_tokens, None, "one_or_mean").named("once")
    assert zoo.compile(once, [2, 4], 3).variables["once"].values == (2, 4)


def test_two_sequences_of_one_name_are_told():
    one, other = (plain_tokens + 1).named("x"), (plain_tokens + 2).named("x")
    told = r"'x' is the name of two.*x = tokens \+ 1, and tokens \+ 2, which is called"
    with pytest.warns(UserWarning, match=told):
        model = zoo.compile(one * other, vocab=[1, 2], max_len=2)
    assert {"x", "x_2"} <= set(model.variables)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        zoo.compile(one * (plain_tokens + 1).named("x"), vocab=[1, 2], max_len=2)
