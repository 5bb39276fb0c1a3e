"""A case: a model with its truth, pairs of inputs, a loss and an ablation.

case.py      what methods are given, and what their scores are compared with
truth.py     the edges that the audit found used, unused or undetectable
pairs.py     pairs of inputs with their outputs, from a release or drawn
choices.py   the names of ablations, losses and directions
losses.py    the loss that a method explains: logit differences, divergences
running.py   losses and gradients of patched runs, compiled once
levels.py    edges of q, k and v, edges of heads, nodes
scores.py    a number for every item: edge or node
"""
