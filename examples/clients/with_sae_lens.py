"""SAELens: train a sparse autoencoder on the stream of a release.

    python examples/clients/with_sae_lens.py [FOLDER [STEPS]]

FOLDER is a Llama- or Qwen2-shaped language model. Needs
`pip install 'circuitzoo[clients]'`. Prints the share of variance that is not explained,
of the stream behind layer 0.
"""

import sys

import numpy as np
import torch
from datasets import Dataset
from sae_lens import (
    LanguageModelSAERunnerConfig,
    LanguageModelSAETrainingRunner,
    LoggingConfig,
    StandardTrainingSAEConfig,
)
from transformers import AutoModelForCausalLM

import zoo

BATCH = 256  # tokens a step

given, usual = sys.argv[1:], ["releases/sort-llama", "200"]
folder, steps = given + usual[len(given) :]

# Sequences of BOS and random tokens; take texts of the task for more than a trial.
model = zoo.load(folder)
config, rng = model.config, np.random.default_rng(0)
ids = rng.integers(len(model.typed.vocab), size=(4096, config.n_ctx))
ids[:, 0] = config.bos_id

runner = LanguageModelSAETrainingRunner(
    LanguageModelSAERunnerConfig(
        model_name=folder,  # the one line, with the next two
        model_class_name="AutoModelForCausalLM",
        hook_name="model.layers.0",
        sae=StandardTrainingSAEConfig(
            d_in=config.d_model, d_sae=4 * config.d_model, l1_coefficient=0.1
        ),
        training_tokens=int(steps) * BATCH,
        train_batch_size_tokens=BATCH,
        lr=1e-3,
        context_size=config.n_ctx,
        n_batches_in_buffer=64,
        is_dataset_tokenized=True,
        streaming=False,
        device="cpu",
        n_checkpoints=0,
        output_path=None,
        logger=LoggingConfig(log_to_wandb=False),
        verbose=False,
    ),
    override_dataset=Dataset.from_dict({"input_ids": ids.tolist()}),
)
autoencoder = runner.run()

language_model = AutoModelForCausalLM.from_pretrained(folder)
with torch.no_grad():
    batch = torch.tensor(ids[:64])
    stream = language_model(batch, output_hidden_states=True).hidden_states[1]
    error = (autoencoder(stream) - stream).square().sum()
    unexplained = float(error / (stream - stream.mean((0, 1))).square().sum())
print(f"{unexplained:.3f}")
assert unexplained < 0.5

# The stream is the sum of what our components wrote up to there.
run = model.run([model.typed.vocab[token] for token in ids[0, 1:]])
written = run.writes[: config.names.sources_before(1)].sum(0) + model.weights.b_O[0]
np.testing.assert_allclose(stream[0], written, rtol=1e-4, atol=1e-4)
