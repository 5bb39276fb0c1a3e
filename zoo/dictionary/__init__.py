"""A dictionary of directions, against the true features of a model.

features.py  what is known: the direction of each feature, and whether it is active
cosines.py   mean max cosine similarity, matched F1
report.py    the figures beside those of random dictionaries
score.py     `zoo.score_dictionary`
"""
