"""The thorough part of a certificate: all inputs, pairs of every kind, a search.

    behaviour   every input where there are at most a million, stratum by stratum
    contrasts   every node and edge outside the circuit patched over drawn, uniform and
                structured pairs, and over the pairs of the release where they are given
    adversary   for every node and edge, and for subsets of all edges outside, a search
                for the pair of inputs that breaks the output
    ablations   zeros and mean writes in the place of what is outside
    logits      how far every edge moves the logits
    giveaways   how well scores that look at no output find the circuit

`quick=True` measures the same on fewer pairs and with a shorter search.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from zoo.auditing.ablations import ALL_EDGES, INPUTS, Ablations, ablations_of
from zoo.auditing.adversary import Break, Budget, attack, masks_of
from zoo.auditing.behaviour import Behaviour, behaviour_of
from zoo.auditing.contrasts import PUBLISHED, both_ways, draw_contrasts
from zoo.auditing.giveaways import Giveaways, giveaways_of
from zoo.auditing.hurt import Hurt, hurt_by
from zoo.auditing.logit_effects import LogitEffects, logit_effects_of
from zoo.auditing.subject import Subject
from zoo.causal.pairs import AuditPairs
from zoo.causal.strata import Space, make_space, space_of

ALL = "all edges outside at once"
"""The name of the mask of every edge outside the circuit."""

_SORTS = {"nodes": False, "edges": True, "all edges at once": None}

Published = tuple[Int[np.ndarray, "pair ctx"], Int[np.ndarray, "pair ctx"]]
OnStage = Callable[[int, int], None]


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        pairs: pairs of each kind over which every node and edge is patched.
        logit_pairs: pairs over which the logits are compared.
        single: the search for each node and edge.
        whole: the search over subsets of all edges outside.
        ablated: inputs over which ablations are measured.
    """

    pairs: int
    logit_pairs: int
    single: Budget
    whole: Budget
    ablated: int


FULL = Effort(2048, 1024, Budget(64, 16, 8), Budget(2048, 256, 24), INPUTS)
QUICK = Effort(256, 256, Budget(16, 4, 2), Budget(512, 64, 8), 1024)


@dataclass(frozen=True)
class Thorough:
    """What a thorough audit found.

    Attributes:
        behaviour: on every input, stratum by stratum.
        contrasts: by kind of pairs, then by what is patched: a node, an edge, or all
            edges outside at once.
        breaks: by node or edge outside, how near a search came to breaking an output.
        whole: the same for all edges outside at once and subsets of them; None if the
            circuit is the whole transformer.
        ablations: what constants in the place of what is outside leave right.
        logits: how far every edge moves the logits.
        giveaways: how well scores that look at no output find the circuit; None if the
            circuit is the whole transformer.
        seed: of all draws and of the search.
        quick: whether it is the one with fewer pairs and a shorter search.
    """

    behaviour: Behaviour
    contrasts: Mapping[str, Mapping[str, Hurt]]
    breaks: Mapping[str, Break]
    whole: Break | None
    ablations: Ablations
    logits: LogitEffects
    giveaways: Giveaways | None
    seed: int
    quick: bool

    @property
    def broken(self) -> tuple[Break, ...]:
        """The nodes and edges outside that the search broke, the worst first."""
        found = [b for b in self.breaks.values() if b.broken]
        return tuple(sorted(found, key=lambda b: (b.margin, b.target)))

    def worst(self, edges: bool | None) -> tuple[str, str, Hurt]:
        """Return (kind of pairs, what is patched, what that does) that keeps least.

        Args:
            edges: True for single edges, False for nodes, None for all edges at once.
        """
        return min(
            (
                (kind, name, hurt)
                for kind, found in self.contrasts.items()
                for name, hurt in found.items()
                if (None if name == ALL else "->" in name) is edges
            ),
            key=lambda entry: (entry[2].kept.share, entry[0], entry[1]),
        )

    def has(self, edges: bool | None) -> bool:
        """Return whether there is anything of that sort outside the circuit."""
        found = next(iter(self.contrasts.values()))
        return any((None if n == ALL else "->" in n) is edges for n in found)


def audit_thoroughly(
    subject: Subject,
    *,
    quick: bool = False,
    seed: int = 0,
    published: Published | None = None,
    on_stage: OnStage | None = None,
) -> Thorough:
    """Return the thorough part of a model's certificate.

    Args:
        subject: the model, its causal model and its circuit.
        quick: whether fewer pairs and a shorter search are enough.
        seed: of all draws and of the search.
        published: token ids of the base inputs and of the donor inputs of a release's
            pairs; both are patched from the other.
        on_stage: called with (stages done, stages).
    """
    effort = QUICK if quick else FULL
    show = on_stage or (lambda done, total: None)
    space = _space(subject, published, seed)
    pairs = _pairs(subject, space, effort, published, seed)
    masks = masks_of(subject)
    whole = {ALL: subject.outside} if subject.outside.any() else {}
    stages = 4 + len(pairs)
    show(0, stages)
    behaviour = behaviour_of(subject, space)
    show(1, stages)
    contrasts = {}
    for number, (kind, some) in enumerate(pairs.items()):
        contrasts[kind] = hurt_by(subject, some, {**whole, **masks}, whole)
        show(2 + number, stages)
    breaks = _search(subject, space, pairs["structured"], masks, effort.single, seed)
    found = _search(subject, space, pairs["structured"], whole, effort.whole, seed)
    show(stages - 2, stages)
    ablations = ablations_of(subject, space, inputs=effort.ablated, seed=seed)
    show(stages - 1, stages)
    few = draw_contrasts(space, subject.config.n_ctx, effort.logit_pairs, seed)
    logits = logit_effects_of(subject, few["drawn"])
    given = giveaways_of(subject, seed=seed) if whole else None
    show(stages, stages)
    return Thorough(
        behaviour=behaviour,
        contrasts=contrasts,
        breaks=breaks,
        whole=found.get(ALL),
        ablations=ablations,
        logits=logits,
        giveaways=given,
        seed=seed,
        quick=quick,
    )


def _space(subject: Subject, published: Published | None, seed: int) -> Space:
    space = make_space(subject.causal, seed)
    if published is None or space.complete:
        return space
    ids = np.unique(np.concatenate([np.asarray(space.pool.ids), *published]), axis=0)
    return space_of(subject.causal, ids.astype(np.int32), False, seed)


def _pairs(
    subject: Subject,
    space: Space,
    effort: Effort,
    published: Published | None,
    seed: int,
) -> dict[str, AuditPairs]:
    n_ctx = subject.config.n_ctx
    pairs = dict(draw_contrasts(space, n_ctx, effort.pairs, seed))
    if published is not None:
        place = {row.tobytes(): i for i, row in enumerate(np.asarray(space.pool.ids))}
        base, donor = (
            np.array([place[row.tobytes()] for row in ids.astype(np.int32)])
            for ids in published
        )
        pairs[PUBLISHED] = both_ways(space, base, donor, n_ctx, seed)
    return pairs


def _search(
    subject: Subject,
    space: Space,
    start: AuditPairs,
    masks: Mapping[str, Bool[np.ndarray, "r s"]],
    budget: Budget,
    seed: int,
) -> dict[str, Break]:
    if not masks:
        return {}
    subsets = ALL in masks
    return attack(subject, space, start, masks, budget, subsets=subsets, seed=seed)


def worst_figures(found: Thorough) -> dict[str, tuple[float, str]]:
    """Return the figure of each claim, and where it is worst.

    The names are those of the claims of a certificate. `ablations` leaves out zeros in
    the place of all edges: a compiled model carries its constants over some of them.
    """
    name, rate = found.behaviour.worst
    figures = {"behaviour": (rate.share, name)}
    for claim, edges in _SORTS.items():
        if found.has(edges):
            kind, target, hurt = found.worst(edges)
            where = f"{kind} pairs" if edges is None else f"{target}, {kind} pairs"
            figures[claim] = (hurt.kept.share, where)
    rates = {f"zeros at {n}": r.share for n, r in found.ablations.zero.items()}
    rates |= {f"means at {n}": r.share for n, r in found.ablations.mean.items()}
    rates.pop(f"zeros at {ALL_EDGES}", None)
    if rates:
        worst = min(rates, key=lambda n: (rates[n], n))
        figures["ablations"] = (rates[worst], worst)
    return figures
