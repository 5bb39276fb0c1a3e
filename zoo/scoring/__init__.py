"""Scores of circuit-discovery methods, compared with the known circuits.

    Report     the figures of scores, with intervals; missed edges and their witnesses
    Table      the figures of many methods on many models

`score.py` compares one method's scores with a case, `evaluate.py` runs many methods.
The methods are in `zoo/methods`, the models with their truth in `zoo/cases`.
"""
