"""The audit: every claim about a circuit, measured.

subject.py      what is audited: weights, a causal model, the claimed circuit
measure.py      applies one patch after the other to all pairs of inputs
chunk.py        the compiled functions that patch a chunk of pairs and count
counts.py       the counts of a patch, added up over chunks
decisions.py    right, changed or tied: how an output is counted
certificate.py  the figures, and which claims hold
agreement.py    whether a certificate agrees with a new audit
realism.py      how much the weights look like those of ordinary training
table.py        the certificate as text

The pairs of inputs are those of `zoo/causal/pairs.py`.
"""
