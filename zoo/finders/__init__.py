"""Finders: each says in which directions of a site a variable lives.

    from zoo.finders import das
    basis = das(zoo.open_case("sort-rotated"), "output", "stream.2", k=3)
    print(zoo.score_alignment("sort-rotated", "output", "stream.2", basis))

A finder takes a case, a variable, a site, how many directions, and a seed, and returns
[d_model, k] orthonormal columns. `find_dictionary` needs no
variable: it returns the decoder of a sparse autoencoder, [feature, d_model].
"""

from zoo.finders.autoencoder import find_dictionary, train_dictionary
from zoo.finders.boundaries import boundless_das
from zoo.finders.components import pca
from zoo.finders.means import difference_of_means
from zoo.finders.ridge import probe
from zoo.finders.search import das, multi_task_das

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
