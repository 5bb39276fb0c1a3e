"""Runs of a model that its page shows: attention, and edges patched by degrees.

The model is run, its numbers are data; nothing that the release holds as text is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from compiler.errors import ZooError
from compiler.lower.readout import decode_logits
from compiler.machine.forward import attention_patterns
from compiler.machine.patch import edge_mask
from compiler.model import Model
from compiler.rasp.values import Value
from zoo.auditing.certificate import Certificate
from zoo.auditing.findings import EdgeFinding
from zoo.release.runs import patched_logits

DEGREES = (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)
"""The shares of an edge's change at which its witness is run."""
EXAMPLES = 2
"""Inputs whose attention is recorded."""


@dataclass(frozen=True, eq=False)
class Attention:
    """The attention patterns of a model on one input.

    Attributes:
        tokens: the input.
        patterns: [layer, head, query, key]; keys are BOS and the tokens, queries the
            tokens.
    """

    tokens: tuple[Value, ...]
    patterns: Float[np.ndarray, "layer head seq key"]


@dataclass(frozen=True)
class Degrees:
    """What a model gives for an edge's witness, the edge patched by degrees.

    Attributes:
        edge: `source->reader`.
        outputs: the outputs at each of `DEGREES`; the first and the last are those
            that the certificate states.
    """

    edge: str
    outputs: tuple[tuple[Value, ...], ...]


def record_degrees(model: Model, certificate: Certificate) -> list[Degrees]:
    """Return the outputs for every witness of the circuit, its edge patched by degrees.

    Reader r sees `write + degree * (donor - write)` through the edge. Witnesses that
    the model does not take are left out.
    """
    found = [f for f in certificate.circuit if _usable(model, f)]
    inner = DEGREES[1:-1]
    if not found:
        return []
    logits = _patched(model, found, inner)
    return [
        Degrees(f.edge, _outputs(model, f, rows))
        for f, rows in zip(found, logits, strict=True)
    ]


def _usable(model: Model, finding: EdgeFinding) -> bool:
    """Return whether a witness is there, and is one of this model."""
    witness = finding.witness
    if witness is None or finding.edge not in set(map(str, model.config.names.edges)):
        return False
    sizes = {len(witness.base), len(witness.before), len(witness.after)}
    try:
        model.encode_batch([list(witness.base), list(witness.donor)])
    except ZooError:
        return False
    return len(sizes) == 1 and 0 <= witness.shift < max(model.config.n_ctx - 1, 1)


def _patched(
    model: Model, found: Sequence[EdgeFinding], degrees: Sequence[float]
) -> Float[np.ndarray, "edge degree ctx class"]:
    """Return the logits of witnesses at some degrees."""
    rows = [(f, f.witness, d) for f in found if f.witness for d in degrees]
    base = model.encode_batch([list(w.base) for _, w, _ in rows])
    donor = model.encode_batch([list(w.donor) for _, w, _ in rows])
    shifts = np.array([w.shift for _, w, _ in rows], np.int32)
    names = model.config.names
    masks = np.stack([d * edge_mask_of(names, f.edge) for f, _, d in rows])
    logits = patched_logits(model, base, donor, shifts, masks)
    return logits.reshape(len(found), len(degrees), *logits.shape[1:])


def edge_mask_of(names: Any, edge: str) -> Float[np.ndarray, "reader source"]:
    """Return the mask of one edge, as float32."""
    return np.asarray(edge_mask(names, [edge]), np.float32)


def _outputs(
    model: Model, finding: EdgeFinding, logits: Float[np.ndarray, "degree ctx class"]
) -> tuple[tuple[Value, ...], ...]:
    """Return outputs by degree; the ends are what the certificate states."""
    witness = finding.witness
    assert witness is not None
    size = len(witness.base)
    inner = [tuple(decode_logits(model.readout, row[1 : size + 1])) for row in logits]
    return (tuple(witness.before), *inner, tuple(witness.after))


def record_attention(
    model: Model, inputs: Sequence[Sequence[Value]]
) -> list[Attention]:
    """Return the attention patterns on some inputs, in a run without a patch."""
    kept = [tuple(tokens) for tokens in inputs][:EXAMPLES]
    if not kept:
        return []
    ids = model.encode_batch([list(tokens) for tokens in kept])
    short = EXAMPLES - len(ids)  # one shape, so that one compiled function serves
    ids = np.concatenate([ids, np.repeat(ids[:1], short, axis=0)])
    patterns = np.asarray(attention_patterns(model.transformer, jnp.asarray(ids)))
    return [
        Attention(t, patterns[row, :, :, 1 : len(t) + 1, : len(t) + 1])
        for row, t in enumerate(kept)
    ]
