"""`compile_model`: a program in, a model out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from compiler.lower.options import Options
from compiler.model import Model
from compiler.passes.decomposition import steps_beyond
from compiler.passes.infer import Limits
from compiler.pipeline import Stages, compile_stages, read_source
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from compiler.rasp.values import Value


def compile_model(
    source: Program | SOp,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    *,
    causal: bool | None = None,
    limits: Limits | None = None,
    rotate: int | None = None,
    permute_heads: int | None = None,
    decoys: int = 0,
    beside: Program | SOp | None = None,
    seed: int = 0,
) -> Model:
    """Return the transformer that computes a program.

    The last five arguments change what the model looks like, never what it computes
    nor which variables its circuit has: see `compiler.lower.options`.

    Args:
        source: a Program or a RASP expression.
        vocab: the tokens, in order; the program's own by default.
        max_len: the greatest number of tokens; the program's own by default.
        causal: whether positions see only themselves and earlier ones.
        limits: sizes above which a program is refused.
        rotate: seed of a random orthogonal basis of the residual stream, and of others
            inside the heads.
        permute_heads: seed of a random order of each layer's heads.
        decoys: how many inert heads each layer gets, with hidden units in proportion,
            and how many real variables are computed that nothing reads.
        beside: a second program, computed in the same model over the same tokens and
            read by nothing. The circuit is the first one's, `beside` the rest's.
        seed: what the decoys are drawn from.

    Raises:
        InputError: the vocabulary, the length or an option cannot be used.
        ProgramError: the program cannot be typed or lowered; lists every problem.
    """
    options = Options(rotate, permute_heads, decoys, seed)
    read = read_source(source, vocab, max_len, causal, beside)
    return to_model(compile_stages(read, limits, options))


def to_model(stages: Stages) -> Model:
    """Return the model at the end of a compilation."""
    compiled = stages.compiled
    return Model(
        name=stages.program.name,
        typed=stages.typed,
        config=compiled.config,
        weights=compiled.weights,
        readout=compiled.readout,
        circuit=compiled.circuit,
        rows=compiled.rows,
        basis=compiled.basis,
        facts=MappingProxyType({**program_facts(stages), **_option_facts(stages)}),
        beside=compiled.beside,
        steps=steps_beyond(stages.scheduled.plan),
    )


def program_facts(stages: Stages) -> dict[str, Any]:
    """Return what a catalogue knows of the program; its text is for reading only."""
    program = stages.program.program
    if program is None:
        return {}
    facts = {"family": program.family, "meaning": program.meaning}
    try:
        return {**facts, "source": program.source}
    except (OSError, TypeError):  # made at a prompt: there is no file with its text
        return facts


def _option_facts(stages: Stages) -> dict[str, Any]:
    """Return the options that are in force, and what is computed for nothing."""
    options, typed = stages.options, stages.typed
    facts: dict[str, Any] = {}
    if options != Options():
        facts["options"] = asdict(options)
    extra = list(typed.extra)
    if stages.program.beside is not None:
        name = typed.variables[extra.pop(0)].name
        facts["beside"] = {"name": stages.program.beside_name, "output": name}
    if extra:
        facts["decoys"] = [typed.variables[i].name for i in extra]
    return facts
