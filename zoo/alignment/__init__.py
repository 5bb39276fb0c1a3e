"""Where a variable is said to live, against where it lives.

places.py        sites: what one node writes, or the stream in front of a layer
subspaces.py     bases: checked, true ones, random ones, angles between two
interchanges.py  pairs of inputs, and what the causal model says of each
tokens.py        what a site holds at every token
patching.py      runs with a subspace taken from another run
figures.py       IIA, cause, isolate, disentangle
report.py        the figures of a claim beside the truth's and two controls'
score.py         `zoo.score_alignment`
"""
