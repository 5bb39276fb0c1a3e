"""Principal components: the directions in which a site varies most; no labels.

Directions: eigenvectors of E[(h - E h)(h - E h)^T], greatest variance first (Pearson
1901). They are the variable's directions only if the site holds little else.
"""

from __future__ import annotations

import numpy as np

from zoo.alignment.interchanges import draw_interchanges
from zoo.alignment.subspaces import Columns
from zoo.cases.case import Case
from zoo.finders.activations import default_size, longest, read_examples


def pca(
    case: Case, variable: str, site: str, k: int | None = None, seed: int = 0
) -> Columns:
    """Return the first principal components of a site.

    Args:
        case: the model and its inputs.
        variable: the variable; the site is read at tokens where it has a value.
        site: the site whose components are computed.
        k: number of components; if None, one less than the variable has values, or as
            many as the site has.
        seed: seed of the inputs.
    """
    centred = read_examples(case, variable, site, seed).centred
    right = np.linalg.svd(centred, full_matrices=False)
    scaled = right.Vh.T * right.S
    size = default_size(draw_interchanges(case, variable, seed=seed))
    return longest(scaled, k)[:, : size if k is None else k]
