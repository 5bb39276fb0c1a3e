"""Hugging Face transformers: a model that labels each token, instead of writing text.

    python examples/clients/with_labels.py FOLDER TEXT

GPT-2-shaped and BERT-like releases of RASP programs are such models. Needs
`pip install 'circuitzoo[torch]'`. Prints the label of each token.
"""

import sys

from transformers import pipeline

import zoo

folder, text = sys.argv[1:]

label = pipeline("token-classification", model=folder)  # the one line
labels = [found["entity"] for found in label(text)]
print(*labels)

model = zoo.load(folder)
assert labels == [repr(value) for value in model(text.split())]
