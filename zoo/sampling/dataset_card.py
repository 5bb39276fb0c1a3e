"""The README.md of a dataset: what is in it, and how to read it without our code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from zoo.sampling.records import LAYOUT
from zoo.sampling.shards import COLUMNS

_HEAD = """---
configs:
- config_name: default
  data_files:
{splits}
---

# Transformers with the programs that they compute

{programs:,} random RASP programs, each with the exact transformer that it was compiled
to. Every row has the program's text and words, all weights in one vector, the circuit,
and figures. No two rows compute the same function, and no function is in both splits.
Every model was run on up to {compared} inputs, and gave the program's outputs on all.

```python
from datasets import load_dataset

train = load_dataset("DIR", split="train")  # the folder of this file
stream = load_dataset("DIR", split="train", streaming=True)
```

It was written by `zoo sample --format dataset` of circuitzoo {version}, with seed
{seed} and this goal:

```
{goal}
```
"""
_READING = '''## The weights

`weights` is one vector of `n_params` float32 numbers: these arrays one after the
other, each row by row (C order). Each size is the column of that name. The arrays of
the second table come once for each layer, all arrays of the first layer before those of
the second.

{tables}

```python
import numpy as np

FIRST = {first}
EACH_LAYER = {later}


def arrays(row):
    """Return the arrays of one row, by TransformerLens' names."""
    names = list(FIRST.items())
    for layer in range(row["n_layers"]):
        for name, axes in EACH_LAYER.items():
            names.append((f"blocks.{{layer}}.{{name}}", axes))
    flat, found, start = np.asarray(row["weights"], np.float32), {{}}, 0
    for name, axes in names:
        shape = [row[axis] for axis in axes]
        end = start + int(np.prod(shape))
        found[name] = flat[start:end].reshape(shape)
        start = end
    return found
```

The files `shards/*/train.safetensors` and `test.safetensors` hold the same vectors,
each under its row's `name`, for those who want weights alone: `safetensors.safe_open`
reads any of them without the others.

## The transformer

An input is `bos_id`, then the position of each token in `vocab`, then `pad_id` up to
`n_ctx`; shorter inputs need no padding. The stream is the embedding of the token plus
that of the position. Each layer adds its attention heads (softmax of `q k /
sqrt(d_head)`; a position sees itself and whatever is not PAD, and if `causal` nothing
later), then its MLP with ReLU. There is no LayerNorm. The logits are `stream @
unembed.W_U + unembed.b_U`; those at position p + 1 are of token p.

`readout` says how logits are read. `classes`: the greatest logit is the output's
place in `values`. `number`: the one logit is the output. `nullable`: the same, but
the output is None where the second logit is positive. Numbers in `values` are written
as `2` or `2/3`, booleans as `True` and `False`.

## Columns

{columns}
'''


def card_text(settings: dict[str, Any], splits: Sequence[str]) -> str:
    """Return the card of a dataset.

    Args:
        settings: what its `dataset.json` says.
        splits: those that have rows.
    """
    goal = "\n".join(f"{k}: {json.dumps(v)}" for k, v in settings["goal"].items())
    head = _HEAD.format(
        programs=settings["programs"],
        compared=settings["compared"],
        splits="\n".join(
            f"  - split: {split}\n    path: shards/*/{split}.parquet"
            for split in splits
        ),
        version=settings["circuitzoo"],
        seed=settings["seed"],
        goal=goal,
    )
    first, later = LAYOUT.values()
    columns = ["| column | type | what it holds |", "|:--|:--|:--|"]
    columns += [f"| `{n}` | `{kind}` | {says} |" for n, (kind, says) in _columns()]
    body = _READING.format(
        tables="\n\n".join(_table(title, axes) for title, axes in LAYOUT.items()),
        first=_literal(first),
        later=_literal(later),
        columns="\n".join(columns),
    )
    return f"{head}\n{body}"


def _columns() -> list[tuple[str, tuple[str, str]]]:
    found = []
    for name, (kind, says) in COLUMNS.items():
        text = str(kind).replace("element: ", "").replace("item: ", "")
        if "struct" in text:
            text = "list<struct>"
        found.append((name, (text, says)))
    return found


def _table(title: str, arrays: dict[str, tuple[str, ...]]) -> str:
    rows = [f"| `{name}` | {' x '.join(axes)} |" for name, axes in arrays.items()]
    return "\n".join([f"| {title} | shape |", "|:--|:--|", *rows])


def _literal(arrays: dict[str, tuple[str, ...]]) -> str:
    rows = [f'    "{name}": {json.dumps(list(axes))},' for name, axes in arrays.items()]
    return "\n".join(["{", *rows, "}"])
