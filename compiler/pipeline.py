"""The compiler: one frozen type a stage, each checked before the next begins.

    program    a Program or an expression, its vocabulary and maximum length
    graph      hash-consed nodes                                     ir/graph.py
    typed      exact domains, tables, simplified                     ir/typed.py
    scheduled  codes chosen, a layer and a slot for every step       passes/
    laid_out   residual dimensions, all sizes                        passes/layout.py
    compiled   configuration, weights, circuit                       lower/

`compile_stages` returns all of them; `compile_program` the last. Compiling needs
NumPy only.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from compiler.errors import InputError, ProgramError, count
from compiler.interchange.tokenizer import EOS
from compiler.ir.graph import Graph, build_graph
from compiler.ir.typed import Typed
from compiler.lower.assemble import assemble, choose_readout, make_config
from compiler.lower.circuit import Compiled, annotate
from compiler.lower.distractors import draw_distractors, keep_distractors
from compiler.lower.options import (
    Options,
    add_inert,
    balance,
    make_room,
    random_basis,
    turn,
    turn_heads,
)
from compiler.lower.reshape import reshape
from compiler.lower.verify import verify_laid_out, verify_scheduled
from compiler.passes.check import Accepts, check_defined, some_inputs
from compiler.passes.infer import Limits, check_vocabulary, infer_domains
from compiler.passes.layout import LaidOut, lay_out
from compiler.passes.next_token import write_tokens
from compiler.passes.plan import choose_codes
from compiler.passes.rules import settle_and_infer
from compiler.passes.schedule import Scheduled, schedule
from compiler.passes.simplify import simplify
from compiler.passes.tasks import apart, read_tasks
from compiler.rasp.expr import Elementwise, SOp, given_name
from compiler.rasp.program import Program
from compiler.rasp.tuples import ProgramTuple
from compiler.rasp.values import Value, ordered
from compiler.text.problems import in_words_of_text

STAGES = ("program", "graph", "typed", "scheduled", "laid_out", "compiled")


@dataclass(frozen=True, eq=False)
class Source:
    """The first stage: what is compiled, over which inputs.

    Attributes:
        name: the program's.
        expression: what it computes.
        program: where it came from, if it was a Program.
        vocab: the tokens, in canonical form and in order.
        max_len: the greatest number of tokens.
        causal: whether positions see only themselves and earlier ones.
        accepts: which inputs the program is for.
        beside: what a second program computes in the same model.
        beside_name: the second program's name.
        generates: whether the output at the last token is the token that comes next.
    """

    name: str
    expression: SOp
    program: Program | None
    vocab: tuple[Value, ...]
    max_len: int
    causal: bool
    accepts: Accepts | None
    beside: SOp | None = None
    beside_name: str | None = None
    generates: bool = False

    @property
    def outputs(self) -> tuple[str, ...]:
        """The variables in the tuple that several programs compute; () of one."""
        if not isinstance(self.program, ProgramTuple):
            return ()
        assert isinstance(self.expression, Elementwise)
        return tuple(str(given_name(part)) for part in self.expression.args)


@dataclass(frozen=True, eq=False)
class Stages:
    """Every stage of one compilation."""

    program: Source
    graph: Graph
    typed: Typed
    scheduled: Scheduled
    laid_out: LaidOut
    compiled: Compiled
    options: Options = field(default_factory=Options)


def read_source(
    source: Program | SOp,
    vocab: Iterable[Value] | None = None,
    max_len: int | None = None,
    causal: bool | None = None,
    beside: Program | SOp | None = None,
) -> Source:
    """Return the first stage.

    Raises:
        InputError: the vocabulary or the length cannot be used, or the second program
            cannot share a model with the first.
    """
    read = _read_source(source, vocab, max_len, causal)
    if beside is None:
        return read
    return replace(
        read,
        beside=_read_beside(beside, read),
        beside_name=_name_of(beside),
    )


def _name_of(source: Program | SOp) -> str:
    name = source.name if isinstance(source, Program) else given_name(source)
    return name or "expression"


def _read_beside(beside: Program | SOp, source: Source) -> SOp:
    """Return what a second program computes over the first one's inputs."""
    if isinstance(beside, SOp):
        return beside
    if not isinstance(beside, Program):
        raise InputError(
            f"beside is a {type(beside).__name__}; give a Program or a RASP expression"
        )
    if beside.causal != source.causal:
        words = {True: "causal", False: "bidirectional"}
        raise InputError(
            f"{beside.name} is {words[beside.causal]} and {source.name} is compiled "
            f"{words[source.causal]}: two programs in one model share its attention. "
            "Choose another program, or give causal= and the second one's expression"
        )
    return beside.build(source.vocab, source.max_len)


def _read_source(
    source: Program | SOp,
    vocab: Iterable[Value] | None,
    max_len: int | None,
    causal: bool | None,
) -> Source:
    if isinstance(source, Program):
        if not source.vocab and vocab is None:
            raise InputError(
                f"{source.name}: the text sets no vocabulary. Write a line such as "
                'set vocab "abc" into it, or give one: vocab="abc", '
                '--vocab \'["a","b","c"]\''
            )
        tokens = check_vocabulary(
            _listed(source.vocab if vocab is None else vocab),
            source.max_len if max_len is None else max_len,
        )
        limit = source.max_len if max_len is None else max_len
        expression = source.build(tokens, limit)
        causal = source.causal if causal is None else causal
        return Source(
            source.name,
            expression,
            source,
            tokens,
            limit,
            causal,
            source.accepts,
            generates=source.generates,
        )
    if not isinstance(source, SOp):
        raise InputError(
            f"cannot compile a {type(source).__name__}; give a program's name, a "
            "Program, or a RASP expression"
        )
    if vocab is None or max_len is None:
        raise InputError(
            "an expression needs vocab= and max_len=, for example vocab='abc', "
            "max_len=8"
        )
    tokens = check_vocabulary(_listed(vocab), max_len)
    name = given_name(source) or "expression"
    return Source(name, source, None, tokens, max_len, bool(causal), None)


def _listed(vocab: Iterable[Value]) -> list[Value]:
    if not isinstance(vocab, Iterable):
        raise InputError(
            f"the vocabulary is {vocab!r}, a {type(vocab).__name__}; give a list of "
            "tokens"
        )
    return ordered(vocab)


def compile_stages(
    source: Source, limits: Limits | None = None, options: Options | None = None
) -> Stages:
    """Return all stages of one compilation, each verified.

    Raises:
        ProgramError: the program cannot be typed or lowered.
    """
    try:
        return _compile_stages(source, limits, options)
    except ProgramError as error:
        text = None if source.program is None else source.program.text
        if not text:
            raise
        raise in_words_of_text(error, text) from None


def _compile_stages(
    source: Source, limits: Limits | None, options: Options | None
) -> Stages:
    options = options or Options(generate=source.generates)
    limits = limits or Limits()
    distractors = _distractors(source, limits, options)
    beside = () if source.beside is None else (source.beside,)
    graph = build_graph(
        source.expression,
        source.name,
        source.causal,
        (*beside, *distractors.values()),
    )
    for repeated in graph.repeated:
        warnings.warn(
            f"{source.name}: {repeated}. Give each a name of its own",
            stacklevel=3,
        )

    infer = partial(
        infer_domains, vocab=source.vocab, max_len=source.max_len, limits=limits
    )
    graph, typed = settle_and_infer(
        graph, infer, lambda t: some_inputs(t, source.accepts)
    )
    # Checked before it is simplified: what is dropped then may be undefined.
    typed = simplify(check_defined(typed, source.accepts))
    outputs = source.outputs
    if outputs:
        typed = read_tasks(typed, outputs)
    if options.generate:
        typed = write_tokens(typed, EOS)
    typed = keep_distractors(typed, tuple(distractors), options.decoys)
    lowered = apart(typed) if outputs else typed
    scheduled = schedule(choose_codes(lowered, limits.parameters))
    compiled = compile_scheduled(scheduled, options, limits)
    laid_out = compiled.laid_out
    return Stages(source, graph, typed, scheduled, laid_out, compiled, options)


def compile_typed(
    typed: Typed, options: Options | None = None, limits: Limits | None = None
) -> Compiled:
    """Return the compiled transformer of a typed program: the last three stages.

    A saved model holds its typed program, so this makes its weights and its circuit
    anew without the program's author.

    Raises:
        ProgramError: the program cannot be lowered, or its model is too large.
    """
    most = (limits or Limits()).parameters
    return compile_scheduled(schedule(choose_codes(typed, most)), options, limits)


def compile_scheduled(
    scheduled: Scheduled, options: Options | None = None, limits: Limits | None = None
) -> Compiled:
    """Return the compiled transformer of a scheduled program: the last two stages.

    Raises:
        ProgramError: its model is too large.
    """
    options = options or Options()
    laid_out = lay_out(verify_scheduled(scheduled))
    laid_out = verify_laid_out(make_room(laid_out, options))
    _refuse_large(laid_out, (limits or Limits()).parameters)
    return _compile(laid_out, options)


def _refuse_large(laid_out: LaidOut, most: int) -> None:
    """Refuse a model of too many parameters before its weights are made."""
    config = make_config(laid_out, choose_readout(laid_out))
    if config.n_params > most:
        raise ProgramError(
            [
                f"its model would have {config.n_params:,} parameters, above the limit "
                f"of {most:,}: {count(config.n_layers, 'layer')} of "
                f"{count(config.n_heads, 'head')} with d_head {config.d_head}, "
                f"d_model {config.d_model} and d_mlp {config.d_mlp}. Lower max_len or "
                "decoys, take a smaller vocabulary, or raise max_parameters."
            ],
            laid_out.scheduled.plan.typed.name,
        )


def _distractors(source: Source, limits: Limits, options: Options) -> dict[str, SOp]:
    if not options.decoys:
        return {}
    return draw_distractors(source.vocab, source.max_len, limits.table, options.seed)


def _compile(laid_out: LaidOut, options: Options) -> Compiled:
    """Return the last stage: weights in float64, the options, then the cast."""
    readout = choose_readout(laid_out)
    config = make_config(laid_out, readout)
    weights = assemble(laid_out, config, readout)
    basis = stretch = None
    if options.decoys:
        weights = add_inert(weights, laid_out, options.seed)
    if options.rotate is not None:
        basis = random_basis(laid_out.d_model, options.rotate)
        stretch = balance(laid_out, readout.kind != "classes")
        weights = turn(turn_heads(weights, options.rotate), basis, stretch)
    compiled = annotate(laid_out, config, weights, readout, basis, stretch)
    return reshape(compiled, weights, options, stretch)


def compile_program(
    source: Program | SOp,
    vocab: Sequence[Value] | None = None,
    max_len: int | None = None,
    causal: bool | None = None,
    limits: Limits | None = None,
) -> Compiled:
    """Return the compiled transformer of a program or an expression."""
    return compile_stages(read_source(source, vocab, max_len, causal), limits).compiled
