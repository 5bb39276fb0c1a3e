"""Several programs at once: the output is the tuple of all of theirs.

    compute_beside([sort, reverse])     of  3 1 2  is  (1, 2) (2, 1) (3, 3)

Each program is a *task* of the model. The logits read the output of each by itself, so
no component puts the tuple together: the logit of a tuple is the sum of one logit for
each task (`compiler/passes/tasks.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compiler.errors import InputError
from compiler.rasp.expr import Elementwise, SOp
from compiler.rasp.program import Program, describe_inputs
from compiler.rasp.several import (
    FAMILY,
    ProgramRewriter,
    check_together,
    example_over,
    shared_tokens,
)
from compiler.rasp.values import Value, canonical

SIDE_BY_SIDE = ","
"""What stands between the names of programs in the name of a model of all of them."""


@dataclass(frozen=True)
class ProgramTuple(Program):
    """Programs that are all computed in one model; the output is a tuple.

    Attributes:
        programs: the programs, in the order of the tuple.
    """

    programs: tuple[Program, ...] = ()

    @property
    def source(self) -> str:
        """The texts of the programs, as written."""
        return "\n\n".join(program.source.rstrip() for program in self.programs) + "\n"


def compute_beside(programs: Sequence[Program]) -> ProgramTuple:
    """Return the program whose output is the tuple of the outputs of several.

    All of them take the same tokens: those of the first program whose tokens each of
    them can be computed over. The length is the shortest of their lengths.

    Args:
        programs: two or more, all with attention in the same direction.

    Raises:
        InputError: there is only one, one is there twice, they attend in different
            directions, one writes token after token, or no vocabulary is fit for all.
    """
    programs = tuple(programs)
    names = [program.name for program in programs]
    check_together(programs, names)
    if writer := next((p.name for p in programs if p.generates), None):
        raise InputError(
            f"{writer} writes one token after the other, and a tuple of outputs is no "
            "token. Choose programs that do not, or train it by itself"
        )
    vocab = shared_tokens(programs)

    def build(vocab: Sequence[Value], max_len: int) -> SOp:
        outputs = [
            ProgramRewriter().moved(p.build(tuple(vocab), max_len), p.name)
            for p in programs
        ]
        return Elementwise(lambda *values: tuple(values), tuple(outputs))

    shown, _ = example_over(programs[0], vocab)
    outputs = build(vocab, max(len(shown), 1))(list(shown))
    return ProgramTuple(
        name=SIDE_BY_SIDE.join(names),
        family=FAMILY,
        meaning=f"The outputs of {' and '.join(names)}, as a tuple.",
        vocab=vocab,
        max_len=min(program.max_len for program in programs),
        example=(shown, tuple(canonical(v) for v in outputs)),
        builder=build,
        causal=programs[0].causal,
        accepts=_Fit(programs) if any(p.accepts for p in programs) else None,
        programs=programs,
    )


class _Fit:
    """The inputs that all of several programs are for."""

    def __init__(self, programs: tuple[Program, ...]) -> None:
        self._accepts = [p.accepts for p in programs if p.accepts is not None]
        words = [f"for {p.name}, {p.inputs}" for p in programs if p.inputs]
        self.words = "; ".join(words) or describe_inputs(None)

    def __call__(self, tokens: Sequence[Value], /) -> bool:
        """Return whether every program is for this input."""
        return all(accepts(tokens) for accepts in self._accepts)
