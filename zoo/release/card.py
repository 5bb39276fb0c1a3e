"""The model card: README.md of a release, in the form that Hugging Face reads."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from compiler.families import family_of
from compiler.lower.options import Options
from compiler.model import Model
from compiler.passes.wording import UNNAMED, title
from compiler.rasp.values import show, show_many
from zoo import tasks
from zoo.auditing.certificate import NOTE, Certificate, Rate
from zoo.causal.by_hand import task_of
from zoo.compression.settings import Settings
from zoo.release.fields import HISTORY, PICTURE, RECIPE
from zoo.release.shown import (
    FULL_EDGES,
    SAMPLED_EDGES,
    claims_shown,
    proof_shown,
    thorough_shown,
)
from zoo.tasks.language import LanguageTask

_FRONT = """---
license: apache-2.0
library_name: circuitzoo
tags:
- mechanistic-interpretability
- circuit-discovery
- rasp
- {kind}
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train.parquet
  - split: test
    path: data/test.parquet
---
"""

_LOAD = """## Load it

With circuitzoo:

```python
import zoo

model = zoo.load("{name}")
{call}
model.circuit.edges
```

{elsewhere}

The data: `datasets.load_dataset("data")` in this folder.
"""

_NUMPY = """\
With NumPy alone: `model.safetensors` holds the weights under TransformerLens' names,
`config.json` the shape, `circuit.json` the numbers of the tokens. The whole forward
pass is written out in `docs/release-format.md` of circuitzoo."""

_TRANSFORMERS = """With Hugging Face transformers, from this folder (`{architecture}`):

```python
from transformers import {auto}, AutoTokenizer

model = {auto}.from_pretrained(folder)
tokenizer = AutoTokenizer.from_pretrained(folder)
model(**tokenizer("{text}", return_tensors="pt")).logits
```"""


_TWIN = """## Its natural twin

`twin.safetensors` holds the weights of a model of the same shape that was trained on
behaviour alone, by the same recipe otherwise: `zoo.load("{name}").twin`. No circuit was
imposed on it, and none is known."""


def card(
    name: str,
    version: int,
    model: Model,
    certificate: Certificate,
    twin: bool = False,
    training: Collection[str] = (RECIPE, HISTORY),
) -> str:
    """Return the card.

    Args:
        name: the release's.
        version: the release's.
        model: what is released.
        certificate: its audit.
        twin: whether the release holds its natural twin.
        training: which files on its training the release holds.
    """
    facts = model.facts
    kind = str(facts.get("kind", "compiled"))
    example = _example(model, certificate)
    prompt = _prompt(model, certificate)
    parts = [
        _FRONT.format(kind=kind) + f"# {name}",
        str(facts.get("meaning", "")) or _expression(model),
        _what(model, kind, version),
        f"![The circuit of {name}]({PICTURE})",
        "## What it computes",
        _program(model),
        f"For example `{example[0]}` gives `{example[1]}`."
        if prompt is None
        else f"For example `{prompt}` goes on with `{_continued(model, prompt)}`.",
        _variables(model),
        "## Certificate",
        _certificate(certificate, NOTE if model.readout.kind != "classes" else ""),
        _LOAD.format(
            name=name,
            call=f"model({example[0]})"
            if prompt is None
            else f'model.generate("{prompt}")',
            elsewhere=_elsewhere(model, prompt),
        ).rstrip(),
        _TWIN.format(name=name) if twin else "",
        "## Provenance",
        _provenance(facts, kind, training),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _prompt(model: Model, certificate: Certificate) -> str | None:
    """Return a prompt of a language task, from a witness; None for other models."""
    task = task_of(model)
    if not model.writes_tokens or task not in [about.name for about in tasks.SUMMARIES]:
        return None
    found = tasks.find(str(task))
    witness = next((f.witness for f in certificate.circuit if f.witness), None)
    if not isinstance(found, LanguageTask) or witness is None:
        return None
    words = list(map(str, witness.base))
    return " ".join(words[: found.prompt_length(words)])


def _continued(model: Model, prompt: str) -> str:
    """Return the words that a model generates after a prompt."""
    return " ".join(map(str, model.generate(prompt)))


def _elsewhere(model: Model, prompt: str | None) -> str:
    """Return how to load the model without this package."""
    language = model.writes_tokens
    family = family_of(model.config, language)
    if family is None:
        return _NUMPY
    auto = "AutoModelForCausalLM" if language else "AutoModelForTokenClassification"
    return _TRANSFORMERS.format(
        architecture=family.architecture(language),
        auto=auto,
        text=prompt or " ".join(model.words[:3]),
    )


def _expression(model: Model) -> str:
    """Return the text of an expression that its author gave no name, else nothing."""
    return f"`{title(model.typed)}`" if model.typed.name == UNNAMED else ""


def _program(model: Model) -> str:
    """Return the program's text, or how each variable is defined where it is lost."""
    text = str(model.facts.get("source", "")).strip()
    if not text:
        text = "\n".join(variable.text for variable in model.typed.variables)
    return f"```python\n{text}\n```"


def _what(model: Model, kind: str, version: int) -> str:
    c = model.config
    norm = {"none": "no LayerNorm", "pre": "pre-LayerNorm", "rms": "pre-RMSNorm"}
    gated = f"gated by {c.act}" if c.gated else c.act
    keys = f" ({c.n_kv_heads} with keys of their own)" if c.n_kv_heads else ""
    how = {
        "trained": "trained so that its circuit is the one shown, and nothing else "
        "matters",
        "compressed": "compiled from the program, its stream then squeezed by a "
        "learned projection",
    }.get(kind, "compiled from the program, weight by weight")
    return (
        f"A transformer {how}: {_count(c.n_layers, 'layer')}, "
        f"{_count(c.n_heads, 'head')} a layer{keys}, d_model {c.d_model}, d_mlp "
        f"{c.d_mlp}, {gated}, {norm[c.norm]}, {c.positions} positions, "
        f"{'causal' if c.causal else 'bidirectional'}, {c.n_params:,} parameters. "
        f"An input is a sequence of 1 to {_count(model.typed.max_len, 'token')}, from "
        f"a vocabulary of {len(model.typed.vocab)}. Version {version}."
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def _example(model: Model, certificate: Certificate) -> tuple[str, str]:
    """Return an input and what the model gives: of the witnesses the longest."""
    found = [f.witness for f in certificate.circuit if f.witness is not None]
    if not found:
        tokens: Sequence[Any] = model.typed.vocab[:1]
        return repr(list(tokens)), _list(model(list(tokens)))
    longest = max(found, key=lambda w: len(w.base))
    return repr(list(longest.base)), _list(longest.before)


def _list(values: Sequence[Any]) -> str:
    """Return values as a list, fractions as `1/3`."""
    return f"[{', '.join(map(show, values))}]"


def _variables(model: Model) -> str:
    rows = ["| variable | values | computed by | definition |", "|---|---|---|---|"]
    for variable in model.typed.variables:
        site = model.circuit.sites.get(variable.name)
        shown = show_many(variable.domain.values)
        rows.append(
            f"| `{variable.name}` | {_cell(shown)} | "
            f"{'' if site is None else site.node} | {_cell(variable.text)} |"
        )
    return "\n".join(rows)


def _cell(text: str) -> str:
    """Return text that a cell of a table can hold."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def _certificate(c: Certificate, note: str) -> str:
    which = "all there are" if c.all_pairs else f"a sample, seed {c.seed}"
    edges = ["| edge | carries | status | effect | 95 % interval |", "|" + "---|" * 5]
    edges += [
        f"| `{f.edge}` | {', '.join(f.carries)} | {f.status} | "
        f"{f.effect.share:.4f} | {_interval(f.effect)} |"
        for f in c.circuit
    ]
    return "\n\n".join(
        [
            f"Measured on {c.pairs:,} pairs of inputs ({which}). {note}".strip(),
            *claims_shown(c),
            *(thorough_shown(c.thorough) if c.thorough is not None else ()),
            *(proof_shown(c.proof) if c.proof is not None else ()),
            SAMPLED_EDGES if c.thorough is None else FULL_EDGES,
            "\n".join(edges),
            "`certificate.json` has every figure, with a witness for every edge; "
            "`zoo verify` measures all of it again.",
        ]
    )


def _interval(found: Rate) -> str:
    return f"{found.low:.4f}..{found.high:.4f}"


_ENDED = {
    "passed": "It ended when every threshold of the recipe was met. ",
    "budget": "It ended when the recipe's steps were used up. Not every threshold of "
    "the recipe was met by then; the thresholds of the audit, above, are lower. ",
}
"""By the outcome of a training, how it ended."""


def _training_files(there: Collection[str]) -> str:
    """Return a sentence on the files of the training that a release holds."""
    if RECIPE in there and HISTORY in there:
        return "The recipe is in `recipe.toml`, every check in `history.parquet`."
    if HISTORY in there:
        return "Every check is in `history.parquet`; the recipe is in no file."
    if RECIPE in there:
        return "The recipe is in `recipe.toml`; the checks are in no file."
    return "No file has the recipe or the checks: nothing confirms this."


def _provenance(facts: Mapping[str, Any], kind: str, training: Collection[str]) -> str:
    if kind != "trained":
        options = {k: _ordered(k, facts[k]) for k in _OPTIONS if k in facts}
        said = f" with {json.dumps(options)}" if options else ""
        return f"Compiled by circuitzoo{said}. Licence: Apache-2.0."
    return (
        f"Trained by circuitzoo for {facts.get('steps')} steps. "
        f"{_ENDED.get(str(facts.get('outcome')), '')}{_training_files(training)} The "
        "weights were drawn and trained from the seed in the recipe; no data but "
        "inputs of the program was used. Licence: Apache-2.0."
    )


_OPTIONS = {"options": Options, "beside": None, "compression": Settings}
"""The facts that say how a model was compiled, and the types whose fields they are."""


def _ordered(fact: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a fact in the order of its type's fields: a saved model sorts its keys."""
    kind = _OPTIONS[fact]
    names = [] if kind is None else [f.name for f in fields(kind)]
    rest = [name for name in given if name not in names]
    return {name: given[name] for name in [*names, *rest] if name in given}
