"""A linear probe: the directions that ridge regression reads a variable's value from.

    W = (H^T H / n + lambda s I)^-1 H^T Y / n

with Y the values one-hot, both centred, and s the mean variance of a coordinate; the
directions are the left singular vectors of W (Alain and Bengio 2017; Hoerl and Kennard
1970). A probe reads what correlates with a variable, whether the model uses it or not.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from zoo.alignment.subspaces import Columns
from zoo.cases.case import Case
from zoo.finders.activations import longest, read_examples

RIDGE = 1e-3


def probe(
    case: Case,
    variable: str,
    site: str,
    k: int | None = None,
    seed: int = 0,
    ridge: float = RIDGE,
) -> Columns:
    """Return the directions that a linear probe reads.

    Args:
        case: the model and its inputs.
        variable: name of the variable that the probe predicts.
        site: the site whose vectors it reads.
        k: number of directions; all that the probe has if None.
        seed: seed of the inputs.
        ridge: lambda of the formula in the module.
    """
    examples = read_examples(case, variable, site, seed)
    held = examples.centred
    classes = np.unique(examples.values)
    goal = (examples.values[:, None] == classes[None]).astype(np.float64)
    goal -= goal.mean(axis=0)
    return longest(ridge_weights(held, goal, ridge), k)


def ridge_weights(
    held: Float[np.ndarray, "token d_model"],
    goal: Float[np.ndarray, "token ..."],
    ridge: float = RIDGE,
) -> Float[np.ndarray, "d_model ..."]:
    """Return the W of the module's formula.

    Args:
        held: H, centred.
        goal: Y, centred; several columns, or one value a token.
        ridge: lambda.
    """
    spread = held.T @ held / len(held)
    price = ridge * max(np.trace(spread) / len(spread), 1e-30)
    return np.linalg.solve(
        spread + price * np.eye(len(spread)), held.T @ goal / len(held)
    )
