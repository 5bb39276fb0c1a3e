"""What can be read from activations: questions with known answers, and lenses.

wording.py     a question about a variable in words
questions.py   `zoo.questions`: activations, questions and the interpreter's answers
answers.py     answers against the truth, beside a probe and controls
lenses.py      built-in lenses: logit lens, decoder lens, tuned lens
lens.py        `zoo.score_lens`: when the output can be read, and when it is computed
lens_report.py what it returns
"""
