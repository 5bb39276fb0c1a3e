"""Claims of every kind are run, packed, handed in and judged; hostile ones refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import zoo
from compiler.errors import InputError, NameLookupError
from compiler.sealed import SUMS, sums_of
from zoo.cases.case import Case
from zoo.methods.method import Method
from zoo.steering.methods import difference_of_means
from zoo.submissions.claim_kind import distance
from zoo.submissions.judging import JudgedSubmission, judge_submissions
from zoo.submissions.kinds import CLAIMS, find_kind
from zoo.submissions.packing import submit
from zoo.submissions.record import entry_name

MODEL, PAIRS = "reverse-compiled", 16


def true_circuit(case: Case, seed: int) -> Any:
    return [[str(edge) for edge in case.names.edges if edge in case.truth.known]]


def true_subspaces(task: Any, seed: int) -> Any:
    """Return everything that the node of each variable writes."""
    whole = np.eye(task.case.config.d_model)
    return {name: (task.model.sites[name].node, whole) for name in task.variables}


def true_values(task: Any, seed: int) -> Any:
    """Return tables from inputs to what each variable holds, by the interpreter."""
    found, said = task.population, {}
    for name in task.variables:
        rows = range(len(found))
        said[name] = {tuple(found.words(r)): found.decoded(name, r) for r in rows}
    return said


def true_program(task: Any, seed: int) -> Any:
    return task.model.name


def relevant_positions(task: Any, seed: int) -> Any:
    return task.relevant.astype(float)


def vectors_between_means(tasks: Any, seed: int) -> Any:
    return [difference_of_means(task, seed) for task in tasks]


# kind -> (method, its first figure if the method is the truth)
METHODS: Mapping[str, tuple[Callable[..., Any], float | None]] = {
    "scores": (lambda case, seed: np.abs(case.mask_gradient()), None),
    "circuits": (true_circuit, 1.0),
    "alignments": (true_subspaces, 1.0),
    "descriptions": (true_values, 1.0),
    "programs": (true_program, 1.0),
    "attributions": (relevant_positions, 1.0),
    "steering": (vectors_between_means, None),
}


@pytest.fixture(scope="module")
def submissions(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A submission of every kind."""
    folder = tmp_path_factory.mktemp("claims")
    found = {}
    for kind, (run, _) in METHODS.items():
        method = Method(f"my-{kind}", run, claims=kind, code="1")
        table = submit(method, MODEL, 1, out=folder / kind, pairs=PAIRS)
        assert [cell.status for cell in table.cells] == ["ok"], table.cells[0].error
        found[kind] = folder / kind
    return found


def judge(folder: Path, **options: Any) -> JudgedSubmission:
    (found,) = judge_submissions(folder, MODEL, 1, pairs=PAIRS, **options)
    return found


def change(folder: Path, tmp_path: Path, file: str, **changes: Any) -> Path:
    """Return a copy of a submission with other entries in a file, sealed again."""
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    place = copy / file
    place.write_text(json.dumps(json.loads(place.read_text()) | changes))
    files = {
        path.relative_to(copy).as_posix(): path.read_bytes()
        for path in copy.rglob("*")
        if path.is_file() and path.name != SUMS
    }
    (copy / SUMS).write_bytes(sums_of(files))
    return copy


def test_there_is_a_method_here_for_every_kind():
    assert tuple(METHODS) == CLAIMS


@pytest.mark.parametrize("kind", CLAIMS)
def test_a_judge_computes_the_figures_that_the_submitter_has(submissions, kind):
    judged = judge(submissions[kind])
    assert not judged.refused
    (cell,) = judged.cells
    said = json.loads(next(submissions[kind].glob("cells/*/*.json")).read_text())
    assert cell.figures == said["figures"] and cell.claims == said["claims"] == kind


@pytest.mark.parametrize("kind", [k for k, (_, first) in METHODS.items() if first])
def test_the_truth_has_the_figures_of_the_truth(submissions, kind):
    (cell,) = judge(submissions[kind]).cells
    first = next(iter(cell.figures[kind].values()))
    assert first == pytest.approx(METHODS[kind][1], abs=1e-6)


@pytest.mark.parametrize("kind", CLAIMS)
def test_what_says_nothing_true_ranks_below_the_truth(kind, submissions, tmp_path):
    """The first figure ranks: a wrong claim of the same form has less."""
    wrong: Mapping[str, Callable[..., Any]] = {
        "scores": lambda case, seed: -np.abs(case.mask_gradient()),
        "circuits": lambda case, seed: [list(case.edges)],
        "alignments": lambda task, seed: {
            name: ("stream.0", np.eye(task.case.config.d_model)[:, :1])
            for name in task.variables
        },
        "descriptions": lambda task, seed: {
            name: lambda words: [0] * len(words) for name in task.variables
        },
        "programs": lambda task, seed: "x = tokens;",
        "attributions": lambda task, seed: 1.0 - task.relevant,
        "steering": lambda tasks, seed: [
            np.zeros(task.model.config.d_model) for task in tasks
        ],
    }
    method = Method("wrong", wrong[kind], claims=kind, code="1")
    table = submit(method, MODEL, 1, out=tmp_path / "it", pairs=PAIRS)
    (bad,), (good,) = table.cells, judge(submissions[kind]).cells
    assert bad.status == "ok", bad.error
    level = kind if kind != "scores" else "qkv"
    one, other = (next(iter(cell.figures[level].values())) for cell in (good, bad))
    assert one is not None and other is not None and other < one


HOSTILE = {
    "circuits": ({"circuits": [["m0->m0"]]}, "no edge"),
    "alignments": (
        {"alignments": {"no": {"site": "m0", "basis": [[1.0]]}}},
        "variable",
    ),
    "descriptions": (
        {"descriptions": {"a0.h0": {"text": "", "values": [1], "held": [[0, 1]]}}},
        "expected indices",
    ),
    "programs": ({"text": "evil.py:program"}, "RASP"),
    "attributions": ({"attributions": [[[0.0]]]}, "the shape (1, 1, 1)"),
    "steering": ({"vectors": [[1.0], [2.0]]}, "expected"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_cannot_be_of_the_model_is_refused(submissions, kind, tmp_path):
    changes, expected = HOSTILE[kind]
    ran = tmp_path / "evil.py"
    ran.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    copy = change(submissions[kind], tmp_path, entry_name(MODEL, 0), **changes)
    judged = judge(copy)
    assert expected in judged.refused and str(copy) in judged.refused
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", CLAIMS)
def test_an_unknown_entry_or_an_infinite_number_is_refused(submissions, kind, tmp_path):
    name = entry_name(MODEL, 0)
    copy = change(submissions[kind], tmp_path, name, code_to_run="import os")
    assert "an unknown 'code_to_run'" in judge(copy).refused


def test_a_description_by_a_name_or_a_file_is_stored_and_never_looked_up(
    submissions, tmp_path
):
    name = entry_name(MODEL, 0)
    data = json.loads((submissions["descriptions"] / name).read_text())
    variable = next(iter(data["descriptions"]))
    said = {variable: {"text": "sort", "values": [], "held": []}}
    copy = change(submissions["descriptions"], tmp_path, name, descriptions=said)
    assert "RASP text" in judge(copy).refused


def test_that_nothing_was_asked_is_believed_only_where_it_is_so(submissions, tmp_path):
    name = entry_name(MODEL, 0)
    changes = {"status": "not asked", "attributions": []}
    copy = change(submissions["attributions"], tmp_path, name, **changes)
    assert "it says that no attributions were asked" in judge(copy).refused


def test_another_kind_than_the_submission_says_is_refused(submissions, tmp_path):
    copy = change(
        submissions["circuits"], tmp_path, "submission.json", claims="programs"
    )
    assert "circuitzoo.submitted-programs" in judge(copy).refused
    shutil.rmtree(copy)
    copy = change(submissions["circuits"], tmp_path, "submission.json", claims="os")
    assert "kind of claim" in judge(copy).refused


def test_a_built_in_method_is_repeated_and_a_changed_claim_found(tmp_path):
    folder = tmp_path / "occlusion"
    submit("occlusion", MODEL, 1, out=folder, claims="attributions", pairs=PAIRS)
    judged = judge(folder, repeat=1)
    assert not judged.refused and judged.repeated == 1
    name = entry_name(MODEL, 0)
    data = json.loads((folder / name).read_text())
    other = (2 * np.array(data["attributions"])).tolist()
    copy = change(folder, tmp_path, name, attributions=other)
    assert not judge(copy).refused
    assert "other attributions here" in judge(copy, repeat=1).refused


def test_subspaces_are_compared_by_their_span():
    kind = find_kind("alignments")
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(6, 2)))[0]
    angle = np.array([[0.6, -0.8], [0.8, 0.6]])

    def stored(columns: np.ndarray) -> Any:
        class Claim:
            site = "m0"
            basis = columns

        return kind.comparable({"alignments": {"x": Claim}})

    assert distance(stored(basis), stored(basis @ angle)) < 1e-9
    assert distance(stored(basis), stored(rng.normal(size=(6, 2)))) > 0.01


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": [1.0, 2.0]}, {"a": [1.0, 2.0]}, 0.0),
        ({"a": [1.0, 2.0]}, {"a": [1.0, 4.0]}, 0.5),
        ({"a": "x"}, {"a": "y"}, float("inf")),
        ({"a": [1.0]}, {"a": [1.0, 1.0]}, float("inf")),
        ({"a": 1.0}, {"b": 1.0}, float("inf")),
        ({"a": True}, {"a": 1}, float("inf")),
        ((("a", "b"),), [["a", "b"]], 0.0),
    ],
)
def test_the_distance_of_claims(one, other, expected):
    assert distance(one, other) == expected


def test_all_kinds_stand_on_one_leaderboard(submissions, tmp_path):
    folder = next(iter(submissions.values())).parent
    table = zoo.leaderboard(
        tmp_path, "random", MODEL, 1, submissions=folder, pairs=PAIRS
    )
    assert set(table.claims) == set(CLAIMS) - {"scores"}
    assert table.methods == ("random", "my-scores")
    page = (tmp_path / "README.md").read_text()
    for kind in table.claims:
        assert f"## {kind.capitalize()}" in page and f"| my-{kind} |" in page
        assert kind.upper() in str(table)


def test_mistakes_of_a_submitter_are_told(tmp_path):
    with pytest.raises(NameLookupError, match="attributions"):
        submit("occlusion", MODEL, 1, out=tmp_path / "a", claims="attribution")
    with pytest.raises(NameLookupError, match="Did you mean 'occlusion'"):
        submit("oclusion", MODEL, 1, out=tmp_path / "b", claims="attributions")
    with pytest.raises(InputError, match="no built-in method that returns programs"):
        submit("exact", MODEL, 1, out=tmp_path / "c", claims="programs")
    method = Method("mine", vectors_between_means, claims="steering", code="1")
    with pytest.raises(InputError, match="--absolute ranks the scores"):
        submit(method, MODEL, 1, out=tmp_path / "d", absolute=True)
    with pytest.raises(InputError, match="`zoo submit` runs and packs it"):
        zoo.evaluate(method, MODEL, 1)


@pytest.mark.parametrize(
    ("kind", "answer", "expected"),
    [
        ("circuits", "tokens->m0", "expected a list of circuits"),
        ("circuits", [], "found 0, expected 1 to 256"),
        ("alignments", {}, "a dictionary, not empty"),
        ("alignments", {"output": 1}, "(site, directions"),
        ("steering", [], "vectors, one for each task"),
        ("programs", 7, "expected RASP text"),
        ("attributions", np.zeros(3), "the shape (3,)"),
    ],
)
def test_an_answer_that_is_none_is_a_failed_run(kind, answer, expected, tmp_path):
    method = Method("mine", lambda *_: answer, claims=kind, code="1")
    table = submit(method, MODEL, 1, out=tmp_path / "it", pairs=PAIRS)
    (cell,) = table.cells
    assert cell.status == "failed" and expected in cell.error
    (judged,) = judge_submissions(tmp_path / "it", MODEL, 1, pairs=PAIRS)
    assert judged.cells[0].status == "failed" and not judged.refused


def test_the_method_of_the_documentation_is_packed_and_judged(tmp_path):
    page = (Path(__file__).parents[3] / "docs/submitting.md").read_text()
    (block,) = page.split("```python\n")[1:]
    file = tmp_path / "my_method.py"
    file.write_text(block.partition("```")[0])
    options = {"claims": "alignments", "out": tmp_path / "it", "pairs": PAIRS}
    (cell,) = zoo.submit(str(file), MODEL, 1, **options).cells
    assert cell.status == "ok", cell.error
    assert cell.figures["alignments"]["right_site"] == 1
    assert judge(tmp_path / "it").cells[0].figures == cell.figures
