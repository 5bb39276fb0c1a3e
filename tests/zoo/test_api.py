"""What `import zoo` offers; that it loads nothing heavy is in test_architecture."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import zoo
from compiler.errors import FormatError, InputError, NameLookupError, ProgramError
from compiler.rasp import EQ, Aggregate, Select, indices, length, tokens
from compiler.verify import Verification
from zoo.api import audit
from zoo.auditing.certificate import Certificate

LETTERS = ["a", "b"]


@pytest.fixture(scope="module")
def reverse() -> zoo.Model:
    return zoo.compile("reverse", LETTERS, 4)


def test_a_name_a_program_and_an_expression_give_the_same_function(reverse: zoo.Model):
    opposite = (length - 1 - indices).named("opposite_index")
    expression = Aggregate(Select(indices, opposite, EQ), tokens)
    by_program = zoo.compile(zoo.programs()["reverse"], LETTERS, 4)
    by_expression = zoo.compile(expression, LETTERS, 4)
    for size in range(1, 5):
        for word in map(list, itertools.product(LETTERS, repeat=size)):
            for model in (reverse, by_program, by_expression):
                assert model(word) == word[::-1]


def test_a_program_compiles_with_its_own_setting_by_default():
    program = zoo.programs()["histogram"]
    typed = zoo.compile("histogram").typed
    assert (typed.vocab, typed.max_len) == (tuple(program.vocab), program.max_len)


def test_a_causal_histogram_counts_in_the_prefix():
    word = list("abaab")
    causal = zoo.compile("histogram", LETTERS, 5, causal=True)
    whole = zoo.compile("histogram", LETTERS, 5)
    assert causal(word) == [word[: i + 1].count(t) for i, t in enumerate(word)]
    assert whole(word) == [word.count(t) for t in word]


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        (("revers",), {}, NameLookupError),
        (("reverse",), {"beside": "sor"}, NameLookupError),
        (("reverse", []), {}, InputError),
        (("reverse", ["a"], 0), {}, InputError),
        (("reverse", ["a"], 3), {"decoys": -1}, InputError),
        (("sort",), {"max_table": 2}, ProgramError),
        (("sort",), {"max_domain": 2}, ProgramError),
        (("sort",), {"max_parameters": 500}, ProgramError),
    ],
)
def test_what_cannot_be_compiled_is_a_zoo_error(
    arguments: tuple, options: dict, error: type[zoo.errors.ZooError]
):
    with pytest.raises(error):
        zoo.compile(*arguments, **options)


def test_a_limit_that_is_not_given_keeps_its_default():
    from compiler.passes.infer import Limits
    from zoo.api import limits

    usual = Limits()
    assert limits() == usual
    assert limits(max_table=7) == Limits(7, usual.domain)
    assert limits(max_domain=7) == Limits(usual.table, 7)
    assert limits(max_parameters=7) == Limits(parameters=7)


def test_load_of_save_is_the_model(reverse: zoo.Model, tmp_path: Path):
    zoo.save(reverse, tmp_path / "r")
    again = zoo.load(str(tmp_path / "r"))
    assert again.name == "reverse"
    assert again.circuit.edges == reverse.circuit.edges
    assert again(list("aab")) == list("baa")
    for mine, saved in zip(reverse.weights, again.weights, strict=True):
        np.testing.assert_array_equal(mine, saved)


def test_a_model_is_overwritten_only_on_demand(reverse: zoo.Model, tmp_path: Path):
    zoo.save(reverse, tmp_path / "r")
    with pytest.raises(InputError, match="is there already"):
        zoo.save(reverse, tmp_path / "r")
    zoo.save(reverse, tmp_path / "r", overwrite=True)
    assert zoo.load(tmp_path / "r").name == "reverse"


def test_loading_nothing_is_a_format_error(tmp_path: Path):
    with pytest.raises(FormatError, match="found nothing"):
        zoo.load(tmp_path / "gone")


def test_a_run_is_a_folder_with_its_model_inside(reverse: zoo.Model, tmp_path: Path):
    assert not zoo.has_run(tmp_path)
    assert not zoo.has_run(tmp_path / "gone")
    zoo.save(reverse, tmp_path / "model")
    assert zoo.has_run(str(tmp_path))
    assert not zoo.has_run(tmp_path / "model")
    assert zoo.load(tmp_path).name == "reverse"


@pytest.fixture(scope="module")
def certificate(reverse: zoo.Model) -> Certificate:
    return audit(reverse, pairs=150, scope="sample")


def test_audit_takes_what_the_command_line_does(
    reverse: zoo.Model, certificate: Certificate, tmp_path: Path
):
    zoo.save(reverse, tmp_path / "r")
    again = audit(str(tmp_path / "r"), pairs=150, scope="sample")
    small = {"vocab": reverse.typed.vocab, "max_len": reverse.typed.max_len}
    by_name = audit("reverse", **small, pairs=150, scope="sample")
    for same in (again, by_name):
        assert same.to_json() == certificate.to_json()
    with pytest.raises(
        NameLookupError, match="no release or program is named 'revers'"
    ):
        audit("revers")


def test_the_scope_of_an_audit_says_how_much_is_measured(
    reverse: zoo.Model, certificate: Certificate
):
    quick = audit(reverse, pairs=150, scope="quick").to_json()
    sampled = certificate.to_json()
    assert quick["thorough"]["behaviour"]["all_inputs"]
    assert "thorough" not in sampled
    assert quick["interchange"] == sampled["interchange"]


def test_a_scope_that_is_none_is_refused():
    """In a process of its own: here beartype would refuse it first."""
    code = "import zoo; zoo.audit('reverse', scope='all')"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "scope is 'all'; choose 'full', 'quick' or 'sample'" in told.stderr


def test_the_dictionary_of_programs_is_the_callers_own():
    first = zoo.programs()
    first.clear()
    assert "sort" in zoo.programs()


def test_dir_lists_every_public_name_and_each_is_there():
    assert set(zoo.__all__) <= set(dir(zoo))
    assert dir(zoo) == sorted(dir(zoo))
    for name in zoo.__all__:
        assert getattr(zoo, name) is not None


def test_every_place_is_public_and_every_public_name_has_a_place():
    from zoo import _PLACES

    assert sorted(_PLACES) == sorted(zoo.__all__)


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'zoo' has no attribute 'nope'"):
        _ = zoo.nope  # type: ignore[attr-defined]
    assert not hasattr(zoo, "nope")


def test_no_package_takes_the_place_of_a_public_name():
    # Importing zoo.x binds the attribute x of zoo: a function of that name is lost.
    inside = {
        path.name for path in Path(zoo.__file__).parent.iterdir() if path.is_dir()
    }
    modules = {path.stem for path in Path(zoo.__file__).parent.glob("*.py")}
    functions = {n for n in zoo.__all__ if callable(getattr(zoo, n))}
    assert not functions & (inside | modules)


def test_audits_one_after_the_other(reverse: zoo.Model, certificate: Certificate):
    assert audit(reverse, pairs=150, scope="sample") == certificate
    assert certificate.holds


def test_verify_interchanges_every_variable_where_that_is_asked_for():
    found = zoo.verify("reverse", vocab="ab", max_len=3, interchange=True, pairs=50)
    assert isinstance(found, Verification)
    assert list(found.interchanges) == ["length", "opposite_index", "output"]
    assert found.right and all(v.positions for v in found.interchanges.values())
    plain = zoo.verify("reverse", vocab="ab", max_len=3)
    assert plain == replace(found, interchanges={})
    broken = replace(found, interchanges={"output": replace(found, wrong=1)})
    assert not broken.right
    with pytest.raises(InputError, match="and this is no release"):
        zoo.verify("reverse", quick=True)


def test_releases_of_one_kind_are_those_of_all_with_that_kind():
    every = zoo.releases()
    for kind in {entry["kind"] for entry in every}:
        assert zoo.releases(kind=kind) == [e for e in every if e["kind"] == kind]
