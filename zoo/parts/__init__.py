"""Scores of parameter decompositions: are these the parts of the weights?

usage.py       on which inputs a part is used, by removing it
components.py  what a decomposition says: rank-one or other terms of matrices
score.py       `zoo.score_parts`
parts_report.py  the figures of a decomposition, beside baselines
spd.py         a small stochastic parameter decomposition of our own
masked.py      the forward pass with masked terms in the place of matrices

`model.parts` and `model.to_spd(folder)` are in `compiler/parts.py` and
`compiler/linear_modules.py`.
"""
