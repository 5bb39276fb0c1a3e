from __future__ import annotations

import numpy as np
import pytest

from compiler.errors import InputError, NameLookupError
from compiler.machine.names import Names
from zoo.cases.levels import Level, levels
from zoo.cases.scores import Scores


@pytest.mark.parametrize(
    ("n_layers", "n_heads", "edges"), [(4, 4, 479), (6, 4, 1108), (12, 12, 32491)]
)
def test_one_input_has_as_many_edges_as_published(
    n_layers: int, n_heads: int, edges: int
) -> None:
    assert len(Level(Names(n_layers, n_heads), merged=True).items) == edges


def test_every_edge_belongs_to_an_item_of_its_name() -> None:
    names = Names(2, 2)
    for level in levels(names):
        for reader, source in np.argwhere(names.visible):
            item = level.items[level.index[reader, source]]
            start = names.sources[source]
            start = "input" if level.merged and source < 2 else start
            end = names.readers[reader]
            if level.kind == "head":
                end = names.node_of(end)
            assert item == (start if level.kind == "node" else f"{start}->{end}")


def test_joining_takes_the_greatest_and_is_the_same_in_two_steps() -> None:
    names = Names(2, 3)
    rng = np.random.default_rng(0)
    fine = Scores.from_edges(names, rng.normal(size=names.visible.shape))
    middle, coarse = Level(names, "head"), Level(names, "node", merged=True)
    assert np.array_equal(
        fine.at_level(middle).at_level(coarse).values, fine.at_level(coarse).values
    )
    q, k, v = (fine[f"m0->a1.h2<{slot}>"] for slot in "qkv")
    assert fine.at_level(middle)["m0->a1.h2"] == max(q, k, v)


def test_scores_are_not_made_finer() -> None:
    names = Names(1, 2)
    coarse = Scores(Level(names, "head"), np.zeros(len(Level(names, "head").items)))
    with pytest.raises(InputError, match="the second is finer"):
        coarse.at_level(Level(names, "qkv"))


def test_an_unknown_granularity_is_told_with_the_nearest() -> None:
    with pytest.raises(NameLookupError, match="Did you mean 'head'"):
        Level(Names(1, 1), "heads")
