"""The files of a saved model, to be compared with those of another."""

from __future__ import annotations

import json
from collections.abc import Mapping

from safetensors.numpy import load as load_tensors

from compiler.save import CIRCUIT, CONFIG, PROGRAM, WEIGHTS


def normal_files(contents: Mapping[str, bytes]) -> dict[str, str]:
    """Return files in a form in which the order of sets does not show.

    A release's annotation is left out: a model that is loaded does not hold it.
    """
    found = {n: json.loads(contents[n]) for n in (CONFIG, CIRCUIT, PROGRAM)}
    found[CIRCUIT].pop("annotation", None)
    for circuit in (found[CIRCUIT]["circuit"], found[CIRCUIT]["beside"]):
        if circuit is not None:
            circuit["edges"].sort()
            circuit["carries"] = {k: v for k, v in circuit["carries"].items() if v}
    tensors = load_tensors(contents[WEIGHTS])
    weights = {n: a.tobytes().hex() for n, a in sorted(tensors.items())}
    texts = {n: json.dumps(d, sort_keys=True) for n, d in found.items()}
    return {**texts, WEIGHTS: json.dumps(weights)}
