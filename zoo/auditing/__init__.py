"""The audit: every claim about a circuit, measured.

subject.py      what is audited: weights, a causal model, a claimed circuit
pairs.py        which pairs of inputs
measure.py      one patch after the other, over all pairs
certificate.py  the figures, and which claims hold
realism.py      how much the weights look like those of ordinary training
table.py        the certificate as text
"""
