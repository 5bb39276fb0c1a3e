"""Strict interchange intervention training: from a causal model to a transformer.

causal.py     what is to be learnt: variables, parents, run with overrides
tabular.py    every RASP program as one, tabulated and jitted
by_hand.py    what a saved model holds of one that was written by hand
recipe.py     the size of the transformer, the schedule, the thresholds
placement.py  each variable on a node; the circuit that this claims
examples.py   one batch, drawn on the device: inputs, patches, labels
loop.py       the jitted scan, checkpoints, resuming
held_out.py   the worst cases on held-out inputs, which decide when to stop
"""
