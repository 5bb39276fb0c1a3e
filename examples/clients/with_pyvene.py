"""pyvene: interchange a variable at its site, as `Model.interchange` does.

    python examples/clients/with_pyvene.py [FOLDER [PROMPT OTHER [VARIABLE]]]

FOLDER is a language model; PROMPT and OTHER have the same number of words. Needs
`pip install 'circuitzoo[clients]'`. Prints the token that follows, before and after.
"""

import sys
from typing import Any

import pyvene
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import zoo

given = sys.argv[1:]
usual = ["releases/sort-llama", "3 1 2 =", "5 0 4 =", "next_token"]
folder, prompt, other, variable = given + usual[len(given) :]

model = zoo.load(folder)
component, _, head = model.circuit.sites[variable].node.partition(".h")
layer = int(component[1:])
tokenizer = AutoTokenizer.from_pretrained(folder)
base, source = (tokenizer(text, return_tensors="pt") for text in (prompt, other))
positions = [list(range(base.input_ids.shape[1]))]

place: dict[str, Any] = {"layer": layer, "max_number_of_units": len(positions[0])}
if head:
    place: dict[str, Any] = {
        "component": "head_attention_value_output",
        "unit": "h.pos",
    }
    units = [[[[int(head)]], positions]]
else:
    place |= {"component": "mlp_output", "unit": "pos"}
    units = [positions]
place |= {"intervention_type": pyvene.VanillaIntervention}
language_model = AutoModelForCausalLM.from_pretrained(folder)
intervenable = pyvene.IntervenableModel([place], language_model)  # the one line
_, changed = intervenable(base, [source], {"sources->base": (units, units)})

tokens = prompt.split()
patch = model.interchange(variable, other.split())
with torch.no_grad():
    unchanged = language_model(**base)
for found, run in (
    (unchanged, model.run(tokens)),
    (changed, model.run(tokens, patch)),
):
    expected = torch.tensor(run.logits[: len(tokens) + 1])
    torch.testing.assert_close(found.logits[0].detach(), expected, rtol=1e-4, atol=1e-4)
    print(model.readout.values[int(found.logits[0, -1].argmax())])
