"""Hugging Face transformers: a release is a folder that `from_pretrained` loads.

    python examples/clients/with_transformers.py [FOLDER [PROMPT]]

Needs `pip install 'circuitzoo[torch]'`. Prints what the model generates.
"""

import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

import zoo

given, usual = sys.argv[1:], ["releases/sort-llama", "3 1 2 ="]
folder, prompt = given + usual[len(given) :]

generator = pipeline("text-generation", model=folder)  # the one line
answer = generator(prompt, return_full_text=False)[0]["generated_text"]
print(answer)

model = zoo.load(folder)
assert answer.split() == model.generate(prompt)

# The same in parts.
tokenizer = AutoTokenizer.from_pretrained(folder)
language_model = AutoModelForCausalLM.from_pretrained(folder)
with torch.no_grad():
    logits = language_model(**tokenizer(prompt, return_tensors="pt")).logits
expected = torch.tensor(model.logits(prompt.split()))
torch.testing.assert_close(logits[0, 1:], expected, rtol=1e-4, atol=1e-4)
