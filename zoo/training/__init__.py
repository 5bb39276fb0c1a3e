"""Strict interchange intervention training: from a causal model to a transformer.

recipe.py     the size of the transformer, the schedule, the thresholds
placement.py  each variable on a node; the circuit that this claims
examples.py   one batch, drawn on the device: inputs, patches, labels
loss.py       the losses of a batch
loop.py       the jitted scan, checkpoints, resuming
held_out.py   the worst cases on held-out inputs, which decide when to stop

What is learnt is a causal model: see `zoo/causal`.
"""
