"""EAP-IG: score the edges of a release with the authors' own code.

    python examples/clients/with_eap_ig.py [FOLDER [PROMPT OTHER]]

PROMPT and OTHER have the same number of words. Needs TransformerLens 3 and the code:
`pip install 'circuitzoo[clients]' git+https://github.com/hannamw/EAP-IG`. Prints the
edges with the largest scores, and a star at those of the circuit.
"""

import sys
from unittest.mock import patch

import jax
import jax.numpy as jnp
import numpy as np
import torch
from eap.attribute import attribute
from eap.graph import Graph

import zoo
from compiler.machine.forward import forward
from compiler.machine.names import merge_input

given, usual = sys.argv[1:], ["releases/sort-llama", "3 1 2 =", "5 0 4 ="]
folder, prompt, other = given + usual[len(given) :]

model = zoo.load(folder)
lens = model.to_transformer_lens()  # the one line
answer, last = int(model.logits(prompt.split())[-1].argmax()), len(prompt.split())


def scores(method):
    """Return the score of each edge by name: what OTHER changes in the answer."""
    graph, zeros = Graph.from_model(lens), torch.zeros
    pairs = [([prompt], [other], None)]

    def on_cpu(*sizes, device, **options):  # their code asks for "cuda" by name
        return zeros(*sizes, **options)

    def metric(logits, clean_logits, lengths, label):
        return logits[0, -1, answer]

    with patch("torch.zeros", on_cpu):
        attribute(lens, graph, pairs, metric, method=method, ig_steps=5, quiet=True)
    return {edge.name: float(edge.score) for edge in graph.edges.values()}


circuit = {str(merge_input(edge)) for edge in model.circuit.edges}
found = scores("EAP-IG-inputs")
for name in sorted(found, key=lambda name: -abs(found[name]))[:10]:
    print(f"{found[name]:9.3f}  {name} {'*' if name in circuit else ''}")

# Without integrated gradients it is the gradient of a patch that has not begun.
ids, donor = jnp.asarray(model.encode(prompt.split())), model.run(other.split())
names = model.config.names


def logit_of(mask):
    """Return the answer's logit in PROMPT, with a share of OTHER on each edge."""
    edges = zoo.Patch.edges(mask, donor.writes)
    return forward(model.transformer, ids, edges).logits[last, answer]


none = jnp.zeros((len(names.readers), len(names.sources)))
effects = np.asarray(jax.grad(logit_of)(none))
for name, score in scores("EAP").items():
    source, reader = name.replace("input->", "tokens->").split("->")
    expected = effects[names.reader_index(reader), names.sources.index(source)]
    np.testing.assert_allclose(score, expected, rtol=1e-3, atol=1e-3)
