"""Scores of methods that look for circuits, against what is known.

    Case       a model with its truth, pairs of inputs, a loss, an ablation
    Scores     a number for every edge (or head's edge, or node), read from any format
    Report     what the scores are worth

    AlignmentReport     what a claimed subspace of a variable is worth
    DictionaryReport    how near a dictionary comes to the true features

`methods/` has a file a method; `score.py` compares, `evaluate.py` runs many.
"""
