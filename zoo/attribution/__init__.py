"""Scores of claims about which input positions an output depends on.

dependence.py   which positions do, exactly, by enumeration
task.py         the inputs of a model with that truth: `zoo.open_attribution`
gradients.py    built-in methods: gradient x input, integrated gradients, occlusion, ..
patterns.py     built-in methods that look at attention alone: attention, rollout
methods.py      all built-in methods by name
localisation.py AUROC, average precision, IoU, pointing game, suppressed positions
report.py       the figures of a claim, beside the oracle and the controls
score.py        `zoo.score_attribution`
named_cases.py  small programs with one difficulty each: suppressors, redundancy, ..
"""
