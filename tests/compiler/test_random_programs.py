"""Random programs: definition = interpreter = compiled model, on every input.

18 programs a shard in CI, 2000 with HYPOTHESIS_PROFILE=thorough; see
`random_programs.py` for what is drawn.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import Phase, given, seed, settings

from compiler.api import compile_model
from compiler.errors import ProgramError
from compiler.ir.interpret import encode_batch
from compiler.passes.infer import Limits
from compiler.rasp.values import UNDEFINED
from tests import oracle
from tests.compiler.random_programs import Case, cases
from tests.numpy_forward import Runs, wrong_positions

SHARDS, EXAMPLES = 10, 18
LIMITS = Limits(table=20_000, domain=1_000)
# Why a well-typed program may be refused: it is too large, it is ambiguous, it
# averages what is no number, or its numbers are too dense for float32.
REASONS = (
    "above the limit",
    "a mean needs numbers",
    "hold different values",
    "a value that is no number is averaged",
    "the function raises on",
    "cannot be told apart in float32",
    "the rule 'mode' compares the counts",
    "too many counts to compare",
)


def reason(error: ProgramError) -> str:
    """Return the one of REASONS that every problem of an error states."""
    found = [next((r for r in REASONS if r in p), "") for p in error.problems]
    assert all(found), f"refused for no known reason: {error}"
    return found[0]


def check(case: Case, tally: Counter[str]) -> None:
    """Fail unless a case is the same by definition, interpreted and compiled."""
    try:
        model = compile_model(
            case.expression,
            case.vocab,
            case.max_len,
            causal=case.causal,
            limits=LIMITS,
        )
    except ProgramError as error:
        tally[reason(error)] += 1
        return
    tally["compiled"] += 1
    tokens, lengths = encode_batch(model.typed, case.inputs)
    runs = Runs(model, tokens, lengths)
    trace, logits = runs.trace, runs.logits
    for row, given_tokens in enumerate(case.inputs):
        expected = oracle.evaluate(case.expression, given_tokens, case.causal)
        found = trace.decoded(model.typed.output, row)
        assert found == expected, f"interpreter{given_tokens}: {found}, not {expected}"
        # A sample of the inputs may have missed the one that is ambiguous.
        if UNDEFINED in found:
            assert model.typed.notes
    wrong = np.argwhere(wrong_positions(model, trace, logits))
    if len(wrong):
        row, position = wrong[0].tolist()
        values = trace.decoded(model.typed.output, row)
        raise AssertionError(
            f"model{case.inputs[row]} at {position}: logits {logits[row, position]} "
            f"of {model.readout}, not {values[position]!r}"
        )
    check_interchanges(case, runs)


def check_interchanges(case: Case, runs: Runs) -> None:
    """Fail unless swapping one of the variables does what overriding it does."""
    draw, model = random.Random(len(case.text)), runs.model
    known = [v for v in model.variables if v in model.circuit.sites]
    if not known:
        return
    variable = draw.choice(known)
    count = len(case.inputs)
    base = np.arange(4 * count) % count
    source = np.array([draw.randrange(count) for _ in base])
    trace, logits = runs.interchange(variable, base, source)
    wrong = np.argwhere(wrong_positions(model, trace, logits))
    if len(wrong):
        row, position = wrong[0].tolist()
        pair = case.inputs[base[row]], case.inputs[source[row]]
        values = trace.decoded(model.typed.output, row)
        raise AssertionError(
            f"{variable} of {pair[1]} in {pair[0]} at {position}: logits "
            f"{logits[row, position]} of {model.readout}, not {values[position]!r}"
        )


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_definition_interpreter_and_model_agree(shard):
    tally: Counter[str] = Counter()
    thorough = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"

    @settings(
        max_examples=2000 if thorough else EXAMPLES,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )
    @given(case=cases())
    def agree(case):
        check(case, tally)

    agree = agree if thorough else seed(shard)(agree)
    agree()
    refused = 1 - tally["compiled"] / tally.total()
    assert refused < 0.3, f"{refused:.0%} of the programs are refused: {tally}"


def test_refusals_state_their_reason():
    assert re.search(
        "above the limit", reason(ProgramError(["1, above the limit of 0"]))
    )
    with pytest.raises(AssertionError, match="no known reason"):
        reason(ProgramError(["because"]))
