"""What the scores of circuit-discovery methods are worth, against what is known.

    Report     what scores are worth: figures with intervals, what was missed and why
    Table      how methods do on many models

`score.py` compares one method's scores with a case, `evaluate.py` runs many methods.
The methods are in `zoo/methods`, the models with their truth in `zoo/cases`.
"""
