"""Scores of a dictionary of directions, by the true features of a model.

features.py  the direction of each true feature, and whether it is active
cosines.py   mean max cosine similarity, matched F1
report.py    the figures, compared with those of random dictionaries
score.py     `zoo.score_dictionary`
"""
