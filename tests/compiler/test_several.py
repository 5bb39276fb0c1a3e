import itertools

import pytest

import programs
from compiler.api import compile_model
from compiler.errors import InputError, NameLookupError
from compiler.rasp.program import Lists
from compiler.rasp.several import SeveralPrograms, select_by_token
from tests import oracle
from tests.numpy_forward import outputs

PLAIN = {
    "reverse": lambda x: x[::-1],
    "histogram": lambda x: [x.count(v) for v in x],
    "sort": sorted,
    "rotate_left": lambda x: x[1:] + x[:1],
    "is_first_occurrence": lambda x: [v not in x[:i] for i, v in enumerate(x)],
    "maximum": lambda x: [max(x)] * len(x),
    "minimum": lambda x: [min(x)] * len(x),
    "count_distinct": lambda x: [len(set(x))] * len(x),
}
EIGHT = ("sort", *(name for name in PLAIN if name != "sort"))


def several(*names):
    return select_by_token([programs.find(name) for name in names])


def inputs_of(program, longest):
    names = {p.name for p in program.programs}
    plain = [v for v in program.vocab if v not in names]
    for size in range(1, longest + 1):
        yield from itertools.product(plain, repeat=size)


@pytest.mark.parametrize(
    "names", [("reverse", "histogram"), ("sort", "reverse"), EIGHT]
)
def test_each_program_is_computed_behind_its_name(names):
    program = several(*names)
    expression = program.build()
    for rest in inputs_of(program, 3):
        for name in names:
            found = oracle.evaluate(expression, [name, *rest])
            assert found == [None, *PLAIN[name](list(rest))]


def test_the_compiled_model_is_the_interpreter():
    program = several("reverse", "histogram")
    model = compile_model(program, ["reverse", "histogram", "a", "b"], 5)
    rows = [
        [name, *rest]
        for name in ("reverse", "histogram")
        for size in (1, 2, 3)
        for rest in itertools.product("ab", repeat=size)
    ]
    wanted = [[None, *PLAIN[row[0]](row[1:])] for row in rows]
    assert outputs(model, rows) == wanted


@pytest.mark.slow
def test_eight_programs_fit_one_model():
    program = several(*EIGHT)
    model = compile_model(program, [*EIGHT, 1, 2, 3], 4)
    rows = [[name, *rest] for name in EIGHT for rest in inputs_of(program, 3)]
    rows = [row for row in rows if {*row[1:]} <= {1, 2, 3}]
    wanted = [[None, *PLAIN[row[0]](row[1:])] for row in rows]
    assert outputs(model, rows) == wanted


def test_inputs_are_counted_and_listed_alike():
    accepts = several("reverse", "histogram").accepts
    assert isinstance(accepts, Lists)
    vocab = ["reverse", "histogram", "a", "b"]
    rows = list(accepts.every(vocab, 4))
    assert len(rows) == accepts.count(vocab, 4) == 2 * (2 + 4 + 8)
    assert all(accepts(row) for row in rows)
    assert len({tuple(row) for row in rows}) == len(rows)
    every = (r for n in range(1, 5) for r in itertools.product(vocab, repeat=n))
    assert sorted(map(tuple, rows)) == sorted(r for r in every if accepts(r))


def test_all_programs_take_the_tokens_that_fit_each():
    for names in (("reverse", "sort"), ("sort", "reverse")):
        assert several(*names).vocab[2:] == programs.find(names[0]).vocab
    brackets = programs.find("dyck1_balanced").vocab
    assert several("reverse", "dyck1_balanced").vocab[2:] == brackets


def test_a_name_of_several_is_found_like_one():
    found = programs.find("reverse+histogram")
    assert isinstance(found, SeveralPrograms)
    assert [p.name for p in found.programs] == ["reverse", "histogram"]
    assert programs.has("reverse+histogram") and not programs.has("reverse+revrse")
    with pytest.raises(NameLookupError, match=r"no program is named 'revrse'"):
        programs.find("histogram+revrse")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("reverse",), r"found one program \(reverse\)"),
        (("reverse", "reverse"), "reverse is there twice"),
        (
            ("reverse", "indirect_object_identification"),
            "indirect_object_identification attends to earlier positions only and",
        ),
    ],
)
def test_programs_that_cannot_share_a_model_say_why(names, message):
    with pytest.raises(InputError, match=message):
        several(*names)
