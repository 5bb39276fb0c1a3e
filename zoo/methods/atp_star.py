"""AtP*: the QK fix and GradDrop (Kramár et al. 2024, section 3.1).

An effect that two ways bring with opposite signs can vanish in the gradient. So the
gradient is taken once for each layer, with nothing going back through what that layer
writes, and sizes are added up:

    s(u -> v) = mean_i 1/(L - 1) sum_l | (z_u(x') - z_u(x)) . dL_l / dr_v |

where L_l is the loss with the writes of layer l held at their clean values. A reader of
layer l sees no gradient without it, hence L - 1; it is L for edges into the logits,
where the paper, which scores nodes, needs no case. Edges into queries and keys have
the QK fix of `atp.py` in each term. Of one layer nothing can be left out.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Array, Float

from zoo.cases.case import Case
from zoo.cases.running import reader_gradients
from zoo.methods.atp import edge_changes
from zoo.methods.method import method


@method(
    "atp-star",
    paper="Kramár et al. 2024, sec. 3.1",
    equation="mean_l |atp-qk with the gradient through layer l dropped|",
)
def atp_star(case: Case, seed: int) -> Float[np.ndarray, "reader source"]:
    """Return the mean size of each edge's effect with one layer's gradient dropped."""
    parts = list(case.names.reader_parts.values())
    total = np.zeros(case.names.visible.shape)
    counted = np.zeros(len(parts))
    for layer in range(case.config.n_layers):
        dropped = None if case.config.n_layers == 1 else layer
        changes = edge_changes(case, gradients_without(case, dropped))
        total += np.abs(changes).mean(axis=0)
        counted += [dropped is None or part.layer != layer for part in parts]
    return total / counted[:, None] * case.names.visible


def gradients_without(
    case: Case, layer: int | None
) -> Float[Array, "pair reader ctx d_model"]:
    """Return the gradient in what readers see, with one layer's writes held fast."""
    parts = case.names.source_parts.values()
    mask = np.array(
        [layer is not None and part.layer == layer for part in parts], np.float32
    )
    # A node patch with the clean writes changes no value, and lets nothing back.
    held = case.batch._replace(donors=case.batch.writes)
    return reader_gradients(case.machine(), held, mask)
