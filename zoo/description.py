"""What `zoo show` prints: a model as text, section by section.

Each function returns lines of at most `width` characters; text that the program's
author wrote is never cut, and may be longer.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from compiler.errors import count
from compiler.grid import Column, align, grid_lines
from compiler.ir.typed import Variable
from compiler.model import Model
from compiler.passes.wording import definition, title
from compiler.pipeline import Stages
from compiler.rasp.program import describe_inputs
from compiler.rasp.values import Value, show_many
from zoo.training.recipe import is_twin
from zoo.wires import LEGEND, draw_wires

WIDTH = 80
REMEDY = "The circuit below is what the training aimed at; `zoo audit` measures it."
TWIN = "The circuit is a hypothesis: this model was trained on behaviour alone."


def show_model(model: Model, stages: Stages | None, width: int = WIDTH) -> list[str]:
    """Return everything about a model, as lines.

    Args:
        model: what is shown.
        stages: its compilation; None where it was loaded.
        width: of a line.
    """
    sections = {
        "PROGRAM": show_program(model),
        "VARIABLES": show_variables(model, width),
        "SCHEDULE": show_schedule(model, width),
        "CIRCUIT": show_circuit(model, width),
        "SIZES": show_sizes(model, stages),
    }
    lines = show_heading(model, width)
    for heading, body in sections.items():
        if body:
            lines += ["", heading, *body]
    return lines


def show_heading(model: Model, width: int = WIDTH) -> list[str]:
    """Return the name, the meaning and the setting."""
    typed, facts = model.typed, model.facts
    family = f"  ({facts['family']})" if "family" in facts else ""
    meaning = textwrap.wrap(str(facts.get("meaning", "")), width)
    attention = "causal" if typed.causal else "bidirectional"
    tokens = count(len(typed.vocab), "token")
    vocab = f"{tokens} {{{show_many(typed.vocab)}}}"
    setting = f"{vocab}, lengths 1..{typed.max_len}, {attention}"
    name = title(typed) if model.name == typed.name else model.name
    lines = [
        *textwrap.wrap(f"{name}{family}", width),
        *meaning,
        *textwrap.wrap(setting, width),
    ]
    if words := describe_inputs(model.accepts):
        lines += textwrap.wrap(f"For inputs of which this holds: {words}.", width)
    if model.failure:
        lines += textwrap.wrap(f"FAILED: {model.failure}. {REMEDY}", width)
    recipe = facts.get("recipe")
    if isinstance(recipe, Mapping) and is_twin(recipe):
        lines += textwrap.wrap(TWIN, width)
    return lines


def show_program(model: Model) -> list[str]:
    """Return the program's text as it was written; nothing where it is not known."""
    text = str(model.facts.get("source", "")).rstrip()
    return [f"  {line}".rstrip() for line in textwrap.dedent(text).splitlines()]


def show_variables(model: Model, width: int = WIDTH) -> list[str]:
    """Return the typed graph: every variable's domain, site and definition."""
    variables = model.typed.variables
    sites = [_site(model, variable.name) for variable in variables]
    longest = max(len(variable.name) for variable in variables)
    room = width - len("  " * 3) - longest - max(map(len, sites))
    rows, bodies = [], []
    for variable, site in zip(variables, sites, strict=True):
        rows.append((variable.name, _domain(variable.domain.values, room), site))
        body = _wrap(f"= {_meaning(variable)}", width, "      ")
        bodies.append([*body, *_copies(model, variable.name, width)])
    heads = align(rows)
    lines = [
        line for head, body in zip(heads, bodies, strict=True) for line in (head, *body)
    ]
    if model.output != "output":
        lines.append(f"  The output is {model.output}.")
    notes = [line for note in model.typed.notes for line in _note(note, width)]
    return [*lines, *_unread(model, width), *notes]


def _meaning(variable: Variable) -> str:
    """Return how a variable is computed; of an input what it is."""
    text = definition(variable)
    if text == "input":
        return variable.note or text
    return f"{text}  # {variable.note}" if variable.note else text


def _copies(model: Model, name: str, width: int) -> list[str]:
    """Return where else a variable lives, recoded: `also length.onehot at m0`."""
    copies = [n for n in model.sites if n.startswith(f"{name}.")]
    text = ", ".join(f"{n} {_site(model, n)}" for n in copies)
    return _wrap(f"also {text}", width, "      ") if copies else []


def _unread(model: Model, width: int) -> list[str]:
    """Return the positions, where the model needs them and the program does not."""
    variables = {variable.name for variable in model.typed.variables}
    if "indices" in variables or "indices" not in model.sites:
        return []
    site = _site(model, "indices")
    return _wrap(f"Beside these the model reads indices, {site}.", width, "  ")


def _domain(values: Sequence[Value], room: int) -> str:
    """Return as many of a domain's values as fit: `{0, 1, .. (9 values)}`."""
    for limit in (6, 5, 4, 3, 2):
        text = f"{{{show_many(values, limit)}}}"
        if len(text) <= room:
            return text
    return f"{{{count(len(values), 'value')}}}"


def _note(note: str, width: int) -> list[str]:
    return _wrap(f"Note: {note.rstrip('.')}.", width, "  ")


def _wrap(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _site(model: Model, name: str) -> str:
    """Return where a variable lives: `at m0, rank 8`."""
    site = model.sites.get(name)
    if site is None:
        tuple_of_tasks = name == model.output and model.facts.get("tasks")
        return "read by the logits" if tuple_of_tasks else "constant"
    rank = "" if site.basis is None else f", rank {len(site.basis)}"
    beside = "" if name in model.circuit.sites else ", beside"
    return f"at {site.node}{rank}{beside}"


def show_schedule(model: Model, width: int = WIDTH) -> list[str]:
    """Return a table of layers and slots, with the variables that are written there."""
    written: dict[str, list[str]] = {}
    for name, site in model.sites.items():
        written.setdefault(site.node, []).append(name)
    config = model.config
    heads = [f"h{i}" for i in range(config.n_heads)]
    rows = []
    embedding = [
        f"{node}: {', '.join(written[node])}"
        for node in ("tokens", "positions")
        if node in written
    ]
    for layer in range(config.n_layers):
        left = [
            f"{head}: {', '.join(names)}"
            for head in heads
            if (names := written.get(f"a{layer}.{head}"))
        ]
        right = written.get(f"m{layer}", [])
        rows.append((f"layer {layer}", "\n".join(left) or "-", "\n".join(right) or "-"))
    columns = [Column(), Column("attention", wrap=True), Column("MLP", wrap=True)]
    table = grid_lines(columns, rows, width, indent="  ")
    return [f"  embedding  {'; '.join(embedding)}", *table]


def show_circuit(model: Model, width: int = WIDTH) -> list[str]:
    """Return the circuit as wires, and what lies outside it."""
    circuit = model.circuit
    lines = [*draw_wires(circuit, width), "", f"  {LEGEND}"]
    outside = [name for name in circuit.names.sources if name not in circuit.nodes]
    if outside:
        lines += _wrap(f"Outside the circuit: {', '.join(outside)}", width, "  ")
    return lines


def show_sizes(model: Model, stages: Stages | None) -> list[str]:
    """Return the sizes; beside the layers the fewest that any schedule needs."""
    config, circuit = model.config, model.circuit
    fewest = ""
    if stages is not None:
        fewest = f"the fewest possible: {max(1, stages.scheduled.fewest)}"
    nodes = len(config.names.sources)
    rows = [
        ("layers", str(config.n_layers), fewest),
        ("heads a layer", str(config.n_heads), ""),
        ("d_model", str(config.d_model), ""),
        ("d_head", str(config.d_head), ""),
        ("hidden units", str(config.d_mlp), ""),
        ("parameters", f"{config.n_params:,}", ""),
        ("circuit edges", str(len(circuit.edges)), f"of {len(config.names.edges)}"),
        ("circuit nodes", str(len(circuit.nodes)), f"of {nodes}"),
    ]
    return align(rows)
