"""A user's mistake is a sentence: where it is, what was found, what to do about it.

Wrong values are given here as they are; wrong types would be caught by the type
checker of the tests first, so these are given in a process of their own.
"""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import programs
from compiler.api import compile_model
from compiler.errors import InputError, NameLookupError, ProgramError, ZooError
from compiler.passes.infer import Limits
from compiler.rasp import (
    EQ,
    TRUE,
    Aggregate,
    Elementwise,
    Map,
    Select,
    SelectorWidth,
    indices,
    length,
    mean,
    shift,
    tokens,
    where,
)

WORDS = ["a", "b", "c"]


def problems(expression: Any, vocab: Any = WORDS, max_len: int = 4, **kwargs: Any):
    """Return what is wrong with a program, one sentence a problem."""
    with pytest.raises(ProgramError) as caught:
        compile_model(expression, vocab, max_len, **kwargs)
    return caught.value.problems


def complaint(vocab: Any, max_len: int = 4) -> str:
    """Return what is wrong with a vocabulary or a length."""
    with pytest.raises(InputError) as caught:
        compile_model(tokens, vocab, max_len)
    return str(caught.value)


@pytest.fixture(scope="module")
def reverse():
    return compile_model(programs.find("reverse"), WORDS, 4)


# Names --------------------------------------------------------------------------------


def test_an_unknown_program_offers_the_nearest_names():
    with pytest.raises(NameLookupError) as caught:
        programs.find("revrese")
    assert str(caught.value).startswith("no program is named 'revrese'. Did you mean ")
    assert "'reverse'" in str(caught.value)


def test_a_name_like_no_other_offers_none():
    with pytest.raises(NameLookupError) as caught:
        programs.find("zzzzzz")
    assert str(caught.value) == "no program is named 'zzzzzz'."


def test_an_unknown_variable_offers_the_nearest_names(reverse):
    with pytest.raises(
        NameLookupError, match=r"no variable is named 'lenght'\. Did you"
    ):
        reverse.variable_mask("lenght")
    with pytest.raises(NameLookupError, match=r"Did you mean 'length'\?"):
        reverse.interpreter("ab", {"lenght": [2, 2]})


def test_an_unknown_parameter_names_the_known_ones():
    with pytest.raises(InputError, match="reverse: no parameter k; it has none"):
        programs.find("reverse").with_parameters(k=3)


# Inputs -------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["d", "BOS", "PAD", "", 1, True, 0.5, None, ("a",)])
def test_a_token_outside_the_vocabulary(reverse, token):
    with pytest.raises(InputError) as caught:
        reverse(["a", token, "b"])
    assert str(caught.value) == (
        f"reverse: the token at position 1 is {token!r}, which is not in the "
        "vocabulary ('a', 'b', 'c'); use tokens of it, or compile with another "
        "vocabulary"
    )


def test_a_token_in_a_batch_is_found_as_well(reverse):
    with pytest.raises(InputError, match="the token at position 2 is 'x'"):
        reverse.batch(["abc", "abx"])


def test_a_boolean_is_no_number():
    model = compile_model(tokens + 1, [0, 1], 3)
    with pytest.raises(InputError, match="position 0 is True, which is not in the voc"):
        model([True])
    assert model([1.0]) == [2]  # an equal number is


def test_bos_and_pad_in_a_vocabulary_are_ordinary_tokens():
    model = compile_model(programs.find("reverse"), ["BOS", "PAD"], 3)
    assert model(["BOS", "PAD", "PAD"]) == ["PAD", "PAD", "BOS"]


@pytest.mark.parametrize("given", ["", [], ()])
def test_an_empty_input(reverse, given):
    with pytest.raises(InputError) as caught:
        reverse(given)
    expected = "reverse: the input is empty; give between 1 and 4 tokens"
    assert str(caught.value) == expected
    with pytest.raises(InputError, match="the input is empty"):
        reverse.batch(["ab", given])


def test_an_input_that_is_too_long(reverse):
    with pytest.raises(InputError) as caught:
        reverse("abcab")
    assert str(caught.value) == (
        "reverse: the input has 5 tokens, and the model takes at most 4; compile it "
        "with a larger max_len"
    )


def test_an_override_that_cannot_be(reverse):
    with pytest.raises(InputError) as caught:
        reverse.interpreter("ab", {"length": [2, 9]})
    assert str(caught.value) == (
        "override of 'length' at position 1 is 9, outside its domain (1..4)"
    )
    with pytest.raises(InputError, match="has 1 values for an input of 2 tokens; give"):
        reverse.interpreter("ab", {"length": [2]})


# Vocabulary and length ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("vocab", "expected"),
    [
        (["a", "b", "a"], "the vocabulary holds 'a' more than once; tokens must be"),
        ([1, 2, 1.0], "the vocabulary holds 1 more than once"),
        (
            ["a", None],
            "the vocabulary holds None, which stands for 'nothing selected';",
        ),
        ([("a",), 1], "the vocabulary mixes numbers and tuples: ('a',), 1; use tokens"),
        ([True, 1], "the vocabulary mixes booleans and numbers: True, 1; use"),
        ([("a",), "a"], "the vocabulary mixes strings and tuples"),
        ([], "the vocabulary is empty; give at least one token"),
        ([{}], "the vocabulary cannot be used: {} is a dict; a value is None, a bool,"),
        ([float("nan")], "the vocabulary cannot be used: nan is not finite"),
    ],
)
def test_a_vocabulary_that_cannot_be_used(vocab, expected):
    assert complaint(vocab).startswith(expected)


@pytest.mark.parametrize("max_len", [0, -3, True])
def test_a_length_that_cannot_be_used(max_len):
    expected = f"max_len is {max_len!r}; it must be an integer of at least 1"
    assert complaint(WORDS, max_len) == expected


def test_an_expression_without_a_setting():
    with pytest.raises(
        InputError, match="an expression needs vocab= and max_len=, for"
    ):
        compile_model(tokens)


WRONG_TYPES = {
    "compile_model(3, 'abc', 4)": "cannot compile a int; give a program's name, a",
    "compile_model('reverse', 'abc', 4)": "cannot compile a str; give a program's",
    "compile_model(tokens, 5, 4)": "the vocabulary is 5, a int; give a list of tokens",
    "compile_model(tokens, 'abc', '4')": "max_len is '4'; it must be an integer",
    "compile_model(tokens, 'abc', 2.5)": "max_len is 2.5; it must be an integer of",
    "Aggregate(TRUE, tokens, rule='median')": "rule 'median' is none of unique, mean,",
    "model.encode(None)": "program: the input is None, a NoneType; give a sequence",
    "model.encode([['a']])": "program: the token at position 0 is ['a'], which is",
    "model.encode([{}])": "program: the token at position 0 is {}, which is not in",
    "model.run(5)": "program: the input is 5, a int; give a sequence of tokens",
    "model.run({'a'})": "program: the input is a set, which has no order; give a list",
    "model.batch(5)": "program: the inputs are 5, a int; give a list of sequences",
    "model.batch('ab')": "program: the inputs are 'ab', a str; give a list of seque",
    "model.interpreter('ab', 5)": "the overrides are a int; give a dictionary",
    "model.interpreter('ab', {'tokens': 5})": "override of 'tokens' is 5; give a li",
    "model.interchange('tokens', 'ab', 3)": "positions is 3; give a list of inte",
    "model.interchange('tokens', 'ab', [0.5])": "positions is [0.5]; give a list",
    "model.interchange('tokens', 'ab', [-1])": "position -1: the tokens are at 0 to",
    "model.interchange('tokens', 'ab', [4])": "position 4: the tokens are at 0 to 3",
    "model.run('ab', patch=5)": "the patch is a int; make one with Patch.edges(mask,",
    "model.run('ab', patch=Patch.nodes([1], None))": "the patch's donor is a NoneType",
    "model.run('ab', patch=Patch.nodes([1], run))": "the patch's donor is a Run; give",
    "model.run('ab', patch=Patch.nodes(mask * nan, run.writes))": "the patch's masks",
    "model.decode(run.logits[None])": "the logits have the shape [1, 5, 3], expected",
    "model.decode(run.logits[1])": "the logits have the shape [3], expected [position",
    "model.decode(run.logits[:, :2])": "the logits have the shape [5, 2], expected",
    "model.decode(run.logits * nan)": "the logits hold NaN, which stands for no value",
    "model.decode([['a', 'b', 'c']])": "the logits are <U1 values; give numbers [posi",
    "model.picture().save('/nowhere/x.svg')": "/nowhere/x.svg: there is no folder",
    "save_model(model, 'a' + chr(0))": "cannot 'save to ",
    "save_model(model, 'a' + chr(0xd800))": "cannot 'save to ",
}
_ASK = """
import json
from compiler.api import compile_model
from compiler.machine.patch import Patch, node_mask
from compiler.rasp import TRUE, Aggregate, tokens
from compiler.save import save_model
nan = float("nan")
model = compile_model(tokens.named("program"), "abc", 4)
run = model.run("ab")
mask = node_mask(model.config.names, ["tokens"])
calls = [{calls}]
found = []
for call in calls:
    try:
        found.append("no error: " + repr(call()))
    except ValueError as error:
        found.append(str(error))
print(json.dumps(found))
"""


def test_wrong_types_are_told_as_well():
    calls = ", ".join(f"lambda: {call}" for call in WRONG_TYPES)
    done = subprocess.run(
        [sys.executable, "-c", _ASK.replace("{calls}", calls)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    for (call, expected), found in zip(
        WRONG_TYPES.items(), json.loads(done.stdout), strict=True
    ):
        assert found.startswith(expected), f"{call}: {found}"


# Programs -----------------------------------------------------------------------------


def test_all_problems_of_a_program_come_at_once():
    def one(key: Any, query: Any) -> Any:
        return 1

    broken = [
        (tokens / 0).named("ratio"),
        mean(TRUE, tokens).named("average"),
        SelectorWidth(Select(tokens, tokens, one)).named("ones"),
        SelectorWidth(Select(tokens, 2, lambda key, query: key < query)).named("less"),
    ]
    together = Elementwise(lambda *values: values, tuple(broken)).named("all")
    with pytest.raises(ProgramError) as caught:
        compile_model(together, WORDS, 4)
    assert caught.value.program == "all"
    assert str(caught.value).startswith("all: 4 problems\n  1. 'ratio', that is ")
    ratio, average, ones, less = caught.value.problems
    assert "the function raises on every argument, for example on ('a', 0)" in ratio
    assert "ValueError" in ratio and "Give it a result there" in ratio
    assert "a mean needs numbers, and 'tokens' holds 'a', 'b', 'c'. Take" in average
    assert "the predicate returns 1, a int, on key 'a' and query 'a'; it must" in ones
    assert "the predicate raises on key 'a' and query 2: TypeError" in less
    assert "must answer for keys 'a', 'b', 'c' and queries 2" in less


def test_what_reads_a_broken_part_is_not_reported():
    broken = mean(TRUE, tokens).named("average")
    (only,) = problems(Map(lambda value: value, broken + 1).named("later"))
    assert only.startswith("'average', that is average = mean(everything, tokens): ")


def test_a_function_that_raises_on_some_input_shows_it():
    inverse = Map(lambda index: Fraction(1, index - 2), indices).named("inverse")
    (only,) = problems(inverse)
    assert only.startswith("'inverse', that is inverse = ")
    assert "on ['a', 'a', 'a'] at position 2: the function raises on (2)" in only
    assert "Give it a result there, or select other positions" in only


@pytest.mark.parametrize(
    "read",
    [
        lambda inverse: where(indices == 0, inverse, 2),
        lambda inverse: inverse * 0,
        lambda inverse: Aggregate(Select(indices, 2, EQ), inverse),
    ],
)
def test_an_undefined_value_is_reported_although_its_reader_ignores_it(read):
    # The only value it has at all is 1, so that its readers are constants.
    inverse = Map(lambda index: {0: 1}[index], indices).named("inverse")
    (only,) = problems(read(inverse))
    assert "'inverse', that is inverse = function(indices), on ['a', 'a'" in only


def test_arguments_that_are_never_defined_together():
    one = Map(lambda index: {0: 1}[index], indices).named("one")
    other = Map(lambda index: {1: 1}[index], indices).named("other")
    (only,) = problems((one + other).named("sum"))
    assert only == (
        "'sum', that is sum = one + other: its arguments 'one', 'other' are never "
        "defined at the same position. Give the functions they come from a result "
        "everywhere."
    )


def test_a_function_that_raises_where_nobody_looks_is_fine():
    inverse = Map(lambda index: Fraction(1, index - 1), indices)
    ends = Aggregate(Select(indices, 0, EQ), inverse)
    assert compile_model(ends, WORDS, 3)("abc") == [-1, -1, -1]
    only = Map(lambda index: {0: 1}[index], indices)
    second = Aggregate(Select(indices, 1, EQ), shift(only), "none")
    assert compile_model(second, WORDS, 3)("ab") == [1, 1]


@pytest.mark.parametrize("result", [object(), [1], float("inf"), {1: 2}])
def test_a_function_that_returns_no_value(result):
    (only,) = problems(Map(lambda token: result, tokens).named("odd"))
    assert only.startswith("'odd', that is odd = ")
    assert "a value is None, a bool, an int" in only or "is not finite; return" in only


def test_a_function_of_the_wrong_number_of_arguments():
    (only,) = problems(Elementwise(lambda x, y: x, (tokens,)).named("pair"))
    assert "missing 1 required positional argument: 'y'" in only


def test_a_mean_of_none_shows_the_input():
    (only,) = problems(mean(TRUE, shift(tokens)).named("m"), [1, 2])
    text = "mean(everything, (unique(apart(key=indices, query=indices), tokens)))"
    assert f"'m', that is m = {text}, on [1] at position" in only
    assert "a value that is no number is averaged. Replace None first" in only


def test_length_in_a_causal_program():
    with pytest.raises(InputError) as caught:
        compile_model(length, WORDS, 4, causal=True)
    assert str(caught.value) == (
        "a causal program cannot know `length`: later tokens are out of sight. Use "
        "indices + 1, the number of tokens so far."
    )


# Sizes --------------------------------------------------------------------------------


def test_a_table_that_is_too_large():
    big = Elementwise(lambda *values: values[0], (tokens, indices, length)).named("big")
    (only,) = problems(big, WORDS, 40, limits=Limits(table=1000))
    assert only.endswith(
        "its table would have 3 x 40 x 40 = 4800 entries, above the limit of 1000. "
        "Split it into steps of fewer arguments, or raise max_table."
    )
    assert compile_model(big, WORDS, 40, limits=Limits(table=4800))("ab") == ["a", "b"]


def test_a_select_that_is_too_large():
    wide = SelectorWidth(Select(tokens, tokens, EQ)).named("wide")
    (only,) = problems(wide, range(100), limits=Limits(table=1000))
    assert only.endswith(
        "a Select compares 100 keys with 100 queries, above the limit of 1000 pairs. "
        "Raise max_table."
    )


def test_a_domain_that_is_too_large():
    (only,) = problems(
        Map(lambda token: -token, tokens), range(100), limits=Limits(domain=50)
    )
    assert only == (
        "'tokens', that is tokens = input: it has 100 values, above the limit of 50. "
        "Lower max_len or the vocabulary, or raise max_domain."
    )


def test_means_that_are_too_many():
    average = mean(TRUE, tokens).named("average")
    (only,) = problems(average, range(1000), 40, limits=Limits(table=1000))
    assert "its sums run from 0 to 39960, a table of 1638401 entries, above the" in only
    assert "Average smaller numbers, lower max_len, or raise max_table." in only


def test_a_mode_of_too_many_values():
    often = Aggregate(TRUE, tokens, rule="mode").named("often")
    (only,) = problems(often, range(10))
    assert only.startswith("'often', that is often = mode(everything, tokens): the ")
    assert "rule 'mode' compares the counts of 10 values" in only
    assert "Map the values to fewer classes first" in only


# Expressions --------------------------------------------------------------------------


def test_expressions_are_no_python_values():
    with pytest.raises(
        TypeError, match=r"use & \| ~ in place of and, or, not, and where"
    ):
        bool(tokens == "a")
    with pytest.raises(TypeError, match="has no items to iterate"):
        list(tokens)
    with pytest.raises(TypeError, match=r"a selector has no truth value; use & \| ~"):
        bool(TRUE)


def test_a_name_is_a_line_of_text():
    assert tokens.named("shift_by(1)").name == "shift_by(1)"
    for name in ("a\nb", " a", "", "\x1b[2J", "\ud800"):
        with pytest.raises(ValueError, match="is not a name: use one line of"):
            tokens.named(name)
    with pytest.raises(ValueError, match="has 201 characters; use at most 200"):
        tokens.named("a" * 201)
    with pytest.raises(TypeError, match="a name is a string, not a int"):
        tokens.named(1)


def test_every_error_is_of_one_family():
    for error in (InputError, NameLookupError, ProgramError):
        assert issubclass(error, ZooError) and issubclass(error, ValueError)
