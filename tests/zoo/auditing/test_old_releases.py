"""Releases of an older writer, which hold no steps, are audited by what they hold.

`tests/old_releases` was written by the first version of the format and is never written
anew: what it says of a circuit, by the names of its variables, has to stay readable.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import zoo
from compiler.passes import plan, schedule, split
from zoo.auditing.agreement import agree
from zoo.auditing.certificate import audit
from zoo.release.build import certificate_bytes

FOLDERS = sorted((Path(__file__).parents[2] / "old_releases").glob("*/"))


def refuse(*given: object) -> None:
    raise AssertionError("the compiler was asked how it divides a program today")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_old_release_is_audited_without_the_planner(folder, monkeypatch):
    for module, name in (
        (plan, "choose_codes"),
        (schedule, "schedule"),
        (split, "split_steps"),
    ):
        monkeypatch.setattr(module, name, refuse)
    model = zoo.load(str(folder))
    assert isinstance(model, zoo.Released)
    assert json.loads((folder / "config.json").read_text())["format_version"] == 1
    assert model.steps is None
    assert any("." in name for name in model.circuit.sites)
    stated = model.certificate
    found = audit(model, pairs=stated.pairs, seed=stated.seed)
    agreed = agree(stated, found, 1).certificate
    assert certificate_bytes(agreed) == (folder / "certificate.json").read_bytes()


def test_there_are_old_releases():
    assert len(FOLDERS) >= 1
