"""`compile_model`: a program in, a model out."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Any

from compiler.errors import InputError
from compiler.families import find_family
from compiler.lower.options import Options
from compiler.model import Model
from compiler.passes.decomposition import steps_beyond
from compiler.passes.infer import Limits
from compiler.pipeline import Stages, compile_stages, read_source
from compiler.rasp.expr import SOp
from compiler.rasp.program import Program
from compiler.rasp.tuples import ProgramTuple
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
    like: str | None = None,
    norm: str | None = None,
    act: str | None = None,
    gated: bool | None = None,
    generate: bool | None = None,
) -> Model:
    """Return the transformer that computes a program.

    The arguments from `rotate` to `gated` change what the model looks like, never what
    it computes nor which variables its circuit has: see `compiler.lower.options`.

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
        like: the architecture, `gpt2` or `bert`: the model is saved as a folder that
            Hugging Face transformers loads. GPT-2 attends to earlier positions only.
        norm: the norm in front of every reader: `none`, `pre` (LayerNorm) or `rms`
            (RMSNorm); as `like` says, or none.
        act: the activation: `relu`, `gelu`, `gelu_new` or `silu`; as `like` says, or
            ReLU.
        gated: whether MLPs are gated, without biases.
        generate: whether the output at the last token is the token that comes next:
            `model.generate` then runs the program; as the program says by default.

    Raises:
        InputError: the vocabulary, the length or an option cannot be used.
        ProgramError: the program cannot be typed or lowered; lists every problem.
    """
    shape = shape_options(like, norm, act, gated)
    if like is not None and causal is None:
        causal = find_family(like).causal or None
    if generate and causal is None and isinstance(source, SOp):
        causal = True
    read = read_source(source, vocab, max_len, causal, beside)
    if like is not None and read.causal != find_family(like).causal:
        ways = {True: "to earlier positions only", False: "in both directions"}
        raise InputError(
            f"{read.name} attends {ways[read.causal]}, and {find_family(like).title} "
            f"{ways[not read.causal]}. Leave like= out, or name another architecture"
        )
    writes = read.generates if generate is None else generate
    options = Options(rotate, permute_heads, decoys, seed, generate=writes, **shape)
    return to_model(compile_stages(read, limits, options))


def shape_options(
    like: str | None, norm: str | None, act: str | None, gated: bool | None
) -> dict[str, Any]:
    """Return the options that say which architecture a compiled model has.

    Raises:
        NameLookupError: there is no architecture of that name.
        InputError: a program cannot be compiled into it.
    """
    of_family: dict[str, Any] = {}
    if like is not None:
        family = find_family(like)
        if family.options["positions"] == "rotary":
            raise InputError(
                f"programs are not compiled into {family.title}: its rotary positions "
                "turn queries and keys by up to one radian a position, so that a head "
                "that matches contents would match them less well the farther they "
                'are apart. Compile with like="gpt2", like="bert" or norm="rms", or '
                f'train it: zoo.train(.., like="{like}")'
            )
        chosen = ("norm", "act")
        of_family = {name: family.options[name] for name in chosen} | {"filled": True}
    given = {"norm": norm, "act": act, "gated": gated}
    return of_family | {name: v for name, v in given.items() if v is not None}


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
        accepts=stages.program.accepts,
    )


def program_facts(stages: Stages) -> dict[str, Any]:
    """Return what a catalogue knows of the program; its text is for reading only."""
    program = stages.program.program
    if program is None:
        return {}
    facts: dict[str, Any] = {"family": program.family, "meaning": program.meaning}
    if program.classes is not None:
        facts["classes"] = program.classes
    if isinstance(program, ProgramTuple):
        facts["tasks"] = [p.name for p in program.programs]
    try:
        return {**facts, "source": program.source}
    except (OSError, TypeError):  # made at a prompt: there is no file with its text
        return facts


def _option_facts(stages: Stages) -> dict[str, Any]:
    """Return the options that are in force, and what is computed for nothing."""
    options, typed = stages.options, stages.typed
    facts: dict[str, Any] = {}
    if options != Options():
        facts["options"] = options.to_json()
    extra = list(typed.extra)
    if stages.program.beside is not None:
        name = typed.variables[extra.pop(0)].name
        facts["beside"] = {"name": stages.program.beside_name, "output": name}
    if extra:
        facts["decoys"] = [typed.variables[i].name for i in extra]
    return facts
