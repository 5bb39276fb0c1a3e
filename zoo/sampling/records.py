"""A kept draw, compiled and compared with its program: one row of a dataset.

`COLUMNS` says what each column holds, and `LAYOUT` in which order the arrays of a
transformer stand in `weights`. The card of every dataset repeats both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from compiler.ir import typed as t
from compiler.lower.circuit import Compiled, writer
from compiler.lower.readout import decode_indices
from compiler.machine.weights import to_tensors
from compiler.pipeline import compile_scheduled
from compiler.rasp.values import Value, show
from compiler.text.lexer import tokenise
from compiler.text.source import SourceText
from zoo.sampling.behaviour import ProbeInputs
from zoo.sampling.forward import forward, with_bos
from zoo.sampling.judging import KeptDraw, NotKept
from zoo.sampling.program import SampledProgram

WRONG = "the compiled model computes something else"
"""Why a program is not kept in a dataset, besides `judging.REASONS`; never seen yet."""
COMPARED = 256
"""Inputs on which a compiled model is compared with its program, of all lengths."""
OWN_NAME = "program"
"""What a program is called in the column `tokens`: its own name says nothing of it."""
LAYOUT: dict[str, dict[str, tuple[str, ...]]] = {
    "first": {
        "embed.W_E": ("d_vocab", "d_model"),
        "pos_embed.W_pos": ("n_ctx", "d_model"),
        "unembed.W_U": ("d_model", "d_vocab_out"),
        "unembed.b_U": ("d_vocab_out",),
    },
    "then, for each layer": {
        "attn.W_Q": ("n_heads", "d_model", "d_head"),
        "attn.W_K": ("n_heads", "d_model", "d_head"),
        "attn.W_V": ("n_heads", "d_model", "d_head"),
        "attn.b_Q": ("n_heads", "d_head"),
        "attn.b_K": ("n_heads", "d_head"),
        "attn.b_V": ("n_heads", "d_head"),
        "attn.W_O": ("n_heads", "d_head", "d_model"),
        "attn.b_O": ("d_model",),
        "mlp.W_in": ("d_model", "d_mlp"),
        "mlp.b_in": ("d_mlp",),
        "mlp.W_out": ("d_mlp", "d_model"),
        "mlp.b_out": ("d_model",),
    },
}
"""The arrays in the order in which they stand in `weights`, by TransformerLens' names,
each with its axes; an array is written row by row (C order)."""


@dataclass(frozen=True, eq=False)
class ModelRecord:
    """A row of a dataset.

    Attributes:
        row: all columns but the weights.
        weights: [n_params] float32, in the order of `LAYOUT`.
    """

    row: dict[str, Any]
    weights: Float[np.ndarray, " n_params"]


def make_record(kept: KeptDraw, inputs: ProbeInputs) -> ModelRecord:
    """Return the row of a draw that is kept.

    Raises:
        NotKept: its model computes something else.
    """
    compiled = compile_scheduled(kept.scheduled)
    compared = _compare(compiled, kept.outputs, inputs)
    weights = flatten(compiled)
    row = {
        **_of_program(kept.program),
        **_of_model(compiled),
        "n_params": len(weights),
        "compared": compared,
    }
    return ModelRecord(row, weights)


def flatten(compiled: Compiled) -> Float[np.ndarray, " n_params"]:
    """Return the weights of a compiled model in the order of `LAYOUT`."""
    tensors = to_tensors(compiled.weights, compiled.config)
    names = [*LAYOUT["first"]]
    for layer in range(compiled.config.n_layers):
        names += [f"blocks.{layer}.{name}" for name in LAYOUT["then, for each layer"]]
    assert sorted(names) == sorted(tensors)
    return np.concatenate([tensors[name].reshape(-1) for name in names])


def words_of(text: str, name: str) -> list[str]:
    """Return the words of a program's text, in which it is called `OWN_NAME`.

    With spaces between them they are RASP text of the same program: a setting, which
    ends with its line in the text, ends with a semicolon here.
    """
    ended = re.sub(r"^(set .*)$", r"\1;", text, flags=re.MULTILINE)
    words = [word.text for word in tokenise(SourceText(ended)).words]
    return [OWN_NAME if word == name else word for word in words if word]


def spell_value(value: Value) -> str:
    """Return a token or an output as text: a string as it is, others as RASP has them.

    Fractions are `2/3`, booleans `True` and `False`; no value is `None`.
    """
    return value if isinstance(value, str) else show(value)


def _compare(
    compiled: Compiled, outputs: Int[np.ndarray, "input seq"], inputs: ProbeInputs
) -> int:
    """Return on how many inputs a model was run: its outputs are the program's on all.

    Raises:
        NotKept: some are not.
    """
    count = len(inputs.lengths)
    picked = np.linspace(0, count - 1, min(COMPARED, count)).astype(int)
    ids = with_bos(compiled.config, inputs.tokens[picked], inputs.lengths[picked])
    logits = forward(compiled.config, compiled.weights, ids)[:, 1:]
    found = decode_indices(compiled.readout, logits)
    live = inputs.live[picked]
    if (found != outputs[picked])[live].any():
        raise NotKept(WRONG)
    return len(picked)


def _of_program(program: SampledProgram) -> dict[str, Any]:
    """Return the columns that say what was drawn, and its figures."""
    row = program.to_json()
    del row["layers"], row["heads"], row["variables"]
    return row | {"tokens": words_of(program.text, program.name)}


def _of_model(compiled: Compiled) -> dict[str, Any]:
    """Return the columns of a compiled model: its shape, its outputs, its graph."""
    config, typed = compiled.config, compiled.laid_out.scheduled.plan.typed
    sizes = ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "d_vocab")
    more = ("d_vocab_out", "n_ctx", "causal", "bos_id", "pad_id")
    return {
        **{name: getattr(config, name) for name in (*sizes, *more)},
        "vocab": [spell_value(token) for token in typed.vocab],
        "max_len": typed.max_len,
        "readout": compiled.readout.kind,
        "values": [spell_value(value) for value in compiled.readout.values],
        "variables": _variables(compiled),
        "edges": [str(edge) for edge in compiled.circuit.edges],
    }


def _variables(compiled: Compiled) -> list[dict[str, Any]]:
    """Return the graph of what is computed: a variable for each head or table."""
    laid_out = compiled.laid_out
    steps, places = laid_out.scheduled.plan.steps, laid_out.scheduled.places
    found = []
    for step, place, dims in zip(steps, places, laid_out.dims, strict=True):
        if step.name not in compiled.circuit.sites:
            continue
        found.append(
            {
                "name": step.name,
                "node": writer(step, place),
                "operation": _operation(step.operation),
                "reads": [steps[i].name for i in step.reads],
                "dims": [int(d) for d in dims],
            }
        )
    return found


def _operation(operation: t.Operation) -> str:
    """Return in a word how a variable is computed."""
    match operation:
        case t.Input():
            return operation.kind
        case t.Width():
            return "selector_width"
        case t.Mean():
            return "mean"
        case t.Pick():
            return operation.rule
    return "table"
