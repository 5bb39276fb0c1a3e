"""nnsight: trace a release, read what an MLP writes, and put it into another run.

    python examples/clients/with_nnsight.py [FOLDER [PROMPT OTHER]]

FOLDER is Llama- or Qwen2-shaped; PROMPT and OTHER have the same number of words. Needs
`pip install 'circuitzoo[clients]'`. Prints the token that follows, before and after.
"""

import sys

import torch
from nnsight import TransformersModel

import zoo
from compiler.machine.patch import Patch, node_mask

given, usual = sys.argv[1:], ["releases/sort-llama", "3 1 2 =", "5 0 4 ="]
folder, prompt, other = given + usual[len(given) :]

traced = TransformersModel(
    folder, task="text-generation", dispatch=True
)  # the one line

with traced.trace(other):
    written = traced.model.layers[0].mlp.output.save()
with traced.trace(prompt):
    before = traced.lm_head.output.save()
with traced.trace(prompt):
    traced.model.layers[0].mlp.output[:] = written
    after = traced.lm_head.output.save()

model = zoo.load(folder)
tokens, donor = prompt.split(), model.run(other.split())
mask = node_mask(model.config.names, ["m0"])
patched = model.run(tokens, Patch.nodes(mask, donor.writes))
for found, run in ((before, model.run(tokens)), (after, patched)):
    expected = torch.tensor(run.logits[: len(tokens) + 1])
    torch.testing.assert_close(found[0].detach(), expected, rtol=1e-4, atol=1e-4)
    print(model.readout.values[int(found[0, -1].argmax())])
