"""From a model and its audit to the files of a release, as bytes.

The bytes are a function of the model, its audit and its history: building twice gives
the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from compiler.errors import InputError
from compiler.families import family_of
from compiler.machine.weights import Weights
from compiler.model import Model
from compiler.notation import render
from compiler.save import to_files
from compiler.sealed import CIRCUIT, SUMS, digest, sums_of
from compiler.tensors import tensors_to_bytes
from zoo.auditing.certificate import Certificate
from zoo.causal.model import Task
from zoo.release.annotate import annotation
from zoo.release.card import card
from zoo.release.data import data_files
from zoo.release.fields import (
    CARD,
    CERTIFICATE,
    CROISSANT,
    FORMAT,
    HISTORY,
    PICTURE,
    RECIPE,
    RELEASE,
    SOURCE,
    TWIN,
    VERSION,
)
from zoo.release.history import history_to_parquet

_HEADER = "# What the model computes. Nothing runs this file when a release is loaded\n"


@dataclass(frozen=True)
class Draft:
    """What a release is made of.

    Attributes:
        name: lower-case letters, digits, `-`, `_` and `.`.
        version: from 1; a published version never changes.
        model: the model.
        certificate: its audit.
        recipe: text of the recipe it was trained by; "" for a compiled one.
        history: the checks of its training; empty for a compiled one.
        causal: the model's task, where that is none of the zoo.
        twin: weights of the natural twin: a model of the same shape, trained on
            behaviour alone; None if there is none.
    """

    name: str
    version: int
    model: Model
    certificate: Certificate
    recipe: str = ""
    history: Sequence[Mapping[str, Any]] = ()
    causal: Task | None = None
    twin: Weights | None = None


def release_files(draft: Draft, *, claims_failed: bool = False) -> dict[str, bytes]:
    """Return the contents of a release's files, by their names in its folder.

    Args:
        draft: what it is made of.
        claims_failed: whether it may be published though claims of its audit fail. Its
            card says so then, and so do lists of releases.

    Raises:
        InputError: a claim of the certificate fails: it is not to be published.
    """
    if claims_failed:
        return make_files(draft)
    failed = [claim for claim in draft.certificate.claims if not claim.holds]
    if failed:
        said = ", ".join(
            f"{c.name} {c.worst} {c.found:.4f}, at least {c.at_least:g}" for c in failed
        )
        raise InputError(
            f"{draft.name}: its audit fails ({said}), so it is not published. Train "
            "it longer or with another seed, or publish it with --claims-failed "
            "(claims_failed=True in Python): then its card says that it fails"
        )
    return make_files(draft)


def make_files(draft: Draft) -> dict[str, bytes]:
    """Return what `release_files` does, whether the claims hold or not.

    This is what `zoo verify` compares a release with.
    """
    model, certificate = draft.model, draft.certificate
    files = to_files(model)
    del files[SUMS]
    circuit = json.loads(files[CIRCUIT])
    files[CIRCUIT] = render({**circuit, "annotation": annotation(model, certificate)})
    files[CERTIFICATE] = certificate_bytes(certificate)
    twin = draft.twin is not None
    said = {RECIPE: draft.recipe, HISTORY: draft.history}
    training = [name for name, content in said.items() if content]
    about = card(draft.name, draft.version, model, certificate, twin, training)
    files[CARD] = about.encode()
    files[PICTURE] = model.picture().svg.encode()
    files[SOURCE] = (_HEADER + "\n" + str(model.facts.get("source", ""))).encode()
    files.update(data_files(model, causal=draft.causal))
    if draft.recipe:
        files[RECIPE] = draft.recipe.encode()
    if draft.history:
        files[HISTORY] = history_to_parquet(draft.history)
    if draft.twin is not None:
        files[TWIN] = tensors_to_bytes(draft.twin, model.config)
    files[RELEASE] = render(summary(draft))
    files[CROISSANT] = render(croissant(draft.name, draft.version, files))
    return {**files, SUMS: sums_of(files)}


def certificate_bytes(certificate: Certificate) -> bytes:
    """Return certificate.json."""
    return (json.dumps(certificate.to_json(), indent=1) + "\n").encode()


def summary(draft: Draft) -> dict[str, Any]:
    """Return what a list of releases says of this one."""
    model, config = draft.model, draft.model.config
    return {
        "format": FORMAT,
        "format_version": VERSION,
        "name": draft.name,
        "version": draft.version,
        "kind": str(model.facts.get("kind", "compiled")),
        "program": model.name,
        "meaning": str(model.facts.get("meaning", "")),
        "layers": config.n_layers,
        "heads": config.n_heads,
        "d_model": config.d_model,
        "parameters": config.n_params,
        "variables": len([n for n in model.circuit.sites if n not in _GIVEN]),
        "edges": len(model.circuit.edges),
        "of_edges": len(config.names.edges),
        "pairs": draft.certificate.pairs,
        "claims": {c.name: c.found for c in draft.certificate.claims},
        **_audited(draft.certificate),
        **_architecture(draft.model),
    }


def _audited(certificate: Certificate) -> dict[str, str]:
    """Return what audit there was; releases of earlier versions say nothing of it."""
    return {} if certificate.scope == "sample" else {"audit": certificate.scope}


def _architecture(model: Model) -> dict[str, str]:
    """Return which architecture of Hugging Face transformers a model has, if one."""
    family = family_of(model.config, model.writes_tokens)
    return {} if family is None else {"architecture": family.name}


_GIVEN = ("tokens", "positions")


def croissant(name: str, version: int, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the metadata of the data in the Croissant vocabulary, version 1.0."""
    listed = [
        {
            "@type": "cr:FileObject",
            "@id": path,
            "name": path,
            "contentUrl": path,
            "encodingFormat": "application/x-parquet",
            "sha256": digest(data),
        }
        for path, data in sorted(files.items())
        if path.startswith("data/")
    ]
    return {
        "@context": {
            "@vocab": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/",
            "sc": "https://schema.org/",
            "dct": "http://purl.org/dc/terms/",
            "conformsTo": "dct:conformsTo",
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "version": f"{version}.0.0",
        "license": "https://www.apache.org/licenses/LICENSE-2.0",
        "description": "Pairs of inputs with the outputs of the program, and what "
        "differs between them.",
        "distribution": listed,
    }
