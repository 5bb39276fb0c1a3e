"""The weights of a transformer that computes many ANDs with few neurons.

What each part of it does:

    layer 0, head   a question sees which literals there are. BOS takes nearly all
                    attention, SINK times that of a literal, so that a literal counts
                    1 / (SINK + m), and times SINK nearly 1, however many (m) there are
    layer 0, MLP    relu(sum of the inputs in S_i - 1), one dimension a neuron
    layer 1, head   a question compares the neurons that serve it with a threshold; it
                    attends to questions if the reading is above, and else to BOS
    layer 1, MLP    nothing
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from compiler.machine.config import Config
from compiler.machine.weights import Weights
from compiler.superposed.layout import StreamLayout
from compiler.superposed.sets import NeuronSets

SINK = 2.0**16
"""How much more than a literal BOS is attended to, in the first layer."""
SHARP = 24.0
"""The attention logit of a reading that is as far from the threshold as the bound."""
FAR = 64.0
"""The attention logit, negated, of what must not be attended to; and more where what is
read could be as large."""
LOUD = 8.0
"""Half the difference of the two logits."""


def make_config(sets: NeuronSets, sparsity: int) -> Config:
    """Return the shape of the transformer."""
    vocabulary = sets.n_inputs + len(sets.pairs)
    return Config(
        n_layers=2,
        n_heads=1,
        d_model=StreamLayout(sets.n_inputs, sets.d_mlp).d_model,
        d_head=sets.d_mlp + 2,
        d_mlp=sets.d_mlp,
        d_vocab=vocabulary + 2,
        d_vocab_out=2,
        n_ctx=sparsity + 2,
        bos_id=vocabulary,
        pad_id=vocabulary + 1,
    )


def make_arrays(sets: NeuronSets, config: Config, error: float) -> Weights:
    """Return the weights, in float64.

    Args:
        sets: which inputs each neuron reads.
        config: the shape.
        error: the greatest reading of an AND that is false, below 1.
    """
    at = StreamLayout(sets.n_inputs, sets.d_mlp)
    zeros = {name: np.zeros(shape) for name, shape in config.shapes.items()}
    arrays = Weights(**zeros)
    _embed(arrays, sets, at)
    _gather(arrays, sets, at)
    arrays.W_in[0, at.has] = sets.members
    arrays.b_in[0] = -1.0
    arrays.W_out[0, :, at.hidden] = np.eye(sets.d_mlp)
    _compare(arrays, sets, at, error)
    arrays.W_U[at.answer] = -2 * LOUD, 2 * LOUD
    arrays.b_U[:] = LOUD, -LOUD
    return arrays


def question_rows(sets: NeuronSets) -> Float[np.ndarray, "and neuron"]:
    """Return the direction of each question and AND: 1 for each neuron that serves."""
    return sets.serving().astype(np.float64)


def _embed(arrays: Weights, sets: NeuronSets, at: StreamLayout) -> None:
    """Write the embeddings: an axis for a literal, of length 1 for a question."""
    n, rows = sets.n_inputs, question_rows(sets)
    arrays.W_E[:n, at.token] = np.eye(sets.d_mlp)[:n]
    arrays.W_E[:n, at.literal] = 1.0
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    arrays.W_E[n : n + len(rows), at.token] = rows / lengths
    arrays.W_E[n : n + len(rows), at.question] = 1.0


def _gather(arrays: Weights, sets: NeuronSets, at: StreamLayout) -> None:
    """Write the first head; its last two coordinates are for keys and queries."""
    n = sets.n_inputs
    _attend(arrays, 0, at, -np.log(SINK), FAR)
    arrays.W_V[0, 0, at.token, :n] = np.eye(sets.d_mlp)[:, :n] * SINK
    arrays.W_O[0, 0, :n, at.has] = np.eye(n)


def _attend(
    arrays: Weights, layer: int, at: StreamLayout, height: float, far: float
) -> None:
    """Write that questions attend, and to what, beside BOS, which has a logit of 0.

    In the first layer that is to literals, at some height; in the second one to
    questions. One coordinate of the head is for that. The next one is for those that
    must not look: all but questions in the first layer, and literals in the second.
    """
    allowed, forbidden = at.d_mlp, at.d_mlp + 1
    scale = (at.d_mlp + 2) ** 0.5
    seen, hidden = at.literal, at.question
    if layer:
        seen, hidden = hidden, seen
    arrays.b_Q[layer, 0, allowed] = 1.0
    arrays.W_K[layer, 0, seen, allowed] = height * scale
    arrays.W_K[layer, 0, hidden, allowed] = -far * scale
    arrays.W_K[layer, 0, seen, forbidden] = -far * scale
    arrays.b_Q[layer, 0, forbidden] = 0.0 if layer else 1.0
    arrays.W_Q[layer, 0, hidden, forbidden] = 1.0 if layer else -1.0


def _compare(arrays: Weights, sets: NeuronSets, at: StreamLayout, error: float) -> None:
    """Write the second head: reading less threshold, times a sharpness."""
    last, middle = sets.d_mlp, (1 + error) / 2
    sharp = SHARP / ((1 - error) / 2)
    scale = (last + 2) ** 0.5
    # A question of length 1 reads the sum over its neurons divided by sqrt(r).
    axes = np.eye(last) * sharp / sets.shared**0.5
    arrays.W_Q[1, 0, at.token, :last] = axes
    arrays.W_K[1, 0, at.hidden, :last] = np.eye(last) * scale
    far = FAR + 2 * sharp * sets.shared
    _attend(arrays, 1, at, -sharp * middle, far)
    arrays.W_V[1, 0, at.question, 0] = 1.0
    arrays.W_O[1, 0, 0, at.answer] = 1.0
