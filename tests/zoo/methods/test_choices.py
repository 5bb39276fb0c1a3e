"""Methods with choices of patching behind their names, and grids of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from compiler.errors import InputError, ZooError
from zoo.cases.case import Case
from zoo.cases.choices import ABLATIONS, DIRECTIONS, LOSSES
from zoo.methods import check_method, find_method, on_grid
from zoo.methods.choices import PatchingChoice, grid_choices, read_choice
from zoo.scoring.evaluate import evaluate

MODEL = "fraction-previous-siit"


def every_choice() -> Iterator[PatchingChoice]:
    for ablation, loss, direction in product(ABLATIONS, LOSSES, DIRECTIONS):
        yield PatchingChoice(ablation, loss, direction, 1.0, 0.0, "random")


def test_a_choice_is_read_back_from_its_text() -> None:
    for choice in (PatchingChoice(), *every_choice()):
        assert read_choice(str(choice)) == choice


def test_a_grid_is_the_product_and_noise_is_of_gaussian_ablation_alone() -> None:
    assert len(grid_choices("ablation")) == len(ABLATIONS)
    assert len(grid_choices(["loss", "direction"])) == len(LOSSES) * len(DIRECTIONS)
    found = grid_choices("ablation,noise")
    assert len(found) == len(ABLATIONS) + 1
    assert {c.ablation for c in grid_choices("noise")} == {"gaussian"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exact@ablation=means", "mean"),
        ("exact@abl=mean", "ablation"),
        ("exact@mean", "expected choice=value"),
        ("exact@noise=0", "a number above 0"),
        ("exact@noise=many", "a number above 0"),
        ("exact@shifted=2", "a share from 0 to 1"),
        ("exat@loss=divergence", "exact"),
        ("acdc@direction=denoise", "only patches clean runs"),
    ],
)
def test_choices_that_cannot_be_read_say_why(name: str, words: str) -> None:
    with pytest.raises(ZooError, match=words):
        find_method(name)


@pytest.mark.parametrize("grid", ["", "abaltion", "ablation,ablation"])
def test_axes_that_are_none_say_why(grid: str) -> None:
    with pytest.raises(ZooError, match="ablation"):
        grid_choices(grid)


def test_a_name_without_effect_is_the_methods_own() -> None:
    assert check_method("eap-ig@loss=difference") == "eap-ig-inputs"
    assert check_method("eap@noise=3,loss=divergence") == "eap@loss=divergence"


def test_a_choice_changes_what_the_method_is_given(case: Case) -> None:
    chosen = find_method("exact-mean@ablation=zero,loss=probability,shifted=0").choice
    assert chosen is not None
    found = chosen.set(case, seed=0)
    assert (found.ablation, found.loss) == ("zero", "probability")
    assert not found.pairs.shifts.any() and found.truth is case.truth
    blank = read_choice("weights=random").set(case, seed=1)
    assert not np.array_equal(blank.weights.W_E, case.weights.W_E)


def test_denoising_edges_and_nodes_are_signed_as_noising_is(case: Case) -> None:
    restoring = case.with_changes(direction="denoise")
    for name in ("exact-mean", "eap"):
        found = np.asarray(find_method(name).run(restoring, 0))
        assert found[case.truth.mask("used")].sum() > 0, name
    nodes = find_method("nap-noising").run(restoring, 0)
    assert np.allclose(nodes.values, find_method("nap-denoising").run(case, 0).values)


def test_the_controls_of_a_grid_know_nothing_and_patching_finds_all() -> None:
    table = evaluate("exact", [MODEL], seeds=1, pairs=32, grid="loss")
    figures = {cell.method: cell.figures["qkv"] for cell in table.cells}
    assert all(cell.status == "ok" for cell in table.cells)
    random, blank = "random@shifted=0", "exact@shifted=0,weights=random"
    for loss in LOSSES:
        name = f"exact@{PatchingChoice(loss=loss, shifted=0.0)}"
        assert figures[name]["average_precision"] == 1.0
    for control in (random, blank):
        assert (figures[control]["average_precision"] or 0.0) < 0.4
    assert "probability" in str(table) and "untrained exact" in str(table)


def test_a_method_that_only_patches_clean_runs_has_no_grid_of_directions() -> None:
    with pytest.raises(InputError, match="only patches clean runs"):
        on_grid([find_method("acdc")], "direction")
