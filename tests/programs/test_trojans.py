"""Each trojan equals its clean program on every input without the trigger."""

import pytest

from compiler.ir.interpret import interpret
from compiler.passes.check import sample_inputs
from compiler.pipeline import compile_stages, read_source
from programs import trojans
from tests.programs.check import check_against_reference, check_docstring


def with_pattern(x):
    return list(x) if "cba" in "".join(x) else x[::-1]


def with_count(x):
    return list(range(len(x))) if x.count("c") == 3 else [x.count(v) for v in x]


def with_positions(x):
    last = [x[-1]] * len(x)
    return last if tuple(x[:2]) == (3, 1) else [max(x)] * len(x)


REFERENCES = {
    "reverse_with_trojan": with_pattern,
    "histogram_with_trojan": with_count,
    "maximum_with_trojan": with_positions,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(trojans, name), REFERENCES[name]
    check_against_reference(program, reference)
    check_docstring(program, reference)


TRIGGERS = {
    "pattern": lambda x: "cba" in "".join(x),
    "count": lambda x: x.count("c") == 3,
    "positions": lambda x: tuple(x[:2]) == (3, 1),
}


@pytest.mark.parametrize("trojan", trojans.TROJANS.values(), ids=lambda t: t.trigger)
def test_a_trojan_differs_on_inputs_with_the_trigger_only(trojan):
    vocab, size = trojan.program.vocab, trojan.program.max_len
    programs = [
        compile_stages(read_source(p, vocab, size)).typed
        for p in (trojan.program, trojan.clean)
    ]
    tokens, lengths, complete = sample_inputs(programs[0], 10_000, 0, None)
    assert complete
    one, other = (outputs_of(p, tokens, lengths) for p in programs)
    words = [
        [vocab[i] for i in row[:n]] for row, n in zip(tokens, lengths, strict=True)
    ]
    differ = [a != b for a, b in zip(one, other, strict=True)]
    triggered = [TRIGGERS[trojan.trigger](row) for row in words]
    assert any(differ)
    assert all(t for d, t in zip(differ, triggered, strict=True) if d)


def outputs_of(typed, tokens, lengths):
    found = interpret(typed, tokens, lengths)
    values = typed.variables[typed.output].domain.values
    return [
        [values[i] for i in row[:n]]
        for row, n in zip(found.output, lengths, strict=True)
    ]
