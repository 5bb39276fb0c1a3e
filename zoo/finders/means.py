"""Difference of means: the span of a variable's class means.

    mu_v = mean of h where the variable is v
    directions: the left singular vectors of mu_v - mean over v of mu_v

Of two values it is the one direction mu_1 - mu_0 (Marks and Tegmark 2024).
"""

from __future__ import annotations

import numpy as np

from zoo.alignment.subspaces import Columns
from zoo.cases.case import Case
from zoo.finders.activations import longest, read_examples


def difference_of_means(
    case: Case, variable: str, site: str, k: int | None = None, seed: int = 0
) -> Columns:
    """Return the directions in which the means of a variable's values differ most.

    Args:
        case: the model and its inputs.
        variable: name of the variable.
        site: the site whose vectors are averaged.
        k: number of directions; all that the means span if None.
        seed: seed of the inputs.
    """
    examples = read_examples(case, variable, site, seed)
    means = np.stack(
        [
            examples.held[examples.values == value].mean(axis=0)
            for value in np.unique(examples.values)
        ],
        axis=1,
    )
    return longest(means - means.mean(axis=1, keepdims=True), k)
