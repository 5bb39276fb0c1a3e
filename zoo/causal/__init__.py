"""Causal models: what a transformer is to compute, and what is right.

model.py     the protocol: variables, parents, a run in which any of them can be set
tabular.py   every RASP program as one, tabulated and jitted
by_hand.py   what a saved model holds of one that was written by hand
pool.py      inputs to draw from, with the values of all variables
pairs.py     pairs of inputs for an audit: all of them, or a seeded sample
runs.py      runs of inputs whose positions are turned
outputs.py   the loss of an output, where it is right, and where two differ
"""

FAMILY = "tasks written by hand"
"""The group that tasks are listed under."""
