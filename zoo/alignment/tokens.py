"""What a site holds at the tokens of a case's inputs."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from compiler.machine.forward import forward_batch
from zoo.alignment.places import Place
from zoo.cases.case import Case


def read_tokens(case: Case, place: Place) -> Float[np.ndarray, "token d_model"]:
    """Return what a site holds at every token of the case's clean and corrupt inputs.

    Each input counts once; BOS and PAD are no tokens.
    """
    ids = case.pairs.inputs
    writes = forward_batch(case.transformer, ids).writes
    live = ids != case.config.pad_id
    live[:, 0] = False
    return place.held(writes)[live].astype(np.float32)
