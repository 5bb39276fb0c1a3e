from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from compiler.errors import InputError
from compiler.ir.graph import Apply, Source, build_graph, describe_node, parents
from compiler.rasp import (
    EQ,
    LT,
    TRUE,
    Aggregate,
    Constant,
    Map,
    Select,
    SelectorWidth,
    indices,
    length,
    mean,
    tokens,
)


def test_equal_parts_are_one_node():
    graph = build_graph((tokens + indices) * (tokens + indices))
    assert [type(n.operation).__name__ for n in graph.nodes] == [
        "Source",
        "Source",
        "Apply",
        "Apply",
    ]
    assert parents(graph.nodes[graph.output].operation) == (2,)


def test_equal_selectors_and_aggregates_are_one_node():
    one = Aggregate(Select(tokens, indices, EQ), tokens)
    other = Aggregate(Select(tokens, indices, EQ), tokens)
    assert len(build_graph(one - other).nodes) == 4
    assert len(build_graph(one - Aggregate(TRUE, tokens)).nodes) == 5


def test_true_and_one_are_two_constants():
    graph = build_graph(Constant(True) + Constant(1))
    assert len(graph.nodes) == 3
    apply = graph.nodes[graph.output].operation
    assert isinstance(apply, Apply) and apply.args == (0, 1)


def test_functions_are_compared_by_identity():
    assert len(build_graph(Map(abs, tokens) + Map(abs, tokens)).nodes) == 3
    one, other = Map(lambda x: x, tokens), Map(lambda x: x, tokens)
    assert len(build_graph(one + other).nodes) == 4


def test_nodes_come_after_what_they_read():
    expression = mean(Select(tokens + 1, length, LT), indices * tokens)
    graph = build_graph(expression)
    for index, node in enumerate(graph.nodes):
        assert all(parent < index for parent in parents(node.operation))
    assert graph.output == len(graph.nodes) - 1


def test_sixty_doublings_are_sixty_nodes():
    value = tokens
    for _ in range(60):
        value = value + value
    assert len(build_graph(value).nodes) == 61


def test_a_selector_shared_sixty_times_is_visited_once():
    selector = Select(tokens, tokens, EQ)
    width = SelectorWidth(selector)
    for _ in range(60):
        width = SelectorWidth(Select(width, width, EQ))
    assert len(build_graph(width).nodes) == 62


def test_depth_is_not_bounded_by_the_stack():
    value = tokens
    for _ in range(2000):
        value = -value
    assert len(build_graph(value).nodes) == 2001


def test_names_are_unique_and_the_authors_are_kept():
    expression = (tokens + 1).named("x") - (tokens + 2).named("x") + indices
    graph = build_graph(expression.named("tokens"))
    names = [node.name for node in graph.nodes]
    assert len(set(names)) == len(names)
    assert {"x", "x_2", "tokens", "tokens_2"} <= set(names)
    sources = {n.name for n in graph.nodes if isinstance(n.operation, Source)}
    assert sources == {"tokens", "indices"}


def test_an_unnamed_twin_of_a_named_node_is_that_node():
    expression = (tokens + 1).named("x") * (tokens + 1)
    graph = build_graph(expression)
    assert sum(isinstance(n.operation, Apply) for n in graph.nodes) == 2


def test_nodes_read_as_text():
    graph = build_graph(Aggregate(~Select(tokens, indices, LT), tokens, "z", "last"))
    names = [node.name for node in graph.nodes]
    assert describe_node(graph.nodes[graph.output], names) == (
        "output = last(~(key tokens < query indices), tokens, 'z')"
    )


def test_a_causal_program_has_no_length():
    with pytest.raises(InputError, match="a causal program cannot know `length`"):
        build_graph(length + 1, causal=True)


_NAMES = """
import zlib
import programs
from compiler.pipeline import compile_stages, read_source
for name in ("sort", "dyck2_balanced", "histogram"):
    stages = compile_stages(read_source(programs.find(name)))
    print([node.name for node in stages.graph.nodes])
    print([variable.name for variable in stages.typed.variables])
    print([step.name for step in stages.scheduled.plan.steps])
    print([(p.slot, p.first) for p in stages.scheduled.places])
    print([zlib.crc32(a.tobytes()) for a in stages.compiled.weights])
"""


@pytest.mark.slow
def test_names_places_and_weights_are_the_same_in_every_process():
    def names(seed: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", _NAMES],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        return done.stdout

    first = names("1")
    assert "'target_index', 'output'" in first
    assert names("2") == first
