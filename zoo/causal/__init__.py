"""Causal models: what a transformer should compute, and when its output is right.

model.py     the protocol: variables, parents, a run in which any of them can be set
tabular.py   makes a causal model of any RASP program, as tables that jax can run
by_hand.py   what a saved model holds of a causal model that was written by hand
pool.py      a pool of inputs with the values of all variables, and how to draw
pairs.py     pairs of inputs for an audit: all of them, or a seeded sample
runs.py      donor runs with shifted position embeddings
outputs.py   the loss of outputs, whether they are right, whether two differ
"""

FAMILY = "tasks written by hand"
"""The group that tasks are listed under."""
