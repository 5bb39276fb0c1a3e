"""What a stated certificate may say otherwise than a measured one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compiler.notation import parse
from zoo.auditing.agreement import agree
from zoo.auditing.certificate import (
    Certificate,
    EdgeFinding,
    Rate,
    claims_of,
    rate,
)
from zoo.auditing.proof.agreement import is_near_proof
from zoo.auditing.proof.figures import Proof, ProofMethod
from zoo.release.build import certificate_bytes
from zoo.release.documents import CERTIFICATE_DOCUMENT

LEAST: dict[str, float] = dict.fromkeys(
    ("behaviour", "interchange", "nodes", "edges", "all edges at once"), 0.9
)


def certificate(effect: Rate) -> Certificate:
    """Return a certificate of one edge inside and one outside."""
    behaviour = rate(990, 1000)
    outside = rate(5, 1000)
    status = "used" if effect.low > outside.share else "unused"
    circuit = (EdgeFinding("m0->logits", ("x",), status, effect, behaviour, None),)
    right = {"x": behaviour}
    claims = claims_of(LEAST, behaviour, right, right, right, behaviour, circuit)
    return Certificate(
        "made up", 0, 10, True, 100, True, behaviour, right, right, circuit, right,
        {"m1->logits": outside}, behaviour, claims,
    )  # fmt: skip


def test_exact_figures_have_to_be_equal():
    stated, measured = certificate(rate(300, 1000)), certificate(rate(301, 1000))
    found = agree(stated, measured, 2)
    assert found.certificate == measured != stated
    assert found.tolerated == () and found.exact == 8


def test_the_last_digit_of_an_interval_is_the_librarys():
    measured = certificate(rate(300, 1000))
    for off, good in ((1e-9, True), (1e-8, False)):
        effect = rate(300, 1000)
        stated = certificate(replace(effect, low=round(effect.low + off, 9)))
        assert (agree(stated, measured, 2).certificate == stated) == good


def test_a_figure_may_be_off_by_what_lies_close_to_a_tie():
    measured = certificate(rate(300, 1000, 4, 3))
    for hits, good in ((297, True), (303, True), (296, False), (304, False)):
        stated = certificate(rate(hits, 1000, 4, 2))
        found = agree(stated, measured, 2)
        assert (found.certificate == stated) == good
        (one,) = found.tolerated
        assert (one.stated, one.measured, one.tolerance) == (hits, 300, 3)


def test_a_stated_tolerance_is_not_believed():
    measured = certificate(rate(300, 1000, 4, 3))
    stated = certificate(rate(500, 1000, 4, 600))
    assert agree(stated, measured, 2).certificate != stated
    stated = certificate(rate(300, 1000, 4, 600))
    assert agree(stated, measured, 2).certificate != stated


def test_who_did_not_count_ties_may_have_counted_them_either_way():
    measured = certificate(rate(300, 1000, 40))
    assert agree(certificate(rate(340, 1000)), measured, 1).certificate == certificate(
        rate(340, 1000)
    )
    assert agree(certificate(rate(341, 1000)), measured, 1).certificate == measured
    assert agree(certificate(rate(340, 1000)), measured, 2).certificate == measured


def test_what_follows_from_a_figure_follows_from_the_stated_one():
    measured = certificate(rate(20, 1000, 15, 0))
    stated = certificate(rate(6, 1000))
    assert (measured.circuit[0].status, stated.circuit[0].status) == ("used", "unused")
    assert agree(stated, measured, 1).certificate == stated
    lie = replace(stated, claims=measured.claims)
    assert agree(lie, measured, 1).certificate != lie


@pytest.mark.parametrize("ties", [(0, 0), (3, 0), (0, 2)])
def test_ties_are_written_and_read(ties):
    made = certificate(rate(300, 1000, *ties))
    data = certificate_bytes(made)
    assert (b'"ties"' in data) == (b'"format_version": 2' in data) == any(ties)
    assert CERTIFICATE_DOCUMENT.read(parse(data, "certificate.json")) == made


def test_a_proof_agrees_with_itself_and_with_a_rounded_count_alone():
    method = ProofMethod(seed=0, slack=1e-3, cells=64)
    said = Proof(
        inputs=100,
        all_inputs=False,
        donors=500,
        shifts=3,
        positions=2000,
        edges={"tokens->m0": rate(1500, 2000)},
        edges_without_cells={"tokens->m0": 1400},
        nodes={"m0": rate(0, 2000)},
        whole_inputs=rate(7, 100),
        method=method,
    )
    assert is_near_proof(said, said)
    near = replace(said, edges={"tokens->m0": rate(1502, 2000)})
    assert is_near_proof(near, said)
    for other in (
        replace(said, edges={"tokens->m0": rate(1503, 2000)}),
        replace(said, edges={"tokens->m1": rate(1500, 2000)}),
        replace(said, edges_without_cells={"tokens->m0": 1410}),
        replace(said, nodes={}),
        replace(said, whole_inputs=rate(9, 100)),
        replace(said, donors=501),
        replace(said, method=replace(method, slack=1e-4)),
    ):
        assert not is_near_proof(other, said)
