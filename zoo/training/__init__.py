"""Strict interchange intervention training: from a causal model to a transformer.

recipe.py     the size of the transformer, the schedule, the thresholds
placement.py  which node computes each variable; the circuit that follows
examples.py   one batch of training, drawn on the device: inputs, patches, labels
loss.py       the losses of a batch
loop.py       the training loop: steps, checks, when it stops
held_out.py   the worst figures on held-out inputs, which decide when to stop

The transformer learns to compute a causal model: see `zoo/causal`.
"""
