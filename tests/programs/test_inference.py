"""The programs of `programs/inference.py` against plain Python."""

from __future__ import annotations

import itertools

import pytest

from programs import inference
from tests import oracle
from tests.programs.check import agree, check_against_reference, check_docstring


def cnf(x):
    clauses = "".join(map(str, x)).split(",")
    return [all("1" in clause for clause in clauses)] * len(x)


def horn(x):
    known: set[str] = set()
    while new := {head for body, head in x if known >= set(body)} - known:
        known |= new
    return [head in known for _, head in x]


def reachable(x):
    seen, waiting = set(), [0]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += [target for source, target in x if source == node]
    return [target in seen for _, target in x]


def resolved(x):
    values, out = {}, []
    for name, given in x:
        value = values.get(given) if isinstance(given, str) else given
        values[name] = value
        out.append(value)
    return out


def subleq(x, most=100):
    memory, at = list(x), 0
    for _ in range(most):
        if at < 0 or at + 2 >= len(memory):
            break
        a, b, c = memory[at], memory[at + 1], memory[at + 2]
        if min(a, b) < 0 or max(a, b) >= len(memory):
            break
        memory[b] -= memory[a]
        at = at + 3 if memory[b] > 0 else c
    return memory


REFERENCES = {
    "cnf_of_literals": cnf,
    "horn_forward_chaining": horn,
    "graph_reachability": reachable,
    "variable_resolution": resolved,
    "subleq": subleq,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    check_against_reference(getattr(inference, name), REFERENCES[name])
    check_docstring(getattr(inference, name), REFERENCES[name])


def test_subleq_accepts_what_stops_and_more_steps_accept_more():
    program = inference.subleq
    every = [*itertools.product(program.vocab, repeat=4)]
    accepted = [x for x in every if inference.stops_in_two_steps(x)]
    assert len(accepted) > len(every) // 2
    three = program.with_parameters(steps=3).build()
    for x in accepted[::25]:
        assert agree(oracle.evaluate(three, x), subleq(x))
