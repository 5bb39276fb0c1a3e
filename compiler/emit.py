"""The text of every stage of a compilation: what `zoo show --emit STAGE` prints.

Deterministic, so that golden files can hold it: no floats are written, and nothing
that depends on the machine. Nothing reads this text back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from compiler.errors import count, unknown_name
from compiler.grid import align
from compiler.ir import typed as t
from compiler.ir.graph import Graph, describe_node
from compiler.ir.typed import Typed, Variable
from compiler.lower.circuit import Compiled, writer
from compiler.machine.circuit import Circuit
from compiler.passes.codes import Code
from compiler.passes.layout import LaidOut
from compiler.passes.schedule import Place, Scheduled
from compiler.passes.scores import Head
from compiler.passes.steps import CodedStep, Plan
from compiler.passes.units import Units
from compiler.passes.wording import definition
from compiler.pipeline import STAGES, Source, Stages
from compiler.rasp.values import show_many


def emit(stages: Stages, stage: str) -> str:
    """Return one stage as text, without a line end after its last line.

    Args:
        stages: those of one compilation.
        stage: one of `compiler.pipeline.STAGES`.

    Raises:
        NameLookupError: no stage has that name.
    """
    match stage:
        case "program":
            lines = emit_program(stages.program)
        case "graph":
            lines = emit_graph(stages.graph)
        case "typed":
            lines = emit_typed(stages.typed)
        case "scheduled":
            lines = emit_scheduled(stages.scheduled)
        case "laid_out":
            lines = emit_laid_out(stages.laid_out)
        case "compiled":
            lines = emit_compiled(stages.compiled)
        case _:
            raise unknown_name("stage", stage, STAGES)
    return "\n".join(line.rstrip() for line in lines)


# One function a stage --------------------------------------------------------------


def emit_program(source: Source) -> list[str]:
    """Return the first stage as lines: the setting, and the text as written."""
    attention = "causal" if source.causal else "bidirectional"
    lines = [
        f"program {source.name}",
        f"  vocabulary  {show_many(source.vocab)}",
        f"  lengths     1..{source.max_len}",
        f"  attention   {attention}",
    ]
    if source.accepts is not None:
        lines.append("  inputs      those that the program accepts")
    if source.beside_name is not None:
        lines.append(f"  beside      {source.beside_name}")
    text = source_text(source)
    if text is None:
        return [*lines, "", "  (an expression; its text is not known)"]
    return [*lines, "", *(f"  {line}" for line in text.rstrip().splitlines())]


def source_text(source: Source) -> str | None:
    """Return the text of a program as written; None for what has no file."""
    if source.program is None:
        return None
    try:
        return source.program.source
    except (OSError, TypeError):  # made at a prompt
        return None


def emit_graph(graph: Graph) -> list[str]:
    """Return the second stage as lines, one a node."""
    names = [n.name for n in graph.nodes]
    lines = [f"graph {graph.name}: {count(len(names), 'node')}"]
    for node in graph.nodes:
        lines.append(f"  {describe_node(node, names)}{_remark(node.note)}")
    lines.append(f"  output {names[graph.output]}")
    if graph.extra:
        lines.append(f"  beside {', '.join(names[i] for i in graph.extra)}")
    return lines


def emit_typed(typed: Typed) -> list[str]:
    """Return the third stage as lines: definitions, domains and table sizes."""
    kind = "one number" if typed.numerical else "one of its values"
    lines = [
        f"typed {typed.name}: {count(len(typed.variables), 'variable')}",
        *align(
            [
                (v.name, f"{{{show_many(v.domain.values)}}}", f"= {definition(v)}")
                for v in typed.variables
            ]
        ),
        f"  output {typed.variables[typed.output].name}, read as {kind}",
    ]
    tables = [
        (v.name, size) for v in typed.variables if (size := _table_size(typed, v))
    ]
    if tables:
        lines += ["tables", *align(tables)]
    if typed.extra:
        names = ", ".join(typed.variables[i].name for i in typed.extra)
        lines.append(f"beside {names}")
    return [*lines, *(f"note: {note}" for note in typed.notes)]


def _table_size(typed: Typed, variable: Variable) -> str:
    """Return the sizes of what is tabulated for a variable, "" where nothing is."""

    def size(index: int) -> str:
        return f"{typed.variables[index].name} {typed.variables[index].domain.size}"

    match variable.operation:
        case t.Table(args=args):
            return " x ".join(size(a) for a in args)
        case t.Width() | t.Mean() | t.Pick():
            atoms = t.atoms(variable.operation.selector)
            pairs = [f"key {size(a.key)} x query {size(a.query)}" for a in atoms]
            return ", ".join(pairs) or "everything is selected"
    return ""


def _remark(note: str) -> str:
    return f"    # {note}" if note else ""


def emit_scheduled(scheduled: Scheduled) -> list[str]:
    """Return the fourth stage as lines: every step in its slot, first to last."""
    plan = scheduled.plan
    order = written_order(scheduled)
    rows = [
        (
            slot_text(plan.steps[i], scheduled.places[i]),
            plan.steps[i].name,
            code_text(plan.steps[i].code),
            reads_text(plan, plan.steps[i]),
        )
        for i in order
    ]
    return [
        f"scheduled {plan.typed.name}: {count(scheduled.n_layers, 'layer')}, "
        f"the fewest possible {scheduled.fewest}",
        *align([("slot", "step", "code", "reads"), *rows]),
        f"  output {plan.steps[plan.output].name}",
    ]


def written_order(scheduled: Scheduled) -> list[int]:
    """Return the steps in the order in which they are written."""
    places = scheduled.places
    return sorted(
        range(len(places)), key=lambda i: (places[i].slot, places[i].first, i)
    )


def slot_text(step: CodedStep, place: Place) -> str:
    """Return where a step is written: `layer 0 head 1`, `layer 0 units 3..7`."""
    match step.weights:
        case Head():
            return f"layer {place.layer} head {place.first}"
        case Units(count=0):
            return f"layer {place.layer} mlp no units"
        case Units(count=units):
            first, last = place.first, place.first + units - 1
            span = f"unit {last}" if units == 1 else f"units {first}..{last}"
            return f"layer {place.layer} mlp {span}"
    return "constant" if step.operation == t.Fixed() else "embedding"


def code_text(code: Code) -> str:
    """Return how values stand in the stream: `one-hot 5`, `number of 8`."""
    size = len(code.rows)
    if code.rank == 0:
        return "constant"
    return f"number of {size}" if code.rank == 1 else f"one-hot {size}"


def reads_text(plan: Plan, step: CodedStep) -> str:
    """Return what a step reads: `q level, indices; k level; v tokens`."""
    if not step.is_head:
        return ", ".join(plan.steps[i].name for i in step.reads)
    slots = {
        "q": [query for _, query in step.compared],
        "k": [key for key, _ in step.compared],
        "v": [step.value],
    }
    return "; ".join(f"{s} {_read_names(plan, reads)}" for s, reads in slots.items())


def _read_names(plan: Plan, reads: Sequence[int | None]) -> str:
    names = [plan.steps[i].name for i in dict.fromkeys(reads) if i is not None]
    return ", ".join(names) or "bos"


def emit_laid_out(laid_out: LaidOut) -> list[str]:
    """Return the fifth stage as lines: the dimensions of the stream, all sizes."""
    scheduled = laid_out.scheduled
    steps, places = scheduled.plan.steps, scheduled.places
    rows = [
        (laid_out.dims[i].start, _dims(laid_out.dims[i]), steps[i].name,
         writer(steps[i], places[i]))
        for i in range(len(steps))
        if len(laid_out.dims[i])
    ]  # fmt: skip
    if laid_out.bos is not None:
        rows.append((laid_out.bos, str(laid_out.bos), "(bos)", "tokens"))
    if len(laid_out.spare):
        rows.append((laid_out.spare.start, _dims(laid_out.spare), "(decoys)", "any"))
    table = [row[1:] for row in sorted(rows)]
    return [
        f"laid_out {scheduled.plan.typed.name}: d_model {laid_out.d_model}, "
        f"n_heads {laid_out.n_heads}, d_head {laid_out.d_head}, d_mlp {laid_out.d_mlp}",
        *align([("dims", "step", "written by"), *table]),
    ]


def _dims(dims: range) -> str:
    return str(dims.start) if len(dims) == 1 else f"{dims.start}..{dims.stop - 1}"


def emit_compiled(compiled: Compiled) -> list[str]:
    """Return the last stage as lines: the configuration, the circuit, the sites."""
    config, readout = compiled.config, compiled.readout
    name = compiled.laid_out.scheduled.plan.typed.name
    sizes = [(field.name, str(getattr(config, field.name))) for field in fields(config)]
    return [
        f"compiled {name}: {config.n_params} parameters",
        "config",
        *align(
            [*sizes, ("readout", f"{readout.kind}, {count(readout.size, 'logit')}")]
        ),
        *_circuit_lines("circuit", compiled.circuit),
        *([] if not compiled.beside else _circuit_lines("beside", compiled.beside)),
    ]


def _circuit_lines(title: str, circuit: Circuit) -> list[str]:
    edges = [(str(e), ", ".join(names)) for e, names in circuit.carries.items()]
    sites = [
        (name, site.node, "all" if site.basis is None else f"rank {len(site.basis)}")
        for name, site in circuit.sites.items()
    ]
    return [
        f"{title}: {count(len(edges), 'edge')}",
        *align(edges),
        "sites",
        *align(sites),
    ]
