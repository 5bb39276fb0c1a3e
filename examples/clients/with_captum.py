"""Captum: integrated gradients of a release, scored against what outputs depend on.

    python examples/clients/with_captum.py [FOLDER [INPUTS]]

FOLDER is any model of a program: it runs in TransformerLens. Needs
`pip install 'circuitzoo[clients]'`. Prints the AUROC of Captum's scores.
"""

import sys

import numpy as np
import torch
from captum.attr import IntegratedGradients

import zoo
from zoo.attribution.methods import find_attribution

given, usual = sys.argv[1:], ["releases/sort-siit", "16"]
folder, inputs = given + usual[len(given) :]

task = zoo.open_attribution(folder, inputs=int(inputs))
lens = task.model.to_transformer_lens()
ids = torch.tensor(task.ids).long()
places = torch.arange(ids.shape[1])
answers = torch.tensor(task.answers).long()[..., None]


def leads(embeddings: torch.Tensor, ids: torch.Tensor, answers: torch.Tensor):
    """Return by position the logit of the answer less the greatest other one."""
    hooks = [("hook_embed", lambda value, hook: embeddings)]
    logits = lens.run_with_hooks(ids, fwd_hooks=hooks)
    others = logits.scatter(2, answers, -torch.inf)
    return (logits.gather(2, answers)[..., 0] - others.amax(-1)).double()


weights = task.model.weights.W_E
embeddings = torch.tensor(weights[task.ids])
mean = torch.tensor(weights[: len(task.model.typed.vocab)].mean(axis=0))
is_token = torch.tensor(task.live)[..., None]
baselines = torch.where(is_token, mean, embeddings)

captum = IntegratedGradients(leads)
scores = torch.stack(
    [
        captum.attribute(  # the one line
            embeddings,
            baselines,
            target=int(output),
            additional_forward_args=(ids, answers),
            n_steps=16,
            method="riemann_middle",
        ).sum(-1)
        for output in places
    ],
    dim=1,
)
report = zoo.score_attribution(task, scores)
print(f"{report.rows['claimed'].auroc:.3f}")

# It is what integrated gradients give here, output by output.
expected = find_attribution("integrated-gradients")(task, 0)
pairs = task.live[:, :, None] & task.live[:, None, :]
found = scores.float().numpy()
size = np.abs(expected[pairs]).max()
np.testing.assert_allclose(found[pairs], expected[pairs], atol=1e-3 * size)
