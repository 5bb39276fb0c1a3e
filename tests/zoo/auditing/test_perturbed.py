"""Every figure of an audit, in another arithmetic: other orders of sums, float64."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import programs
import zoo
from compiler.api import compile_model
from compiler.machine.weights import freeze
from compiler.save import save_model
from zoo.auditing import measure
from zoo.auditing.certificate import audit
from zoo.auditing.subject import subject_of

ROOT = Path(__file__).parents[3]
PAIRS = 150


def permuted(subject, seed):
    """The same transformer, its dimensions and hidden units in another order."""
    rng = np.random.default_rng(seed)
    w = {k: np.asarray(a).copy() for k, a in subject.weights._asdict().items()}
    d = rng.permutation(subject.config.d_model)
    h = rng.permutation(subject.config.d_mlp)
    for name in ("W_E", "W_pos", "W_O", "b_O", "W_out", "b_out"):
        w[name] = w[name][..., d]
    for name in ("W_Q", "W_K", "W_V"):
        w[name] = w[name][..., d, :]
    w["W_in"] = w["W_in"][:, d][:, :, h]
    w["b_in"], w["W_out"] = w["b_in"][:, h], w["W_out"][:, h]
    w["W_U"] = w["W_U"][d]
    groups = tuple(
        g if g.directions is None or subject.basis is not None
        else replace(g, directions=g.directions[d])
        for g in subject.groups
    )  # fmt: skip
    basis = None if subject.basis is None else subject.basis[:, d]
    weights = freeze(type(subject.weights)(**w))
    return replace(subject, weights=weights, groups=groups, basis=basis)


def figures(certificate):
    """Every count of a certificate, and every witness."""
    return certificate.to_json()


def compiled(name, **options):
    return compile_model(programs.find(name), **options)


ROTATED = {"vocab": "ab", "max_len": 4, "rotate": 1, "decoys": 1, "seed": 2}
# The last two have the shapes of test_certificate.py: compiled once for both.
MODELS = {
    "has_duplicate": lambda: compiled("has_duplicate", vocab="abc", max_len=4),
    "reverse, rotated": lambda: compiled("reverse", **ROTATED),
    "trained": lambda: zoo.load(str(ROOT / "releases" / "maximum-siit")),
}


@pytest.mark.parametrize("name", MODELS)
def test_another_order_of_sums_changes_no_figure(name, monkeypatch):
    if name == "has_duplicate":
        monkeypatch.setattr(measure, "CHUNK", 64)
    subject = subject_of(MODELS[name]())
    found = audit(subject, pairs=PAIRS)
    assert figures(found) == figures(audit(permuted(subject, 1), pairs=PAIRS))
    if name == "has_duplicate":
        assert sum(f.effect.ties for f in found.circuit) > 0
        assert figures(found) == figures(audit(subject, pairs=PAIRS, threads=2))


def without_close(data):
    """A certificate's JSON without the tolerances: all counts, ties and witnesses."""
    if isinstance(data, dict):
        return {k: without_close(v) for k, v in data.items() if k != "close"}
    return [without_close(v) for v in data] if isinstance(data, list) else data


AUDIT_IN_FLOAT64 = """
import json, sys
import numpy as np, zoo
from dataclasses import replace
from zoo.auditing import measure
from zoo.auditing.certificate import audit
from zoo.auditing.subject import subject_of
measure.CHUNK = 64
subject = subject_of(zoo.load(sys.argv[1]))
weights = type(subject.weights)(*(np.asarray(a, np.float64) for a in subject.weights))
found = audit(replace(subject, weights=weights), pairs=int(sys.argv[2]))
print(json.dumps(found.to_json()))
"""


def test_float64_changes_no_figure(tmp_path, monkeypatch):
    monkeypatch.setattr(measure, "CHUNK", 64)
    model = MODELS["has_duplicate"]()
    folder = save_model(model, tmp_path / "model")
    quickly = {"XLA_FLAGS": os.environ["XLA_FLAGS"], "NPROC": "1"}
    environment = {"JAX_ENABLE_X64": "1", "PATH": "", "JAX_PLATFORMS": "cpu", **quickly}
    done = subprocess.run(
        [sys.executable, "-c", AUDIT_IN_FLOAT64, str(folder), str(PAIRS)],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    expected = audit(model, pairs=PAIRS).to_json()
    assert found["format_version"] == 2
    # A tie that float32 sees near the border of ties is an exact one in float64.
    assert without_close(found) == without_close(json.loads(json.dumps(expected)))
