"""Random programs, built towards a goal and kept only if they are worth having.

`goal.py` says what is wanted, `builder.py` builds an expression backwards from it (of
the heads in `forms.py` and the element-wise functions in `functions.py`),
`behaviour.py` and `necessity.py` measure it, `judging.py` keeps it or says why not,
`drawing.py` draws until there are enough, in several processes (`workers.py`) if asked
for, and `suite.py` writes them into a folder. `records.py` compiles them, and
`dataset.py` writes programs with their models in shards (`shards.py`).
Nothing here needs jax.
"""
