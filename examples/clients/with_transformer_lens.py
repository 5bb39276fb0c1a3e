"""TransformerLens 4: boot a release as a bridge, and run its attribution patching.

    python examples/clients/with_transformer_lens.py [FOLDER [PROMPT OTHER]]

Needs `pip install 'circuitzoo[torch]' 'transformer_lens>=4'`. PROMPT and OTHER have the
same number of words. Prints the heads and MLPs with the largest effects.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import torch
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.tools.analysis import attribution_patch

import zoo
from compiler.machine.forward import forward

given, usual = sys.argv[1:], ["releases/sort-llama", "3 1 2 =", "5 0 4 ="]
folder, prompt, other = given + usual[len(given) :]

bridge = TransformerBridge.boot_transformers(folder)  # the one line

model = zoo.load(folder)
logits = bridge(prompt).detach()
expected = torch.tensor(model.logits(prompt.split()))
torch.testing.assert_close(logits[0, 1:], expected, rtol=1e-4, atol=1e-4)

# How much each write moves the logit of the answer, from OTHER towards PROMPT.
answer = int(logits[0, -1].argmax())
result = attribution_patch(
    bridge,
    bridge.to_tokens(prompt),
    bridge.to_tokens(other),
    lambda found: found[0, -1, answer],
)
for node, effect in result.top_nodes(5):
    print(f"{effect:8.3f}  {node}")

# It is the gradient with respect to a patch that has not begun.
clean = model.run(prompt.split())
ids, last = jnp.asarray(model.encode(other.split())), len(other.split())
transformer, names = model.transformer, model.config.names


def logit_of(mask):
    """Return the answer's logit in OTHER, with a share of PROMPT's writes."""
    patch = zoo.Patch.nodes(mask, clean.writes)
    return forward(transformer, ids, patch).logits[last, answer]


effects = jax.grad(logit_of)(jnp.zeros((len(names.sources), len(ids))))
for node, effect in result.node_scores.items():
    layer, kind = node.layer, node.kind
    source = {"embed": "tokens", "mlp_out": f"m{layer}"}.get(kind)
    row = names.sources.index(source or f"a{layer}.h{node.head}")
    np.testing.assert_allclose(effect, effects[row, node.position], atol=1e-3)
