"""Attention patterns as pictures: a square for each query and key, darker for more."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from compiler.model import Model
from zoo.gallery.markup import Content, Markup, number, tag
from zoo.gallery.program import shown
from zoo.gallery.recordings import Attention

_SHADES = 8
_CELL, _EDGE = 12.0, 26.0
MOST_HEADS = 24
"""Heads that are shown; those of the circuit come first."""


def attention_section(model: Model, found: Sequence[Attention]) -> Content:
    """Return the section with the patterns of recorded inputs; nothing without any."""
    heads = _heads(model)
    if not found or not heads:
        return None
    inputs, panels = [], []
    for place, example in enumerate(found):
        name = f"attention-{place}"
        inputs.append(
            tag(
                "input",
                type="radio",
                name_="attention",
                id=name,
                checked=place == 0,
                class_="tab",
            )
        )
        words = " ".join(shown(token) for token in example.tokens)
        inputs.append(tag("label", tag("code", words), for_=name, class_="tab"))
        panels.append(_panel(model, example, heads))
    return tag(
        "section",
        tag("h2", "Attention"),
        tag(
            "p",
            "How much each token (a row) attends to BOS and each token (a column), in "
            "a run of the model without a patch. Heads of the circuit have a frame.",
            class_="lead",
        ),
        tag("div", inputs, panels, class_="tabs"),
        id="attention",
    )


def _heads(model: Model) -> list[str]:
    """Return the heads that are shown, in order."""
    names = model.config.names
    heads = [n for n, part in names.source_parts.items() if part.kind == "head"]
    used = set(model.circuit.nodes)
    kept = sorted(heads, key=lambda name: name not in used)[:MOST_HEADS]
    return [name for name in heads if name in kept]


def _panel(model: Model, example: Attention, heads: Sequence[str]) -> Markup:
    used = set(model.circuit.nodes)
    words = [shown(token) for token in example.tokens]
    figures = []
    for name in heads:
        part = model.config.names.source_parts[name]
        assert part.layer is not None and part.head is not None
        pattern = example.patterns[part.layer, part.head]
        caption = tag("figcaption", tag("code", name))
        figures.append(
            tag(
                "figure",
                _matrix(pattern, words, name),
                caption,
                class_="in" if name in used else None,
            )
        )
    return tag("div", figures, class_="panel matrices")


def _matrix(
    pattern: Float[np.ndarray, "seq key"], words: Sequence[str], name: str
) -> Markup:
    """Return one head's pattern; cells of one shade are one path."""
    queries, keys = pattern.shape
    shades = np.rint(pattern * _SHADES).astype(int)
    paths = []
    for shade in range(1, _SHADES + 1):
        rows, columns = np.nonzero(shades == shade)
        cells = [
            f"M{number(_EDGE + c * _CELL)} {number(_EDGE + r * _CELL)}h11v11h-11z"
            for r, c in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        if cells:
            opacity = f"{shade / _SHADES:g}"
            paths.append(tag("path", d="".join(cells), fill_opacity=opacity))
    width, height = _EDGE + keys * _CELL, _EDGE + queries * _CELL
    labels = [
        *(
            _label(w, _EDGE + (i + 0.5) * _CELL, 20.0)
            for i, w in enumerate(("^", *words))
        ),
        *(_label(w, 14.0, _EDGE + (i + 0.8) * _CELL) for i, w in enumerate(words)),
    ]
    paper = tag(
        "rect",
        x=number(_EDGE),
        y=number(_EDGE),
        width=number(width - _EDGE),
        height=number(height - _EDGE),
        class_="grid",
    )
    return tag(
        "svg",
        paper,
        paths,
        labels,
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=number(width),
        height=number(height),
        role="img",
        aria_label=f"Attention pattern of {name}: {_said(pattern, words)}",
        class_="matrix",
    )


def _label(word: str, x: float, y: float) -> Markup:
    short = word if len(word) <= 2 else word[:2]
    return tag("text", short, x=number(x), y=number(y))


def _said(pattern: Float[np.ndarray, "seq key"], words: Sequence[str]) -> str:
    """Return to which key each query attends most, in words."""
    keys = ("BOS", *words)
    most = pattern.argmax(axis=1).tolist()
    return ", ".join(f"{w} to {keys[k]}" for w, k in zip(words, most, strict=True))
