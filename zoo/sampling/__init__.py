"""Random programs, built towards a goal and kept only if they are worth having.

`goal.py` says what is wanted, `builder.py` builds an expression backwards from it (of
the heads in `forms.py` and the element-wise functions in `functions.py`),
`behaviour.py` and `necessity.py` measure it, `judging.py` keeps it or says why not,
`drawing.py` draws until there are enough, and `suite.py` writes them into a folder.
Nothing here needs jax.
"""
