"""Scores of descriptions of a component, and of programs that are said to be a model's.

bounded.py         code of the user's, stopped when its time is up
claimed.py         a claim as values: of a function, a table or a RASP program
renaming.py        two variables compared up to the names of their values
substitution.py    what happens if claimed values take the place of true ones
description.py     `zoo.score_description`
program.py         `zoo.score_program`
reports.py         what the two return
"""
