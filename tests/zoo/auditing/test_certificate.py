"""The audit: figures against plain loops, and lies that it has to find."""

from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from scipy import stats

import programs
from compiler.api import compile_model
from compiler.errors import InputError
from compiler.machine.circuit import Circuit
from compiler.machine.names import Edge
from compiler.machine.patch import Patch, edge_mask
from compiler.machine.weights import Weights, freeze
from compiler.save import load_model
from zoo.auditing import chunk, measure
from zoo.auditing.certificate import audit, rate
from zoo.auditing.subject import subject_of
from zoo.auditing.table import table
from zoo.causal.pairs import draw_audit_pairs
from zoo.causal.runs import donor_writes

PAIRS = 150
RELEASES = Path(__file__).parents[3] / "releases"
run_donors = jax.jit(donor_writes)


@pytest.fixture(scope="module")
def model():
    return compile_model(programs.find("reverse"), vocab="ab", max_len=4)


@pytest.fixture(scope="module")
def certificate(model):
    return audit(model, pairs=PAIRS)


@pytest.mark.parametrize("hits, total", [(0, 7), (7, 7), (3, 10), (995, 1000)])
def test_intervals_are_those_of_clopper_and_pearson(hits, total):
    found = rate(hits, total)
    exact = stats.binomtest(hits, total).proportion_ci(method="exact")
    np.testing.assert_allclose((found.low, found.high), exact, atol=1e-8)


def test_a_compiled_model_holds_every_claim(certificate):
    assert certificate.holds, table(certificate)
    assert {f.status for f in certificate.circuit} == {"used"}
    assert len(certificate.circuit) + len(certificate.edges) == 32


def test_the_same_audit_gives_the_same_certificate(model, certificate):
    assert audit(model, pairs=PAIRS).to_json() == certificate.to_json()


@pytest.mark.parametrize("threads", [1, 3])
def test_chunks_and_threads_change_no_figure(model, certificate, monkeypatch, threads):
    monkeypatch.setattr(measure, "CHUNK", 64)
    seen = []
    found = audit(
        model, pairs=PAIRS, threads=threads, progress=lambda *told: seen.append(told)
    )
    assert found.to_json() == certificate.to_json()
    assert seen == [(min(64 * (i + 1), PAIRS), PAIRS) for i in range(3)]


def test_an_audit_without_threads_is_refused(model):
    with pytest.raises(InputError, match="threads is 0; give at least 1"):
        audit(model, pairs=PAIRS, threads=0)


def test_few_inputs_are_audited_on_all_pairs(model):
    subject = subject_of(model)
    found = draw_audit_pairs(subject.causal, 30 * 30, 0)
    assert found.all_inputs and found.all_pairs
    drawn = set(zip(found.base.tolist(), found.donor.tolist(), strict=True))
    assert len(drawn) == len(found.base) == 30 * 30
    assert not draw_audit_pairs(subject.causal, 30 * 30 - 1, 0).all_pairs


def test_effects_are_those_of_a_plain_loop(model, certificate):
    subject = subject_of(model)
    pairs = draw_audit_pairs(subject.causal, PAIRS, 0)
    ids = np.asarray(pairs.pool.ids)
    names = model.config.names
    shifted = run_donors(model.transformer, ids[pairs.donor], pairs.shifts)
    straight = model.run([_tokens(model, ids[i]) for i in pairs.donor]).writes
    clean = np.asarray(model.logits_of(ids[pairs.base])).argmax(-1)
    lengths = np.asarray(pairs.pool.lengths)
    shared = np.minimum(lengths[pairs.base], lengths[pairs.donor])
    where = (np.arange(model.config.n_ctx)[None] < shared[:, None]).astype(np.float32)
    live = np.arange(model.config.n_ctx)[None] < lengths[pairs.base][:, None]
    live[:, 0] = False
    for text, donors in (
        ("m0->a1.h0<q>", straight),
        ("tokens->a1.h0<v>", straight),
        ("tokens->m0", shifted),
    ):
        edge = names.parse_edge(text)
        mask = np.broadcast_to(edge_mask(names, [edge]), (PAIRS, *names.visible.shape))
        patch = Patch.edges(mask, donors, where=where)
        after = np.asarray(model.logits_of(ids[pairs.base], patch)).argmax(-1)
        changed = int(((after != clean) & live).sum())
        found = {f.edge: f.effect for f in certificate.circuit} | certificate.effects
        assert (found[text].hits, found[text].total) == (changed, int(live.sum()))


def _tokens(model, ids):
    vocab = model.typed.vocab
    return [vocab[i] for i in ids if i < len(vocab)]


def test_every_witness_shows_what_it_says(model, certificate):
    names = model.config.names
    for found in certificate.circuit:
        witness = found.witness
        assert witness is not None
        donor = run_donors(
            model.transformer,
            model.encode_batch([list(witness.donor)]),
            np.array([witness.shift]),
        )[0]
        where = np.arange(model.config.n_ctx) <= min(
            len(witness.base), len(witness.donor)
        )
        mask = edge_mask(names, [names.parse_edge(found.edge)])
        patch = Patch.edges(mask, donor, where=where.astype(np.float32))
        base = list(witness.base)
        run = model.run([base], patch=Patch(*(_batched(p) for p in patch)))
        after = model.decode(np.asarray(run.logits)[0, 1 : len(base) + 1])
        assert model(base) == list(witness.before)
        assert after == list(witness.after) != list(witness.before)
        assert after[witness.position] != witness.before[witness.position]


def _batched(part):
    return None if part is None else np.asarray(part)[None]


def test_an_edge_left_out_of_the_claim_is_found(model):
    edges = tuple(e for e in model.circuit.edges if str(e) != "m0->a1.h0<q>")
    lie = replace(model, circuit=_circuit(model, edges))
    found = audit(lie, pairs=PAIRS)
    worst = {c.name: c for c in found.claims}
    assert not found.holds
    assert worst["edges"].worst == "m0->a1.h0<q>" and not worst["edges"].holds
    assert not worst["all edges at once"].holds


def test_an_edge_that_does_nothing_is_not_used_or_is_undetectable(model):
    extra = Edge("tokens", "m1"), Edge("m1", "logits")
    lie = replace(model, circuit=_circuit(model, (*model.circuit.edges, *extra)))
    found = audit(lie, pairs=PAIRS)
    status = {f.edge: f.status for f in found.circuit}
    assert status["tokens->m1"] == "unused"
    assert status["m1->logits"] == "undetectable"  # its source never changes
    assert not found.holds
    assert [c.worst for c in found.claims if not c.holds] == ["tokens->m1"]


def _circuit(model, edges):
    carries = {e: v for e, v in model.circuit.carries.items() if e in edges}
    return Circuit(model.circuit.names, edges, model.circuit.sites, carries)


def test_a_broken_weight_is_found(model):
    W_V = model.weights.W_V.copy()
    W_V[1] = -W_V[1]
    broken = replace(model, weights=freeze(model.weights._replace(W_V=W_V)))
    found = audit(broken, pairs=PAIRS)
    failed = {c.name for c in found.claims if not c.holds}
    assert {"behaviour", "interchange"} <= failed


def test_rotated_models_with_decoys_hold_every_claim():
    model = compile_model(
        programs.find("reverse"), vocab="ab", max_len=4, rotate=1, decoys=1, seed=2
    )
    found = audit(model, pairs=PAIRS)
    assert found.holds, table(found)


def test_the_table_fits_80_columns(certificate):
    lines = table(certificate)
    assert max(len(line) for line in lines) <= 80
    text = "\n".join(lines)
    assert all(f.edge in text for f in certificate.circuit)


# A model with radii: GELU, no LayerNorm, classes ----------------------------------


@pytest.fixture(scope="module")
def learner():
    """Trained, then disturbed, so that patches outside change some outputs."""
    released = load_model(RELEASES / "maximum-siit")
    rng = np.random.default_rng(0)
    noisy = (a + 0.1 * rng.standard_normal(a.shape) for a in released.weights)
    arrays = (np.asarray(array, np.float32) for array in noisy)
    return replace(released, weights=freeze(Weights(*arrays)))


@pytest.fixture(scope="module")
def learner_certificate(learner):
    return audit(learner, pairs=PAIRS)


def test_radii_change_no_figure_and_no_witness(
    learner, learner_certificate, monkeypatch
):
    subject = subject_of(learner)
    given = subject.transformer, subject.readout
    assert chunk.curvature_of(*given) is not None
    monkeypatch.setattr(chunk, "curvature_of", lambda *given: None)
    assert audit(learner, pairs=PAIRS).to_json() == learner_certificate.to_json()


def test_effects_in_a_learner_are_those_of_a_plain_loop(learner, learner_certificate):
    pairs = draw_audit_pairs(subject_of(learner).causal, PAIRS, 0)
    ids, names = np.asarray(pairs.pool.ids), learner.config.names
    straight, shifted = (
        run_donors(learner.transformer, ids[pairs.donor], shifts)
        for shifts in (0 * pairs.shifts, pairs.shifts)
    )
    clean = np.asarray(learner.logits_of(ids[pairs.base])).argmax(-1)
    lengths = np.asarray(pairs.pool.lengths)
    shared = np.minimum(lengths[pairs.base], lengths[pairs.donor])
    places = np.arange(learner.config.n_ctx)[None]
    where = (places < shared[:, None]).astype(np.float32)
    live = (places < lengths[pairs.base][:, None]) & (places > 0)
    inside = {f.edge: f.effect for f in learner_certificate.circuit}
    found = inside | learner_certificate.effects
    assert any(f.hits for f in learner_certificate.effects.values())
    for text in list(found)[::9]:
        edge = names.parse_edge(text)
        mask = np.broadcast_to(edge_mask(names, [edge]), (PAIRS, *names.visible.shape))
        donors = straight if text in inside else shifted
        patch = Patch.edges(mask, donors, where=where)
        after = np.asarray(learner.logits_of(ids[pairs.base], patch)).argmax(-1)
        changed = int(((after != clean) & live).sum())
        if text in inside and not changed:
            continue  # shown with shifted positions, if at all
        assert (found[text].hits, found[text].total) == (changed, int(live.sum()))


def test_weights_that_are_no_numbers_have_no_radii(learner):
    b_U = learner.weights.b_U.copy()
    b_U[0] = -np.inf
    broken = replace(learner, weights=freeze(learner.weights._replace(b_U=b_U)))
    subject = subject_of(broken)
    given = subject.transformer, subject.readout
    assert chunk.curvature_of(*given) is None
    assert not audit(broken, pairs=PAIRS).holds


def test_a_token_that_is_no_number_spoils_no_other_input(learner, monkeypatch):
    W_E = learner.weights.W_E.copy()
    W_E[0] = np.nan
    broken = replace(learner, weights=freeze(learner.weights._replace(W_E=W_E)))
    found = audit(broken, pairs=PAIRS)
    monkeypatch.setattr(measure, "CHUNK", 64)
    assert audit(broken, pairs=PAIRS).to_json() == found.to_json()
