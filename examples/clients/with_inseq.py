"""Inseq: gradients of next tokens, scored against what outputs depend on.

    python examples/clients/with_inseq.py [FOLDER [INPUTS]]

FOLDER is a language model in GPT-2's shape of a program that generates; without one, a
small program is compiled. Needs `pip install 'circuitzoo[inseq]'` in an environment of
its own: Inseq 0.7 needs typeguard below 3, TransformerLens typeguard 4. Prints the
AUROC of Inseq's scores.
"""

import sys
import tempfile

import inseq
import numpy as np
import torch

import zoo
from compiler.rasp import Aggregate, Select, indices, tokens
from zoo.attribution.methods import find_attribution


def compiled(folder: str) -> str:
    """Save a model that repeats the token in front of the last one."""
    before = Aggregate(
        Select(indices, indices, lambda k, q: k == max(q - 1, 0)), tokens
    )
    options = {"vocab": ["a", "b", "c"], "max_len": 5, "generate": True, "like": "gpt2"}
    zoo.save(zoo.compile(before, **options), folder)
    return folder


def lead(args):
    """Return the logit of the token that comes next less the greatest other one."""
    logits = args.attribution_model.output2logits(args.forward_output).double()
    chosen = args.target_ids.reshape(-1, 1)
    others = logits.scatter(1, chosen, -torch.inf).amax(-1)
    return logits.gather(1, chosen)[:, 0] - others


folder = sys.argv[1] if len(sys.argv) > 1 else compiled(tempfile.mkdtemp())
inputs = int(sys.argv[2]) if len(sys.argv) > 2 else 8
room = zoo.load(folder).config.n_ctx - 1  # Inseq puts the answer behind the input
task = zoo.open_attribution(folder, inputs=inputs, lengths=range(2, room))
vocab, words = task.model.typed.vocab, task.model.words
embeddings = np.asarray(task.model.weights.W_E, np.float64)
apart = embeddings[task.ids] - embeddings[: len(vocab)].mean(axis=0)
attributing = inseq.load_model(folder, "saliency")  # the one line
scores = np.zeros(task.shape)
for row, length in enumerate(task.lengths):
    text = [str(vocab[token]) for token in task.ids[row, 1 : length + 1]]
    for place in range(1, length + 1):
        prefix = " ".join(text[:place])
        answer = words[task.answers[row, place]]
        found = attributing.attribute(
            prefix,
            f"{prefix} {answer}",
            attributed_fn=lead,
            abs=False,  # gradients with their signs
            show_progress=False,
        )
        seen = place + 1  # BOS, and the tokens up to here
        gradients = found[0].target_attributions[:seen, -1].double().numpy()
        scores[row, place, :seen] = (gradients * apart[row, :seen]).sum(-1)

report = zoo.score_attribution(task, scores)
print(f"{report.rows['claimed'].auroc:.3f}")

# It is gradient x input as it is here, output by output.
expected = find_attribution("gradient-x-input")(task, 0)
pairs = task.live[:, :, None] & task.live[:, None, :]
size = np.abs(expected[pairs]).max()
np.testing.assert_allclose(scores[pairs], expected[pairs], atol=1e-3 * size)
