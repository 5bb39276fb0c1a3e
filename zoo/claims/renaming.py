"""Two variables compared, up to the names of their values.

V is the true variable and C the claimed one, over all tokens of all inputs. A renaming
gives each value of C at most one value of V, no two the same one. It is chosen on one
half of the inputs, for most agreement (Kuhn 1955), and measured on the other half.

    same        share of tokens at which C, unrenamed, has V's value
    renamed     share of tokens at which the renamed C has V's value
    majority    share of the commonest value of V: what a constant gets
    gained      (renamed - majority) / (1 - majority), 0 for a constant, 1 if all agree
    information I(C; V) / max(H(C), H(V)): 0 if independent, 1 if each tells the other

The greater entropy is taken, so that a claim with a value of its own for every input
does not win.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from scipy.optimize import linear_sum_assignment

from compiler.rasp.values import Value, same
from zoo.alignment.figures import rate_to_json
from zoo.auditing.certificate import Rate, rate

MOST_NAMES = 2_000
"""Of a claim with more values, only the commonest so many may have a counterpart."""


@dataclass(frozen=True, eq=False)
class ValueAgreement:
    """How far two variables agree; see the module.

    Attributes:
        names: by value of the claim, the index of the true value; -1 for none.
        majority: in [0, 1].
        gained: at most 1; 1 also of a variable with one value only, where all agree.
        information: in [0, 1].
    """

    same: Rate
    renamed: Rate
    majority: float
    gained: float
    information: float
    names: Int[np.ndarray, " value"]

    def to_json(self) -> dict[str, Any]:
        """Return the figures as JSON values."""
        plain = ("majority", "gained", "information")
        return {
            "same": rate_to_json(self.same),
            "renamed": rate_to_json(self.renamed),
            **{name: getattr(self, name) for name in plain},
        }


def compare_values(
    true: Int[np.ndarray, "input ctx"],
    values: tuple[Value, ...],
    claimed: Int[np.ndarray, "input ctx"],
    names: tuple[Value, ...],
    seed: int = 0,
) -> ValueAgreement:
    """Return how far a claim agrees with a variable.

    Args:
        true: index of the variable's value, -1 where it has none.
        values: its values.
        claimed: index of the claim's value, -1 for none.
        names: the claim's values.
        seed: which half of the inputs the renaming is chosen on.
    """
    asked = true >= 0
    half = np.random.default_rng(seed).random(len(true)) < 0.5
    if len(true) < 20:  # too few to hold half of them back
        half[:] = True
    first, second = asked & half[:, None], asked & (~half | half.all())[:, None]
    own = own_names(names, values)
    renaming = best_renaming(true[first], claimed[first], len(values), len(names))
    renaming = _keep_rare(renaming, own)
    moved = rename(claimed, renaming)
    plain = rename(claimed, own)
    counts = np.bincount(true[second], minlength=1)
    majority = float(counts.max() / max(counts.sum(), 1))
    agreed = _share(moved == true, second)
    left = 1 - majority
    gained = (agreed.share - majority) / left if left > 0 else float(agreed.share)
    return ValueAgreement(
        same=_share(plain == true, asked),
        renamed=agreed,
        majority=majority,
        gained=float(gained),
        information=shared_information(true[asked], claimed[asked]),
        names=renaming,
    )


def _keep_rare(
    names: Int[np.ndarray, " value"], own: Int[np.ndarray, " value"]
) -> Int[np.ndarray, " value"]:
    """Return a renaming in which values without a counterpart keep their own name.

    Rare values may not occur in the half of the inputs that the renaming is chosen on.
    """
    free = (names < 0) & (own >= 0) & ~np.isin(own, names[names >= 0])
    return np.where(free, own, names)


def _share(agree: Bool[np.ndarray, "input ctx"], among: np.ndarray) -> Rate:
    return rate(int((agree & among).sum()), int(among.sum()))


def rename(
    claimed: Int[np.ndarray, "*n"], names: Int[np.ndarray, " value"]
) -> Int[np.ndarray, "*n"]:
    """Return claimed values under the names of the true ones; -1 for none."""
    padded = np.append(names, -1)  # what has no value stays without
    return padded[claimed]


def own_names(names: tuple[Value, ...], values: tuple[Value, ...]) -> np.ndarray:
    """Return by value of a claim which true value it is; -1 for none."""
    place = {(type(v) is bool, v): i for i, v in enumerate(values)}
    found = [place.get((type(n) is bool, n), -1) for n in names]
    assert all(i < 0 or same(n, values[i]) for n, i in zip(names, found, strict=True))
    return np.array(found, np.int64)


def best_renaming(
    true: Int[np.ndarray, " token"],
    claimed: Int[np.ndarray, " token"],
    values: int,
    names: int,
) -> Int[np.ndarray, " value"]:
    """Return the renaming with which most tokens agree."""
    known = claimed >= 0
    counts = np.bincount(claimed[known], minlength=max(names, 1))
    kept = np.argsort(-counts, kind="stable")[:MOST_NAMES]
    row = np.full(max(names, 1), -1, np.int64)
    row[kept] = np.arange(len(kept))
    rows = row[claimed[known]]
    table = np.zeros((len(kept), values), np.int64)
    np.add.at(table, (rows[rows >= 0], true[known][rows >= 0]), 1)
    ends, starts = linear_sum_assignment(table, maximize=True)
    found = np.full(names, -1, np.int64)
    for end, start in zip(ends, starts, strict=True):
        if table[end, start] > 0:
            found[kept[end]] = start
    return found


def shared_information(
    true: Int[np.ndarray, " token"], claimed: Int[np.ndarray, " token"]
) -> float:
    """Return I(C; V) / max(H(C), H(V)); -1 is a value, too."""
    if not len(true):
        return 0.0
    one, other = _entropy(true), _entropy(claimed)
    both = _entropy(true.astype(np.int64) * (int(claimed.max()) + 2) + claimed + 1)
    greater = max(one, other)
    return 1.0 if greater == 0 else float(max(one + other - both, 0.0) / greater)


def _entropy(held: Int[np.ndarray, " token"]) -> float:
    _, counts = np.unique(held, return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())
