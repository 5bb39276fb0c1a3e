"""What a site holds at the tokens of a case's inputs, or of others."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from compiler.errors import InputError
from compiler.machine.forward import forward_batch
from zoo.alignment.places import Place
from zoo.cases.case import Case

_CHUNK = 4_096  # inputs that run at a time
TokenIds = Int[np.ndarray, "input ctx"]


def check_inputs(case: Case, inputs: TokenIds | None) -> TokenIds:
    """Return token ids of inputs: those given, or those of the case's pairs.

    Raises:
        InputError: they are no token ids of this model.
    """
    if inputs is None:
        return case.pairs.inputs
    config = case.config
    wide = inputs.ndim == 2 and inputs.shape[1] == config.n_ctx and len(inputs) > 0
    if not wide or inputs.min() < 0 or inputs.max() >= config.d_vocab:
        raise InputError(
            f"inputs: found the shape {inputs.shape}, expected token ids [input, "
            f"{config.n_ctx}] of 0 to {config.d_vocab - 1}. Give what "
            "model.encode_batch(..) returns"
        )
    return inputs


def read_tokens(
    case: Case, place: Place, inputs: TokenIds | None = None
) -> Float[np.ndarray, "token d_model"]:
    """Return what a site holds at every token of some inputs.

    Each input counts once; BOS and PAD are no tokens.

    Args:
        case: the model.
        place: the site.
        inputs: token ids; the clean and corrupt inputs of the case if None.
    """
    ids = check_inputs(case, inputs)
    live = ids != case.config.pad_id
    live[:, 0] = False
    found = []
    for start in range(0, len(ids), _CHUNK):
        part = slice(start, start + _CHUNK)
        writes = forward_batch(case.transformer, ids[part]).writes
        found.append(place.held(writes)[live[part]].astype(np.float32))
    return np.concatenate(found)
