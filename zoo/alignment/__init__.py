"""Scores of claims that a variable is in some subspace of some site.

places.py        sites: what one node writes, or the stream in front of a layer
subspaces.py     bases of subspaces: checked, true, random; the angles between two
interchanges.py  pairs of inputs, with the outputs of the causal model
tokens.py        the vectors of a site at every token
patching.py      runs in which a subspace is patched from another run
figures.py       IIA, cause, isolate, disentangle
report.py        the figures of a claim, compared with the truth and two controls
score.py         `zoo.score_alignment`
"""
