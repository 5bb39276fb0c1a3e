"""Three hypothesis tests of a circuit (Shi et al. 2024, section 3).

    equivalence   s(C(x)) is above s(M(x)) as often as below:  |P(D > 0) - 1/2| < eps
    independence  what is left without C does not depend on what M says
    minimality    each edge of C changes more than edges that were added at random

where s is minus the loss, and M the model. A small p-value speaks against the circuit.
Where the paper leaves a choice, or a choice of its does not fit:

- A tie D = 0 counts half on each side; the paper counts it as below, and a circuit that
  does exactly what the model does would fail. The binomial tail is then conservative.
- Independence is tested on all logits, since both scores would share the labels of a
  pair. The patched edges get the donors of another pair of the same length, and pairs
  are exchanged within a length: a pair's own donor goes with its input by the way in
  which pairs are made, and PAD shows the length to all.
- The added edges are those of a random way from an embedding to the logits, as there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats

from compiler.deprecation import accept_old_arguments
from compiler.errors import InputError
from compiler.machine.circuit import Circuit
from compiler.machine.names import Names
from compiler.machine.patch import Patch, edge_mask
from compiler.torch_values import plain
from zoo.auditing.certificate import Certificate
from zoo.cases.case import Case, open_case
from zoo.cases.pairs import PAIRS, SHIFTED
from zoo.scoring.independence import PERMUTATIONS, independence, permute_within
from zoo.scoring.minimality import Needed, minimality

TIE = 1e-5
"""Changes of no more than this share of the greatest score are rounding."""


@dataclass(frozen=True)
class Hypotheses:
    """The three tests of a circuit.

    Attributes:
        model: name of the case.
        edges: how many the circuit has.
        pairs: how many inputs were run.
        above: share of the inputs on which the circuit's score is above the model's.
        equivalence: p-value.
        hsic: of the outputs without the circuit and those of the model.
        independence: p-value.
        needed: every edge, the least needed first.
        minimality: the least corrected p-value.
        level: below which a p-value rejects.
    """

    model: str
    edges: int
    pairs: int
    above: float
    equivalence: float
    hsic: float
    independence: float
    needed: tuple[Needed, ...]
    minimality: float
    level: float

    def __repr__(self) -> str:
        return (
            f"<Hypotheses {self.model}, {self.edges} edges: equivalence p "
            f"{self.equivalence:.3g}, independence p {self.independence:.3g}, "
            f"minimality p {self.minimality:.3g}>"
        )

    @property
    def rejected(self) -> tuple[str, ...]:
        """Which of the three hypotheses are rejected."""
        names = ("equivalence", "independence", "minimality")
        return tuple(name for name in names if getattr(self, name) < self.level)

    @property
    def needless(self) -> tuple[str, ...]:
        """The edges that are not shown to be needed: theirs is rejected."""
        return tuple(n.edge for n in self.needed if n.corrected < self.level)


@accept_old_arguments(turned="shifted")
def examine_circuit(
    source: Any,
    edges: Circuit | Iterable[str] | Bool[np.ndarray, "reader source"],
    *,
    epsilon: float = 0.1,
    quantile: float = 0.9,
    inflated: int = 100,
    permutations: int = PERMUTATIONS,
    level: float = 0.05,
    seed: int = 0,
    certificate: Certificate | None = None,
    split: str = "test",
    pairs: int = PAIRS,
    shifted: float = SHIFTED,
    ablation: str = "resample",
    loss: str = "difference",
    positions: str = "all",
) -> Hypotheses:
    """Return the three hypothesis tests of a circuit.

    Args:
        source: a case, or what `open_case` takes.
        edges: of the circuit: names, a mask, or a `Circuit`.
        epsilon: how far from a half the share of better scores may be.
        quantile: share of random edges that a needed edge outdoes.
        inflated: how many circuits with a random way added are drawn.
        permutations: of the independence test.
        level: of all three tests.
        seed: of ways, donors and permutations.
        certificate: of a model that is no release; it is audited if None.
        split: of the data: `train` or `test`.
        pairs: how many of them, at most.
        shifted: share of the pairs whose corrupt run has shifted positions.
        ablation: what stands in the place of a patched write: `resample`, `mean`,
            `zero` or `optimal`; see `Case`.
        loss: what the effect of a patch is measured by; see `zoo/cases/losses.py`.
        positions: `all` positions at which answers differ, or the `one` of the data.

    Raises:
        InputError: the circuit has no edges or all, or a mask has another shape.
        NameLookupError: an edge is unknown.
    """
    case = open_case(
        source,
        certificate=certificate,
        split=split,
        pairs=pairs,
        shifted=shifted,
        ablation=ablation,
        loss=loss,
        positions=positions,
    )
    circuit = _mask(case.names, plain(edges))
    rng = np.random.default_rng(seed)
    every = case.names.visible
    whole, alone = -case.losses(), -case.losses(every & ~circuit)
    tie = TIE * float(np.abs(whole).max())
    above, same_way = equivalence(alone - whole, tie, epsilon)
    found, apart = _independence(case, circuit, permutations, seed)
    needed = minimality(case, circuit, alone, inflated, quantile, tie, rng)
    return Hypotheses(
        model=case.name,
        edges=int(circuit.sum()),
        pairs=len(case.pairs),
        above=above,
        equivalence=same_way,
        hsic=found,
        independence=apart,
        needed=needed,
        minimality=min(n.corrected for n in needed),
        level=level,
    )


def equivalence(
    differences: Float[np.ndarray, " pair"], tie: float, epsilon: float
) -> tuple[float, float]:
    """Return the share of positive differences, and the p-value of equivalence.

    The greatest chance, under |P - 1/2| <= epsilon, of a share as far from a half:
    exactly, with P = 1/2 + epsilon. Ties are shared out, an odd one towards a half.
    """
    count = len(differences)
    more, less = int((differences > tie).sum()), int((differences < -tie).sum())
    ties = count - more - less
    extreme = max(more, less) + ties // 2
    extreme = max(extreme, count - extreme)
    high = stats.binom.sf(extreme - 1, count, 0.5 + epsilon)
    low = stats.binom.cdf(count - extreme, count, 0.5 + epsilon)
    share = (more + ties / 2) / count
    return share, min(1.0, float(high + low))


def _independence(
    case: Case, circuit: Bool[np.ndarray, "reader source"], permutations: int, seed: int
) -> tuple[float, float]:
    """Return the HSIC of what both say where pairs have answers, and its p-value."""
    from compiler.machine.forward import logits_batch

    live = case.pairs.clean_labels >= 0
    groups = np.unique(live, axis=0, return_inverse=True)[1].reshape(-1)
    rng = np.random.default_rng(seed)
    donors = np.asarray(case.batch.donors)[permute_within(groups, rng)]
    patch = Patch.edges(circuit.astype(np.float32), donors)
    rest = logits_batch(case.transformer, case.batch.ids, patch, shared_mask=True)
    whole = np.asarray(case.batch.goal.clean)
    outputs = [
        (np.asarray(logits) * live[..., None]).reshape(len(live), -1)
        for logits in (rest, whole)
    ]
    return independence(outputs[0], outputs[1], groups, seed, permutations)


def _mask(names: Names, edges: Any) -> Bool[np.ndarray, "reader source"]:
    """Return the mask of a circuit's edges."""
    if isinstance(edges, np.ndarray):
        if edges.shape != names.visible.shape:
            raise InputError(
                f"circuit: a mask of shape {edges.shape}, expected [reader, source] = "
                f"{names.visible.shape}"
            )
        mask = edges.astype(bool) & names.visible
    else:
        given = edges.edges if isinstance(edges, Circuit) else edges
        mask = edge_mask(names, list(given)) > 0
    if not mask.any():
        raise InputError("circuit: it has no edges. Give at least one")
    if mask[names.visible].all():
        raise InputError(
            "circuit: it has every edge, so none can be added to compare its edges "
            "with. Give a smaller one"
        )
    return mask
