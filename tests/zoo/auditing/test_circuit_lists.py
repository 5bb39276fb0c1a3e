"""Minimal circuits in a certificate, and how each edge is used."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

import zoo
from compiler.notation import parse
from zoo.auditing.agreement import agree
from zoo.auditing.certificate import VERSION, Certificate, audit, with_circuits
from zoo.auditing.circuit_lists import EdgeUse, find_circuit_lists
from zoo.auditing.edge_sets import EdgeSets
from zoo.auditing.subject import Subject, subject_of
from zoo.cases.truth import truth_of
from zoo.causal.pairs import draw_audit_pairs
from zoo.release.build import certificate_bytes
from zoo.release.documents import CERTIFICATE_DOCUMENT
from zoo.release.statements import _uses

MAIN = ["positions->a0.h0<k>", "tokens->a0.h0<v>", "a0.h0->m0", "m0->logits"]
BACKUP = [edge.replace("h0", "h1") for edge in MAIN]


def audited(name: str) -> tuple[Subject, Certificate]:
    subject = subject_of(zoo.compile(name, max_len=3))
    found = audit(subject, pairs=100)
    lists = find_circuit_lists(subject, found.circuit, pairs=100)
    return subject, with_circuits(found, lists, subject.claims)


@pytest.fixture(scope="module")
def backup() -> tuple[Subject, Certificate]:
    return audited("first_with_backup")


@pytest.mark.parametrize("ablation", ["resample", "mean", "zero"])
def test_the_list_is_what_enumeration_of_all_sets_gives(backup, ablation):
    subject, certificate = backup
    found = certificate.circuits.lists[ablation]
    sets = EdgeSets(subject, draw_audit_pairs(subject.causal, 100, 0), ablation)
    every = [
        frozenset(some)
        for size in range(len(sets.edges) + 1)
        for some in itertools.combinations(sets.edges, size)
    ]
    enough = [some for some in every if sets.kept(some).share == 1.0]
    minimal = {s for s in enough if not any(other < s for other in enough)}
    assert {frozenset(one.edges) for one in found.sufficient} == minimal
    assert all(one.kept.share == 1.0 for one in found.sufficient)
    assert found.complete and found.alternatives.exhaustive
    tests = [one.minimal for one in found.sufficient]
    assert all(test.exhaustive and test.right == test.total for test in tests)


def test_a_backup_is_in_a_minimal_circuit_only_where_the_first_is_knocked_out(backup):
    lists = backup[1].circuits.lists
    assert lists["resample"].union == set(MAIN)
    assert set(BACKUP) == set(lists["zero"].sufficient[1].edges)
    assert lists["mean"].union > {"a0.h0->m0", "a0.h1->m0"}
    uses = backup[1].circuits.uses
    assert {edge for edge, use in uses.items() if use.kind == "alone"} == set(MAIN)
    assert uses["positions->a0.h1<k>"].ablation == "zero"


def test_every_edge_of_a_backup_counts_as_used(backup):
    _, certificate = backup
    assert certificate.holds
    without = with_circuits(replace(certificate, circuits=None), None, {})
    assert [f.edge for f in without.circuit if f.status == "unused"]
    truth = truth_of(backup[0].config.names, certificate)
    assert set(map(str, truth.known)) == {*MAIN, *BACKUP}
    assert all(known.status == "used" for known in truth.known.values())


def test_doubt_shrinks_the_lead_and_leaves_the_answer():
    subject, certificate = audited("first_against_doubt")
    circuits = certificate.circuits
    assert circuits is not None
    uses = circuits.uses
    doubt = [uses[edge] for edge in BACKUP[:-1]]
    assert all(use.kind == "on the gap" and (use.gap or 0.0) > 1.0 for use in doubt)
    assert all(uses[edge] == EdgeUse("alone", None, None) for edge in MAIN)
    assert all(found.union <= set(MAIN) for found in circuits.lists.values())
    assert certificate.holds and subject.claims["circuit edges used"] == 1.0


def test_lists_are_written_read_and_agree_with_themselves(backup):
    _, certificate = backup
    data = certificate_bytes(certificate)
    read = CERTIFICATE_DOCUMENT.read(parse(data, "certificate.json"))
    assert certificate_bytes(read) == data
    assert agree(certificate, certificate, VERSION).certificate == certificate
    assert not list(_uses(certificate))


def test_a_certificate_from_before_lists_is_measured_without_them(backup):
    subject, certificate = backup
    old = audit(subject, pairs=100)
    assert old.circuits is None and not old.holds
    assert agree(old, certificate, VERSION).certificate == old


@pytest.mark.parametrize(
    ("edge", "use"),
    [
        ("a0.h0->m0", EdgeUse("none", None, None)),
        ("a0.h1->m0", EdgeUse("alone", None, None)),
        ("a0.h1->m0", EdgeUse("in a minimal circuit", "resample", None)),
        ("a0.h1->m0", EdgeUse("on the gap", None, 5.0)),
    ],
)
def test_a_use_that_the_lists_do_not_give_is_found(backup, edge, use):
    circuits = backup[1].circuits
    changed = replace(circuits, uses={**circuits.uses, edge: use})
    found = list(_uses(replace(backup[1], circuits=changed)))
    assert found and all(edge in difference.place for difference in found)


def test_a_model_whose_edges_all_have_an_effect_gets_no_lists(backup):
    subject, certificate = backup
    used = [finding for finding in certificate.circuit if finding.status == "used"]
    assert find_circuit_lists(subject, used) is None
