"""Features have the values that the interpreter gives their text."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.ir.graph import build_graph
from compiler.ir.interpret import encode_batch
from compiler.ir.interpret import interpret as run_definition
from compiler.passes.infer import infer_domains
from compiler.pipeline import read_source
from compiler.text.program import read_program
from compiler.text.source import SourceText
from zoo.arena.agents.features import FeatureLibrary
from zoo.arena.agents.reading import (
    best_program,
    explained,
    labels_of,
    table_of,
    without,
)

VOCAB = ("a", "b", "c")
INPUTS = ["abca", "c", "bb", "acb", "caab"]


def library(causal: bool = False) -> FeatureLibrary:
    ids = np.full((len(INPUTS), 4), -1)
    for row, text in zip(ids, INPUTS, strict=True):
        row[: len(text)] = [VOCAB.index(t) for t in text]
    return FeatureLibrary(VOCAB, ids, causal)


def by_definition(text: str, causal: bool) -> list[list]:
    """Return what a program gives on the inputs, by the interpreter."""
    read = read_source(read_program(SourceText(text)), VOCAB, 4, causal)
    graph = build_graph(read.expression, read.name, read.causal)
    typed = infer_domains(graph, read.vocab, read.max_len)
    tokens, lengths = encode_batch(typed, [list(text) for text in INPUTS])
    trace = run_definition(typed, tokens, lengths)
    return [trace.decoded(typed.output, row) for row in range(len(INPUTS))]


@pytest.mark.parametrize("causal", [False, True])
def test_a_feature_is_what_its_text_says(causal: bool) -> None:
    found = library(causal)
    plain = found.plain()
    features = [*plain, *found.heads([plain[0]])]
    rng = np.random.default_rng(int(causal))
    for place in [0, 1, *rng.choice(len(features), size=12, replace=False)]:
        feature = features[place]
        expected = by_definition(feature.program, causal)
        for row, values in enumerate(expected):
            held = feature.values[row][: len(values)]
            said = [VOCAB[int(v)] if feature.is_token else v for v in held]
            assert said == [
                v if isinstance(v, str) else pytest.approx(float(v)) for v in values
            ], feature.program


def test_a_table_gives_each_combination_its_label() -> None:
    found = library()
    tokens, places = found.plain()
    held = [
        int(token == "a" and place > 0)
        for text in INPUTS
        for place, token in enumerate(text)
    ]
    made = table_of([tokens, places], held, found, ["False", "True"])
    assert made is not None
    assert made.role == "combiner"
    flat = [v for row in by_definition(made.program, False) for v in row]
    assert flat == [bool(v) for v in held]
    assert table_of([tokens], held, found, ["False", "True"]) is None


def test_a_program_is_found_that_tells_most_of_the_outputs() -> None:
    found = library()
    outputs = [[len(text)] * len(text) for text in INPUTS]
    candidates = [*found.plain(), *found.heads()]
    program = best_program(outputs, candidates, found)
    assert program is not None
    assert by_definition(program, False) == outputs


def test_labels_are_read_from_writes_beside_idle_directions() -> None:
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    truth = rng.integers(3, size=60)
    idle = rng.standard_normal((60, 2)) @ basis[:2]
    rows = np.eye(3)[truth] @ basis[2:5] + idle
    labels = labels_of(without(rows, idle[:20]))
    assert labels is not None
    assert len(set(zip(truth.tolist(), labels.tolist(), strict=True))) == 3
    assert explained(without(rows, idle[:20]), truth) == pytest.approx(1.0)
    assert explained(rows, rng.permutation(truth)) < 0.3
