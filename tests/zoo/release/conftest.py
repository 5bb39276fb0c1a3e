"""A small release, a cache of the test's own, and no connection but to this machine."""

from __future__ import annotations

import pytest

import zoo
from compiler.model import Model
from tests.zoo.release.hubs import serving
from zoo.auditing.certificate import Certificate, Claim, EdgeFinding, Rate, Witness
from zoo.release.build import Draft, release_files
from zoo.release.shelf import add

ALL = Rate(10, 10, 0.7, 1.0)


def made_up(model: Model) -> Certificate:
    """Return a certificate with every part, at once: these tests measure no model."""
    tokens = model.typed.vocab[:2]
    witness = Witness(tokens, tokens[::-1], 0, 0, tokens[::-1], tokens)
    findings = (
        EdgeFinding(str(edge), carried, "used", ALL, ALL, witness)
        for edge, carried in model.circuit.carries.items()
    )
    outside = {str(edge): ALL for edge in model.circuit.complement()[:2]}
    names = "behaviour", "interchange", "nodes", "edges", "all edges at once"
    return Certificate(
        model=model.name,
        seed=0,
        inputs=14,
        all_inputs=True,
        pairs=30,
        all_pairs=False,
        behaviour=ALL,
        interchange={model.output: ALL},
        nodes={"m1": ALL},
        circuit=tuple(findings),
        edges=outside,
        effects=outside,
        all_edges=ALL,
        claims=tuple(Claim(name, "", 1.0, 0.99) for name in names),
    )


@pytest.fixture(scope="session")
def reverse_files() -> dict[str, bytes]:
    """The files of a small release, `small-reverse`."""
    model = zoo.compile("reverse", vocab=list("ab"), max_len=3)
    return release_files(Draft("small-reverse", 1, model, made_up(model)))


@pytest.fixture
def small(tmp_path, reverse_files):
    """The folder of `small-reverse`, on a shelf of its own."""
    folder, _ = add(tmp_path / "shelf", "small-reverse", 1, reverse_files)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Nothing of the user's, and nothing set."""
    monkeypatch.setenv("CIRCUITZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("CIRCUITZOO_INDEX", raising=False)
    monkeypatch.setattr("zoo.release.fetch.PAUSE", 0.0)
    return tmp_path / "cache"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    from huggingface_hub import constants

    # What huggingface_hub remembers of a Hub is no business of the user's own cache.
    monkeypatch.setattr(constants, "AGENT_HARNESSES_PATH", str(tmp_path / "known"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.setenv("HF_TOKEN", "hf_nobody")
    with serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        yield hub
