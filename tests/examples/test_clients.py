"""The scripts of `examples/clients` run on saved models, and what they assert holds.

Each compares what a tool gives with what the model gives here. No model is trained: all
have random weights, and prompts whose answers end.
"""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

import zoo
from compiler.families import FAMILIES
from compiler.machine.circuit import Circuit, Site
from compiler.model import Model
from compiler.save import save_model
from tests.compiler.interchange.models import language_model, needs, untrained

CLIENTS = Path(__file__).parents[2] / "examples/clients"
pytestmark = pytest.mark.slow


def needs_client(name: str) -> None:
    """Skip a test where a package of the `clients` extra is not installed."""
    needs("transformers")
    if os.environ.get("CIRCUITZOO_CLIENTS") == "1":
        importlib.import_module(name)
    reason = f"no {name}: make test CLIENTS=1 installs it"
    pytest.importorskip(name, reason=reason, exc_type=ImportError)


def with_sites(family: str) -> Model:
    """A language model with a variable in a head, and one in an MLP."""
    options = dict(FAMILIES[family].options)
    if "n_kv_heads" in options:
        options["n_kv_heads"] = 1
    model = language_model(**options)
    sites = {"previous_token": Site("a0.h1"), "next_token": Site("m1")}
    return replace(model, circuit=Circuit(model.config.names, (), sites, {}))


@pytest.fixture(scope="module")
def llama(tmp_path_factory) -> tuple[str, list[str]]:
    """A folder, and two prompts of as many words; the first one's answer ends."""
    return saved(with_sites("llama"), tmp_path_factory.mktemp("clients") / "llama")


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory) -> tuple[str, list[str]]:
    return saved(with_sites("gpt2"), tmp_path_factory.mktemp("clients") / "gpt2")


def saved(model: Model, folder: Path) -> tuple[str, list[str]]:
    words = [word for word in model.words if word not in ("EOS", "[BOS]", "[PAD]")]
    prompts = [[a, b, c] for a in words for b in words for c in words[:3]]
    room = model.config.n_ctx - 1 - 3
    for prompt, made in zip(prompts, model.generate(prompts, room), strict=True):
        if 0 < len(made) < room and set(made) <= set(words):
            other = prompts[-1] if prompt != prompts[-1] else prompts[0]
            save_model(model, folder)
            return str(folder), [" ".join(prompt), " ".join(other)]
    raise AssertionError("no answer of this model ends")


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a script with arguments, and return the lines that it prints."""

    def run_script(name: str, *arguments: str) -> list[str]:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(CLIENTS / name), run_name="__main__")
        return capsys.readouterr().out.splitlines()

    return run_script


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_transformers_generates_what_the_model_does(run, request, family):
    needs("transformers")
    folder, prompts = request.getfixturevalue(family)
    assert run("with_transformers.py", folder, prompts[0])[-1]


def test_transformers_sorts_with_the_release(run, monkeypatch):
    needs("transformers")
    monkeypatch.chdir(CLIENTS.parents[1])
    assert run("with_transformers.py")[-1] == "1 2 3"


@pytest.mark.parametrize("family", ["gpt2", "bert"])
def test_transformers_labels_as_the_model_does(run, tmp_path, family):
    needs("transformers")
    model = untrained(**FAMILIES[family].options, causal=family == "gpt2")
    save_model(model, tmp_path / "saved")
    labels = run("with_labels.py", str(tmp_path / "saved"), "a d b")[-1].split()
    assert len(labels) == 3


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_transformer_lens_attributes_as_a_gradient_here(run, request, family):
    needs("transformer_lens")
    if version("transformer_lens") < "4":
        pytest.skip("TransformerLens 3 has no attribution patching")
    folder, prompts = request.getfixturevalue(family)
    assert len(run("with_transformer_lens.py", folder, *prompts)) >= 5


def test_nnsight_patches_as_the_model_does(run, llama):
    needs_client("nnsight")
    before, after = run("with_nnsight.py", llama[0], *llama[1])[-2:]
    assert before and after


@pytest.mark.parametrize("variable", ["previous_token", "next_token"])
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_pyvene_interchanges_as_the_model_does(run, request, family, variable):
    needs_client("pyvene")
    folder, prompts = request.getfixturevalue(family)
    assert len(run("with_pyvene.py", folder, *prompts, variable)) >= 2


def test_sae_lens_trains_on_the_stream(run, llama):
    needs_client("sae_lens")
    run("with_sae_lens.py", llama[0], "100")


def test_captum_integrates_gradients_as_we_do(run, tmp_path):
    needs("transformer_lens"), needs_client("captum")
    save_model(zoo.compile("reverse", ["a", "b"], 3), tmp_path / "saved")
    (auroc,) = run("with_captum.py", str(tmp_path / "saved"), "4")[-1:]
    assert 0.5 <= float(auroc) <= 1


def test_inseq_has_the_gradients_that_we_have(run):
    reason = "no Inseq: pip install 'circuitzoo[inseq]' in an environment of its own"
    pytest.importorskip("inseq", reason=reason, exc_type=ImportError)
    assert run("with_inseq.py")[-1] == "1.000"


def test_eap_ig_scores_edges_as_a_gradient_here(run, llama):
    needs("transformer_lens")
    reason = "no EAP-IG: pip install git+https://github.com/hannamw/EAP-IG"
    pytest.importorskip("eap.attribute", reason=reason, exc_type=ImportError)
    assert len(run("with_eap_ig.py", llama[0], *llama[1])) >= 10
