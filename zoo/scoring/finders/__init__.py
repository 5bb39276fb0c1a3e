"""Finders: each says in which directions of a site a variable lives.

    from zoo.scoring.finders import das
    basis = das(zoo.open_case("sort-rotated"), "target_index", "stream.1", k=7)
    print(zoo.score_alignment("sort-rotated", "target_index", "stream.1", basis))

A finder takes a case, a variable, a site, how many directions, and a seed, and returns
[d_model, k] orthonormal columns. `find_dictionary` of `sae.py` needs no variable.
"""

from zoo.scoring.finders.boundless import boundless_das
from zoo.scoring.finders.das import das, multi_task_das
from zoo.scoring.finders.means import difference_of_means
from zoo.scoring.finders.pca import pca
from zoo.scoring.finders.probe import probe
from zoo.scoring.finders.sae import find_dictionary, train_dictionary

FINDERS = {
    "das": das,
    "multi-task-das": multi_task_das,
    "boundless-das": boundless_das,
    "probe": probe,
    "difference-of-means": difference_of_means,
    "pca": pca,
}
"""Name -> finder, as tables call them."""

__all__ = [
    "FINDERS",
    "boundless_das",
    "das",
    "difference_of_means",
    "find_dictionary",
    "multi_task_das",
    "pca",
    "probe",
    "train_dictionary",
]
