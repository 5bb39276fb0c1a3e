"""Compiling as Tracr's users know it: `compile_rasp_to_model`, and a model's `apply`.

    from compiler import compiling                 # was: from tracr.compiler import ..
    model = compiling.compile_rasp_to_model(program, vocab={"a", "b"}, max_seq_len=5)
    model.apply(["compiler_bos", "a", "b"]).decoded

The result is a `Model` like any other; new programs call `zoo.compile`, which adds BOS.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from jaxtyping import Float

from compiler.api import compile_model
from compiler.errors import InputError
from compiler.model import Model
from compiler.rasp.expr import SOp
from compiler.rasp.tracr import as_python
from compiler.rasp.values import Value, ordered, show

COMPILER_BOS = "compiler_bos"
COMPILER_PAD = "compiler_pad"


@dataclass(frozen=True)
class Output:
    """What `apply` returns.

    Attributes:
        decoded: BOS, then the value at each position, fractions as floats.
        unembedded: [1, seq, classes] the logits; row 0 is BOS's.
        residuals: the stream before the first sublayer and after each, of
            [1, seq, d_model].
    """

    decoded: list[Value]
    unembedded: Float[Any, "1 seq classes"]
    residuals: list[Float[Any, "1 seq d_model"]]


@dataclass(frozen=True, eq=False, repr=False)
class AssembledModel(Model):
    """A compiled model that is also called as Tracr's are.

    Attributes:
        bos: what stands for BOS in the tokens that `apply` takes.
        pad: what stands for PAD there.
    """

    bos: str = COMPILER_BOS
    pad: str = COMPILER_PAD

    def apply(self, tokens: Sequence[Value]) -> Output:
        """Return what the model makes of BOS and the tokens after it.

        Args:
            tokens: `[bos, ..]`; PAD may follow the last one, and is decoded as PAD.

        Raises:
            InputError: they do not begin with BOS, or are none that the model takes.
        """
        given = list(tokens)
        if not given or given[0] != self.bos:
            found = show(given[0]) if given else "nothing"
            raise InputError(
                f"{self.name}: the tokens begin with {found}; Tracr's begin with "
                f"{self.bos!r}. Without it: model({given!r})"
            )
        words = given[1:]
        while words and words[-1] == self.pad:
            words.pop()
        run, size = self.run(words), len(words) + 1
        values = [as_python(v) for v in self.decode(run.logits[1:size])]
        padding = [self.pad] * (len(given) - size)
        names = self.config.names
        after = [2, *(i + 1 for i in range(2, len(names.sources)) if _ends(names, i))]
        return Output(
            decoded=[self.bos, *values, *padding],
            unembedded=run.logits[None, :size],
            residuals=[run.writes[:n, :size].sum(0)[None] for n in after],
        )


def _ends(names: Any, source: int) -> bool:
    """Return whether a source is the last of its sublayer."""
    sources = (*names.sources, "")
    return sources[source].partition(".")[0] != sources[source + 1].partition(".")[0]


def compile_rasp_to_model(
    program: SOp,
    vocab: Iterable[Value],
    max_seq_len: int,
    causal: bool = False,
    compiler_bos: str = COMPILER_BOS,
    compiler_pad: str = COMPILER_PAD,
    mlp_exactness: int = 100,
) -> AssembledModel:
    """Return the transformer that computes a program; the arguments are Tracr's.

    Args:
        program: an expression.
        vocab: the tokens, usually a set: it is sorted.
        max_seq_len: the greatest number of tokens, without BOS.
        causal: whether positions see only themselves and earlier ones.
        compiler_bos: what stands for BOS in the tokens that `apply` takes.
        compiler_pad: what stands for PAD there.
        mlp_exactness: not used; MLPs are exact to float32 here.

    Raises:
        InputError: the vocabulary or the length cannot be used, or the vocabulary holds
            BOS or PAD.
        ProgramError: the program cannot be typed or lowered; lists every problem.
    """
    del mlp_exactness
    tokens = ordered(vocab)
    for word, name in ((compiler_bos, "compiler_bos"), (compiler_pad, "compiler_pad")):
        if word in tokens:
            raise InputError(
                f"{word!r} is in the vocabulary, and is what stands for {name}; choose "
                f"another with {name}="
            )
    model = compile_model(program, tokens, max_seq_len, causal=causal)
    parts = {field.name: getattr(model, field.name) for field in fields(model)}
    return AssembledModel(**parts, bos=compiler_bos, pad=compiler_pad)
