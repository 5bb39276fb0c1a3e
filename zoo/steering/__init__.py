"""Scores of steering: is the output what the program gives with a variable set?

task.py      inputs, the outputs with the variable set, and what a site holds
figures.py   how many outputs are right then, against outputs of a constant
methods.py   built-in methods: difference of means, probe, SAE, mean replacement
donors.py    the two methods that need no site: the true interchange, an edited input
score.py     `zoo.score_steering`
report.py    the figures of a claim, beside the baselines and the controls
"""
