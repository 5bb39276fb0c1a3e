"""The thorough audit against plain loops over single inputs, on a damaged model.

Noise in the weights of a small compiled model makes some of its outputs wrong and lets
edges outside its circuit matter, so that no figure is trivially 0 or 1.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.machine.forward import forward, forward_batch
from compiler.machine.patch import Patch, edge_mask
from compiler.machine.virtual import virtual_norms
from compiler.machine.weights import Weights, freeze
from zoo.auditing.ablations import ALL_EDGES, ALL_NODES, ablations_of, mean_writes
from zoo.auditing.adversary import Budget, attack, masks_of
from zoo.auditing.agreement import agree
from zoo.auditing.behaviour import behaviour_of, labels_of
from zoo.auditing.certificate import VERSION, Certificate
from zoo.auditing.contrasts import KINDS, both_ways, draw_contrasts
from zoo.auditing.full import audit_fully, proven
from zoo.auditing.giveaways import giveaways_of, write_deviations
from zoo.auditing.hurt import hurt_by
from zoo.auditing.logit_effects import logit_effects_of
from zoo.auditing.proof.proof_table import proof_table
from zoo.auditing.rates import rate
from zoo.auditing.reported import reported_margins
from zoo.auditing.subject import Subject, subject_of
from zoo.auditing.thorough import ALL
from zoo.auditing.thorough_agreement import is_near_margin, thorough_rates
from zoo.auditing.thorough_table import thorough_table
from zoo.causal.runs import donor_writes
from zoo.causal.strata import Space, make_space
from zoo.release.documents import CERTIFICATE_DOCUMENT
from zoo.release.statements import thorough_margins

N_CTX = 5
_forward = jax.jit(forward)
_donor_writes = jax.jit(donor_writes)


@pytest.fixture(scope="module")
def subject() -> Subject:
    model = compile_model(programs.find("reverse"), vocab="ab", max_len=N_CTX - 1)
    rng = np.random.default_rng(1)

    def damaged(array: np.ndarray) -> np.ndarray:
        size = 0.1 * np.sqrt((array**2).sum() / max(array.size, 1))
        return (array + size * rng.normal(size=array.shape)).astype(np.float32)

    whole = subject_of(model)
    return replace(whole, weights=freeze(Weights(*map(damaged, model.weights))))


@pytest.fixture(scope="module")
def space(subject: Subject) -> Space:
    return make_space(subject.causal)


@pytest.fixture(scope="module")
def quick(subject: Subject) -> Certificate:
    return audit_fully(subject, quick=True, pairs=150)


class Loops:
    """One input, or one pair, at a time, by the definition."""

    def __init__(self, subject: Subject, space: Space) -> None:
        self.subject, self.space = subject, space
        self.ids = np.asarray(space.pool.ids)
        self.lengths = np.asarray(space.pool.lengths)
        self.labels = labels_of(subject, space.pool)

    def logits(self, base: int, patch: Patch | None = None) -> np.ndarray:
        run = _forward(self.subject.transformer, jnp.asarray(self.ids[base]), patch)
        return np.asarray(run.logits)

    def patched(self, base: int, donor: int, shift: int, mask: Any) -> np.ndarray:
        ids, shifts = self.ids[donor][None], np.array([shift])
        writes = _donor_writes(self.subject.transformer, ids, shifts)[0]
        shared = min(self.lengths[base], self.lengths[donor])
        where = jnp.asarray(np.arange(N_CTX) < shared, jnp.float32)
        edges = jnp.asarray(mask, jnp.float32)
        return self.logits(base, Patch.edges(edges, writes, where=where))

    def right(self, base: int, logits: np.ndarray) -> np.ndarray:
        labels = self.labels[base]
        return (logits.argmax(-1) == labels) & (labels >= 0)

    def margins(self, base: int, logits: np.ndarray) -> np.ndarray:
        """Return the lead of the right logit at each position, NaN for none."""
        found = np.full(N_CTX, np.nan)
        for place, label in enumerate(self.labels[base]):
            if label >= 0:
                others = np.delete(logits[place], label)
                found[place] = logits[place, label] - others.max()
        return found


@pytest.fixture(scope="module")
def loops(subject: Subject, space: Space) -> Loops:
    return Loops(subject, space)


def test_behaviour_is_the_share_of_each_stratum(
    subject: Subject, space: Space, loops: Loops
) -> None:
    found = behaviour_of(subject, space)
    right = np.stack([loops.right(i, loops.logits(i)) for i in range(len(loops.ids))])
    valid = loops.labels >= 0
    assert (found.right.hits, found.right.total) == (right.sum(), valid.sum())
    assert found.wrong_inputs == (right != valid).any(1).sum() > 0
    of_four = found.strata["length 4"]
    rows = loops.lengths == N_CTX
    assert (of_four.hits, of_four.total) == (right[rows].sum(), valid[rows].sum())
    says_a = found.strata["output = a"]
    at = valid & (loops.labels == subject.readout.values.index("a"))
    assert (says_a.hits, says_a.total) == (right[at].sum(), at.sum())
    _, worst = found.worst
    assert worst.share == min(rate.share for rate in found.strata.values()) < 1
    assert found.example is not None
    assert found.example.found != found.example.expected
    assert found.example.expected == tuple(reversed(found.example.tokens))


def test_a_patch_hurts_the_pairs_that_it_hurts(
    subject: Subject, space: Space, loops: Loops
) -> None:
    pairs = draw_contrasts(space, N_CTX, 60, 0)["structured"]
    masks = {ALL: subject.outside, "one length": subject.outside}
    both = hurt_by(subject, pairs, masks, {ALL})
    found, brief = both[ALL], both["one length"]
    kept = total = hurt = 0
    first = None
    for number, (base, donor, shift) in enumerate(
        zip(pairs.base, pairs.donor, pairs.shifts, strict=True)
    ):
        before = loops.right(base, loops.logits(base))
        logits = loops.patched(base, donor, shift, subject.outside)
        after = before & loops.right(base, logits)
        shared = min(loops.lengths[base], loops.lengths[donor])
        kept, total = kept + after[:shared].sum(), total + before[:shared].sum()
        if (before != after).any():
            hurt, first = hurt + 1, number if first is None else first
    assert (found.kept.hits, found.kept.total) == (kept, total)
    assert (found.pairs.hits, found.pairs.total, found.first) == (hurt, 60, first)
    assert 0 < hurt < 60
    assert sum(r.hits for r in found.by_length.values()) == kept
    length, rate = found.worst_length
    assert dict(brief.by_length) == {length: rate}
    assert (brief.kept, brief.pairs) == (found.kept, found.pairs)


def test_what_a_search_reports_is_measured_again(
    subject: Subject, quick: Certificate
) -> None:
    thorough = quick.thorough
    assert thorough is not None and thorough.whole is not None
    reports = {**thorough.breaks, ALL: thorough.whole}
    masks = {**masks_of(subject), ALL: subject.outside}
    again = reported_margins(subject, reports, masks)
    for name, report in reports.items():
        margin = again[name]
        assert margin is not None and is_near_margin(margin, report.margin)
    name, report = next(iter(thorough.breaks.items()))
    for wrong in (
        replace(report, base=("z",)),
        replace(report, position=len(report.base)),
        replace(report, shift=N_CTX),
        replace(report, edges=("tokens->logits",)),
        replace(report, target="no such node"),
    ):
        assert reported_margins(subject, {name: wrong}, masks) == {name: None}


def test_a_certificate_agrees_with_itself_and_not_with_another_figure(
    subject: Subject, quick: Certificate
) -> None:
    found, thorough = quick, quick.thorough
    assert thorough is not None
    margins = thorough_margins(subject, found)
    assert agree(found, found, VERSION, margins).certificate == found
    exact = {n: r for n, r in thorough_rates(thorough) if not r.close}
    assert exact
    name, report = max(thorough.breaks.items(), key=lambda item: item[1].margin)
    effects = thorough.logits
    edge, effect = next(iter(effects.outside.items()))
    moved = {**effects.outside, edge: replace(effect, gap=effect.gap * 1.1 + 1)}
    worse = {**thorough.breaks, name: replace(report, margin=report.margin + 5)}
    right = thorough.behaviour.right
    fewer = replace(thorough.behaviour, right=rate(right.hits - 9, right.total))
    for lie in (
        replace(thorough, logits=replace(effects, outside=moved)),
        replace(thorough, breaks=worse),
        replace(thorough, behaviour=fewer),
        replace(thorough, behaviour=replace(thorough.behaviour, wrong_inputs=0)),
    ):
        stated = replace(found, thorough=lie)
        assert agree(stated, found, VERSION, margins).certificate != stated
    # Where a search ends may differ, as long as the stated pair has its margin.
    other = {**thorough.breaks, name: replace(report, margin=report.margin - 0.01)}
    here = replace(found, thorough=replace(thorough, breaks=other))
    assert agree(found, here, VERSION, margins).certificate == found


def test_the_thorough_part_of_a_certificate_is_read_as_it_was_written(
    quick: Certificate,
) -> None:
    data = json.dumps(quick.to_json()).encode()
    assert CERTIFICATE_DOCUMENT.parse(data, "certificate.json") == quick


def test_ablations_put_constants_in_the_place_of_writes(
    subject: Subject, space: Space, loops: Loops
) -> None:
    found = ablations_of(subject, space)
    rows = np.arange(len(loops.ids))
    means = mean_writes(subject, space.pool, rows)
    writes = np.stack(
        [
            np.asarray(_forward(subject.transformer, jnp.asarray(ids)).writes)
            for ids in loops.ids
        ]
    )
    live = np.arange(N_CTX) < loops.lengths[:, None]
    expected = (writes * live[:, None, :, None]).sum(0) / live.sum(0)[:, None]
    np.testing.assert_allclose(means, expected, rtol=1e-4, atol=1e-4)
    for donor, rates in ((jnp.zeros_like(means), found.zero), (means, found.mean)):
        patch = Patch.edges(jnp.asarray(subject.outside, jnp.float32), donor)
        right = [loops.right(i, loops.logits(i, patch)).sum() for i in range(len(rows))]
        assert rates[ALL_EDGES].hits == sum(right)
        assert rates[ALL_EDGES].total == (loops.labels >= 0).sum()
        assert set(rates) >= {ALL_EDGES, *found.zero}
    assert (ALL_NODES in found.zero) == (len(subject.others) > 1)


def test_effects_on_the_logits_are_means_over_shared_positions(
    subject: Subject, space: Space, loops: Loops
) -> None:
    pairs = draw_contrasts(space, N_CTX, 16, 0)["drawn"]
    found = logit_effects_of(subject, pairs)
    effects = {**found.circuit, **found.outside}
    assert len(effects) == int(subject.config.names.visible.sum())
    for edge in (str(subject.circuit.edges[0]), next(iter(found.outside))):
        mask = edge_mask(subject.config.names, [edge])
        gaps, kls = [], []
        for shifted in (False, True):
            gap, kl = _moves(loops, pairs, mask, shifted)
            gaps.append(gap), kls.append(kl)
        assert effects[edge].gap == pytest.approx(max(gaps), rel=2e-3, abs=1e-5)
        assert effects[edge].kl == pytest.approx(max(kls), rel=2e-3, abs=1e-5)


def _moves(loops: Loops, pairs: Any, mask: Any, shifted: bool) -> tuple[float, float]:
    gaps, kls = [], []
    for base, donor, shift in zip(pairs.base, pairs.donor, pairs.shifts, strict=True):
        clean = loops.logits(base).astype(np.float64)
        logits = loops.patched(base, donor, shift if shifted else 0, mask)
        for place in range(min(loops.lengths[base], loops.lengths[donor])):
            if loops.labels[base, place] < 0:
                continue
            first, second = np.argsort(-clean[place])[:2]
            lead = clean[place, first] - clean[place, second]
            gaps.append(abs(logits[place, first] - logits[place, second] - lead))
            p, q = (
                a - np.log(np.exp(a - a.max()).sum()) - a.max()
                for a in (clean[place], logits[place].astype(np.float64))
            )
            kls.append((np.exp(p) * (p - q)).sum())
    return float(np.mean(gaps)), float(np.mean(kls))


def test_a_long_search_finds_the_worst_pair_of_all(
    subject: Subject, space: Space, loops: Loops
) -> None:
    """Of 30 inputs there are 3,600 pairs with a shift: each is run, for one edge."""
    name, mask = max(
        masks_of(subject).items(), key=lambda entry: "->logits" in entry[0]
    )
    start = draw_contrasts(space, N_CTX, 60, 0)["structured"]
    found = attack(subject, space, start, {name: mask}, Budget(64, 64, 40))[name]
    rights = [loops.right(i, loops.logits(i)) for i in range(len(loops.ids))]
    tuples = itertools.product(range(30), range(30), range(N_CTX - 1))
    base, donor, shift = np.array(list(tuples)).T
    writes = donor_writes(subject.transformer, loops.ids[donor], shift)
    shared = np.minimum(loops.lengths[base], loops.lengths[donor])
    where = jnp.asarray(np.arange(N_CTX) < shared[:, None], jnp.float32)
    patch = Patch.edges(jnp.asarray(mask, jnp.float32), writes, where=where)
    ids = jnp.asarray(loops.ids[base])
    logits = np.asarray(
        forward_batch(subject.transformer, ids, patch, shared_mask=True).logits
    )

    def margins_of(base: int, logits: np.ndarray) -> np.ndarray:
        tie = 4e-3 * (1 + np.abs(logits).max(-1))
        return loops.margins(base, logits) + tie

    worst = min(
        np.min(margins_of(b, row), initial=np.inf, where=rights[b])
        for b, row in zip(base, logits, strict=True)
    )
    assert found.margin == pytest.approx(worst, rel=0.02, abs=1e-3)


def test_the_pair_that_a_search_reports_has_the_margin_that_it_says(
    subject: Subject, space: Space, loops: Loops
) -> None:
    start = draw_contrasts(space, N_CTX, 60, 0)["structured"]
    found = attack(
        subject, space, start, {ALL: subject.outside}, Budget(64, 16, 8), subsets=True
    )[ALL]
    inputs = [tuple(row) for row in loops.ids.tolist()]
    vocab = list(subject.causal.vocab)  # type: ignore[attr-defined]

    def row(tokens: Any) -> int:
        ids = [subject.causal.bos_id, *(vocab.index(t) for t in tokens)]
        ids += [subject.causal.pad_id] * (N_CTX - len(ids))
        return inputs.index(tuple(ids))

    mask = subject.outside
    if found.edges:
        mask = edge_mask(subject.config.names, found.edges) > 0
        assert not (mask & ~subject.outside).any()
    base = row(found.base)
    logits = loops.patched(base, row(found.donor), found.shift, mask)
    margin = loops.margins(base, logits)[found.position + 1]
    tie = 4e-3 * (1 + np.abs(logits[found.position + 1]).max())
    assert found.margin == pytest.approx(margin + tie, rel=0.02, abs=1e-2)


def test_pairs_of_every_kind_are_what_they_say(space: Space) -> None:
    pairs = draw_contrasts(space, N_CTX, 500, 3)
    assert tuple(pairs) == KINDS
    lengths = np.asarray(space.pool.lengths)
    for some in pairs.values():
        assert (some.shifts >= 0).all() and (some.shifts < N_CTX - 1).all()
        assert 0.2 < (some.shifts == 0).mean() < 0.5
    # Uniform inputs are long ones: 16 of 30 have four tokens.
    assert abs((lengths[pairs["uniform"].base] == N_CTX).mean() - 16 / 30) < 0.08
    base, donor = np.array([0, 1, 2]), np.array([5, 6, 7])
    both = both_ways(space, base, donor, N_CTX, 0)
    assert both.base.tolist() == [0, 1, 2, 5, 6, 7]
    assert both.donor.tolist() == [5, 6, 7, 0, 1, 2]


def test_a_full_certificate_claims_the_worse_of_its_figures(
    subject: Subject, quick: Certificate
) -> None:
    found = quick
    assert found.thorough is not None and found.scope == "quick"
    claims = {claim.name: claim for claim in found.claims}
    name, rate = found.thorough.behaviour.worst
    assert claims["behaviour"].found == rate.share < found.behaviour.share
    assert claims["behaviour"].worst == name
    assert claims["ablations"].found == min(
        *(r.share for n, r in found.thorough.ablations.zero.items() if n != ALL_EDGES),
        *(r.share for r in found.thorough.ablations.mean.values()),
    )
    assert not found.holds
    data = json.loads(json.dumps(found.to_json()))
    assert data["format_version"] == 3
    assert data["thorough"]["behaviour"]["inputs"] == 30
    assert max(map(len, thorough_table(found.thorough))) <= 80
    again = audit_fully(subject, quick=True, pairs=150)
    assert again.to_json() == found.to_json()
    assert "proof" not in data
    certificate = proven(found, subject)
    proof = json.loads(json.dumps(certificate.to_json()))["proof"]
    assert set(proof["edges"]) == set(found.edges)
    assert set(proof["nodes"]) == set(found.nodes)
    assert proof["inputs"] == proof["donors"] == 30
    assert certificate.proof is not None
    lines = proof_table(certificate.proof, found.edges, found.nodes)
    assert any(line.startswith("PROOF") for line in lines)
    assert max(map(len, lines)) <= 80


def test_scores_that_look_at_no_output_are_those_of_plain_loops(
    subject: Subject, space: Space
) -> None:
    names, weights = subject.config.names, subject.weights
    norms = virtual_norms(names, weights)
    row, column = names.readers.index("a0.h0<v>"), names.sources.index("tokens")
    expected = np.sqrt(((weights.W_E @ weights.W_V[0, 0]) ** 2).sum())
    assert norms[row, column] == pytest.approx(expected, rel=1e-5)
    found = giveaways_of(subject, seed=3)
    true = (names.visible & ~subject.outside)[names.visible]
    scores = norms[names.visible]
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(true[order]) / np.arange(1, true.size + 1)
    by_hand = hits[true[order]].mean()
    assert found.controls["weight norm"][0] == pytest.approx(by_hand, abs=2e-3)
    assert true.mean() < found.random < true.mean() + 0.2
    deviations = write_deviations(subject, 3)
    assert deviations[names.sources.index("positions")] == pytest.approx(0, abs=1e-6)
    assert deviations[names.sources.index("tokens")] > 0.1
