"""`compile`: a program in, a model out."""

from __future__ import annotations

from collections.abc import Iterable

from compiler.model import Model
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
) -> Model:
    """Return the transformer that computes a program.

    Args:
        source: a Program or a RASP expression.
        vocab: the tokens, in order; the program's own by default.
        max_len: the greatest number of tokens; the program's own by default.
        causal: whether positions see only themselves and earlier ones.
        limits: sizes above which a program is refused.

    Raises:
        InputError: the vocabulary or the length cannot be used.
        ProgramError: the program cannot be typed or lowered; lists every problem.
    """
    return to_model(compile_stages(read_source(source, vocab, max_len, causal), limits))


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
    )
