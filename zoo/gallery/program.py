"""The program of a release in its page: tables for the interpreter, and an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compiler.model import Model
from compiler.rasp.values import UNDEFINED, Value, show
from compiler.tabulated import typed_to_json
from zoo.causal.by_hand import task_of
from zoo.gallery.markup import Content, Markup, data_block, tag
from zoo.release.released import Pair

UNDEFINED_SHOWN = "·"
MOST_BUTTONS = 24
"""Tokens of a vocabulary for which the page has buttons."""


def shown(value: Value) -> str:
    """Return a value as the pages show it: text without quotes."""
    if value is UNDEFINED:
        return UNDEFINED_SHOWN
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else show(value)


def has_program(model: Model) -> bool:
    """Return whether its program is in tables; a task by hand is code, and is not."""
    return task_of(model) is None


def program_data(model: Model) -> Mapping[str, Any] | None:
    """Return the program for `interpreter.js`; None of a task that is written by hand.

    The values of domains are as they are shown; everything else is as in program.json.
    """
    if not has_program(model):
        return None
    typed = typed_to_json(model.typed)
    variables = []
    for data, variable in zip(typed["variables"], model.typed.variables, strict=True):
        kept = {key: data[key] for key in ("name", "note", "text", "operation")}
        operation = {k: v for k, v in kept["operation"].items() if k != "partial"}
        values = [shown(value) for value in variable.domain.values]
        variables.append({**kept, "operation": operation, "values": values})
    return {
        "variables": variables,
        "output": typed["output"],
        "causal": typed["causal"],
        "max_len": typed["max_len"],
        "vocab": [shown(value) for value in model.typed.vocab],
    }


def program_section(
    model: Model, examples: Sequence[Sequence[Value]], pairs: Sequence[Pair]
) -> Markup:
    """Return the section on what the model's program computes.

    Args:
        model: the model.
        examples: recorded inputs, at least one; the first is shown at first.
        pairs: recorded inputs and outputs, for a task that was written by hand.
    """
    if not has_program(model):
        return _recorded(model, pairs)
    example = examples[0]
    vocab = [shown(value) for value in model.typed.vocab]
    buttons = [
        tag("button", token, type="button", class_="token", data_token=token)
        for token in vocab
    ]
    few = buttons if len(buttons) <= MOST_BUTTONS else []
    typed = " ".join(shown(token) for token in example)
    controls = tag(
        "div",
        tag("label", "Your input", for_="input"),
        tag(
            "input",
            id="input",
            value=typed,
            autocomplete="off",
            autocapitalize="off",
            spellcheck="false",
            aria_describedby="input-help",
        ),
        tag("div", few, class_="tokens", role="group", aria_label="Append a token"),
        tag(
            "div",
            tag("button", "Recorded input", type="button", id="recorded"),
            tag("button", "Random input", type="button", id="random"),
            tag("button", "Delete last", type="button", id="shorter"),
            class_="actions",
        ),
        tag("p", _help(model, vocab), id="input-help", class_="quiet"),
        tag("p", id="input-error", role="alert", class_="error"),
        class_="try needs-script",
        hidden=True,
    )
    return tag(
        "section",
        tag("h2", "What it computes"),
        tag(
            "p",
            "The interpreter of the program runs in this page: type an input, and "
            "read off what every variable holds at every position.",
            class_="lead needs-script",
            hidden=True,
        ),
        tag("noscript", tag("p", "With JavaScript, you can type an input here.")),
        controls,
        tag(
            "div",
            tag(
                "div", _trace(model, example), id="trace", class_="scroll", tabindex="0"
            ),
            tag("div", id="selectors", class_="matrices"),
            class_="read-off",
        ),
        data_block("program", program_data(model)),
        data_block("examples", [[shown(v) for v in tokens] for tokens in examples]),
        id="computes",
    )


def _help(model: Model, vocab: Sequence[str]) -> list[Content]:
    known = ", ".join(vocab[:30]) + (", .." if len(vocab) > 30 else "")
    return [
        f"1 to {model.typed.max_len} tokens, with spaces between them. "
        f"The vocabulary: {known}."
    ]


def _trace(model: Model, example: Sequence[Value]) -> Markup:
    """Return what every variable holds on an input, as a table."""
    found = model.interpreter(list(example))
    notes = {v.name: v.note or v.text for v in model.typed.variables}
    rows = [
        _row(name, values, notes[name], last=name == model.output)
        for name, values in found.items()
    ]
    places = [tag("th", str(i), scope="col") for i in range(len(example))]
    head = tag("tr", tag("th", "variable", scope="col"), places)
    return tag(
        "table",
        tag("caption", "What each variable holds, by position"),
        tag("thead", head),
        tag("tbody", rows),
        class_="trace",
    )


def _row(name: str, values: Sequence[Value], note: str, *, last: bool) -> Markup:
    cells = [tag("td", shown(value)) for value in values]
    head = tag("th", tag("span", name, title=note), scope="row")
    return tag("tr", head, cells, class_="output" if last else None)


def _recorded(model: Model, pairs: Sequence[Pair]) -> Markup:
    rows = []
    for pair in pairs[:8]:
        cells = zip(pair.clean, pair.clean_outputs, strict=True)
        rows.append(
            tag(
                "li",
                [
                    tag("span", tag("b", shown(t)), tag("i", shown(o)), class_="cell")
                    for t, o in cells
                ],
                class_="strip",
            )
        )
    return tag(
        "section",
        tag("h2", "What it computes"),
        tag(
            "p",
            "This task was written by hand in Python, and a release holds no code that "
            "runs. So the page cannot compute it. It shows examples that the release "
            "recorded: each token, and below it the output at that token, ",
            f"{UNDEFINED_SHOWN} where the task defines none.",
        ),
        tag("ul", rows, class_="strips"),
        id="computes",
    )
