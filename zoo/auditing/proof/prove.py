"""The proof part of a certificate: what no donor can do, edge by edge, node by node.

A position of an input is *certified* for an edge outside the circuit if its output is
right and stays right whatever donor the edge is patched from: any input of the model,
straight or with shifted positions, at the positions that both inputs have. The same for
a node outside, all of whose edges are patched from one donor.

That is shown by bounds which hold for all donors at once, so a position that is not
certified need not be one that a donor breaks. Where the base inputs are too many, a
seeded sample of them is certified; donors are all there are.

The claim is about the function that the float32 weights define in exact arithmetic.
Its bounds are computed in float64, and a right output has to lead by SLACK of the
logits, which stands for what is rounded; see docs/decisions.md for how much that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from compiler.errors import InputError
from compiler.machine.names import Part
from zoo.auditing.behaviour import labels_of
from zoo.auditing.proof.branches import has_cells, of_cells, of_shifts, pick
from zoo.auditing.proof.donors import CELLS, reaches_of
from zoo.auditing.proof.edges import of_edge, of_node
from zoo.auditing.proof.figures import Proof, ProofMethod
from zoo.auditing.proof.followed import Followed, Leads
from zoo.auditing.proof.network import Network, lengths_of, network_of, unsupported
from zoo.auditing.rates import Rate, rate
from zoo.auditing.subject import Subject
from zoo.causal.strata import Space

INPUTS = 300
"""Base inputs that are certified where there are more."""
QUICK_INPUTS = 50
"""The same for a quick audit."""
ROWS = 50
"""Base inputs that are followed at a time."""
SLACK = 1e-3
"""Of the largest absolute logit and 1: by what a right output has to lead."""
POSITIONS = 1
"""Index of the source `positions`."""

OnTarget = Callable[[int, int], None]


def refuse_form(subject: Subject) -> None:
    """Raise an error if the bounds do not cover a model.

    Raises:
        InputError: they do not.
    """
    _refuse(subject, unsupported(subject.config, subject.readout))


def refuse_space(subject: Subject, space: Space) -> None:
    """Raise an error if a model has too many inputs to run each of them.

    Raises:
        InputError: it has.
    """
    many = "its inputs are too many to run each of them as a donor"
    _refuse(subject, None if space.complete else many)


def _refuse(subject: Subject, reason: str | None) -> None:
    if reason is not None:
        raise InputError(
            f"{subject.name}: nothing can be proven of this model, because {reason}. "
            "Audit it without the proof"
        )


def prove(
    subject: Subject,
    space: Space,
    *,
    inputs: int = INPUTS,
    seed: int = 0,
    on_target: OnTarget | None = None,
) -> Proof:
    """Return what can be proven of a model.

    Args:
        subject: the model and its circuit.
        space: all its inputs.
        inputs: base inputs, of which a sample is drawn if there are more.
        seed: of that sample.
        on_target: called with (batches of inputs done, all batches).

    Raises:
        InputError: the bounds do not cover its form, or its inputs are too many.
    """
    refuse_form(subject)
    refuse_space(subject, space)
    network = network_of(subject.config, subject.weights)
    ids, labels = np.asarray(space.pool.ids), labels_of(subject, space.pool)
    order = in_order(network, ids)
    ids, labels = ids[order], labels[order]
    show = on_target or (lambda done, total: None)
    rows = np.random.default_rng(seed).permutation(len(ids))[:inputs]
    batches = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]
    show(0, len(batches) + 1)
    prover = Prover(subject, network, ids)
    show(1, len(batches) + 1)
    found = []
    for number, batch in enumerate(batches):
        found.append(prover.certified(ids[batch], labels[batch]))
        show(number + 2, len(batches) + 1)
    return _proof(subject, found, len(ids), ProofMethod(seed, SLACK, CELLS))


def in_order(
    network: Network, ids: Int[np.ndarray, "input ctx"]
) -> Int[np.ndarray, " input"]:
    """Return the indices of inputs sorted by length, then as token ids count."""
    return np.lexsort((*ids.T[::-1], lengths_of(network, ids)))


def _is_whole(network: Network, ids: Int[np.ndarray, "input ctx"]) -> bool:
    """Return whether the longest inputs are all words over the tokens."""
    longest = ids[lengths_of(network, ids) == network.config.n_ctx, 1:]
    tokens = np.unique(ids[:, 1:])
    count = len(tokens[tokens != network.config.pad_id])
    return bool(len(longest) == count ** longest.shape[1])


@dataclass(frozen=True, eq=False)
class Certified:
    """Which positions of some inputs are certified.

    Attributes:
        valid: [row, place] which positions have a label.
        edges: by name, [row, place].
        plain: the same without cells.
        nodes: by name, [row, place].
    """

    valid: Bool[np.ndarray, "row place"]
    edges: Mapping[str, Bool[np.ndarray, "row place"]]
    plain: Mapping[str, Bool[np.ndarray, "row place"]]
    nodes: Mapping[str, Bool[np.ndarray, "row place"]]


class Prover:
    """What is fixed over all base inputs.

    Args:
        subject: the model and its circuit.
        network: its transformer.
        ids: all inputs, which are the donors.
    """

    def __init__(
        self, subject: Subject, network: Network, ids: Int[np.ndarray, "input ctx"]
    ) -> None:
        self.subject, self.network = subject, network
        self.reaches = reaches_of(network, ids, _is_whole(network, ids))
        self.lengths = np.unique(lengths_of(network, ids))
        names = subject.config.names
        self.sources = list(names.source_parts.values())
        self.readers = list(names.reader_parts.values())

    def certified(
        self, ids: Int[np.ndarray, "row ctx"], labels: Int[np.ndarray, "row ctx"]
    ) -> Certified:
        """Return what is certified of some base inputs."""
        runs, valid = self.network.run(ids), labels >= 0
        plain = Followed(self.network, runs, np.maximum(labels, 0), {})
        needed = SLACK * (1.0 + np.abs(runs.logits).max(-1))
        names = self.subject.config.names
        edges, boxed = {}, {}
        for reader, source in np.argwhere(self.subject.outside).tolist():
            name = f"{names.sources[source]}->{names.readers[reader]}"
            lead = self.edge(plain, reader, source, valid, needed)
            boxed[name] = valid & (lead > needed)
            part = self.readers[reader]
            lead = self.by_cells(plain, part, source, lead, valid & ~boxed[name])
            edges[name] = valid & (lead > needed)
        nodes = {}
        for node in self.subject.others.tolist():
            part, lead = self.sources[node], of_node(plain, self.reaches[node], node)
            if part.kind == "head":
                unsure = valid & ~(lead > needed)
                lead = self.by_cells(plain, part, node, lead, unsure)
            nodes[names.sources[node]] = valid & (lead > needed)
        return Certified(valid, edges, boxed, nodes)

    def edge(
        self,
        plain: Followed,
        reader: int,
        source: int,
        valid: Bool[np.ndarray, "row place"],
        needed: Float[np.ndarray, "row place"],
    ) -> Leads:
        """Return the least leads with one edge patched, by boxes and by shifts."""
        part, reach = self.readers[reader], self.reaches[source]
        found = of_edge(plain, reach, reader, source)
        unsure = valid & ~(found > needed)
        if source == POSITIONS and part.layer is not None:
            rows = np.flatnonzero(unsure.any(1))
            if len(rows):
                sharp = of_shifts(pick(plain, rows), reader, self.lengths)
                found[rows] = np.maximum(found[rows], sharp)
        return found

    def by_cells(
        self,
        plain: Followed,
        part: Part,
        source: int,
        found: Leads,
        unsure: Bool[np.ndarray, "row place"],
    ) -> Leads:
        """Return the least leads, sharper at positions that are not certified yet."""
        if source == POSITIONS or not has_cells(plain, part) or not unsure.any():
            return found
        sharp = of_cells(plain, self.reaches[source], part, source, unsure)
        return np.maximum(found, sharp)


def _proof(
    subject: Subject, found: list[Certified], donors: int, method: ProofMethod
) -> Proof:
    """Return the counts of all batches together."""
    valid = [batch.valid for batch in found]
    total = sum(int(some.sum()) for some in valid)
    inputs = sum(len(some) for some in valid)

    def hits(which: str) -> dict[str, int]:
        names = getattr(found[0], which)
        return {n: sum(int(getattr(b, which)[n].sum()) for b in found) for n in names}

    def rates(which: str) -> dict[str, Rate]:
        return {name: rate(count, total) for name, count in hits(which).items()}

    whole = sum(
        int((np.all([*b.edges.values(), b.valid], axis=0) | ~b.valid).all(1).sum())
        for b in found
    )
    return Proof(
        inputs=inputs,
        all_inputs=inputs == donors,
        donors=donors,
        shifts=max(subject.config.n_ctx - 1, 1),
        positions=total,
        edges=rates("edges"),
        edges_without_cells=hits("plain"),
        nodes=rates("nodes"),
        whole_inputs=rate(whole, inputs),
        method=method,
    )
