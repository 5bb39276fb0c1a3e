"""Sums of evidence: what decides where a part is knocked out."""

import itertools

import numpy as np
import pytest

import zoo
from compiler.errors import InputError, ProgramError
from compiler.ir.typed import Table
from compiler.machine.patch import Patch
from compiler.passes.codes import one_hot
from compiler.passes.evidence import sum_evidence
from compiler.rasp import Aggregate, Select, tokens, weigh
from compiler.rasp.evidence import WeighedVote


def most(values, weights):
    sums = {
        v: sum(w for u, w in zip(values, weights, strict=True) if u == v)
        for v in values
    }
    return max(sums, key=lambda v: sums[v])


@pytest.mark.parametrize("weights", [(5, 4), (4, 3, 2), (2, -1), (-2, 7, -4)])
def test_units_give_the_value_of_most_weight_whatever_is_absent(weights):
    values, codes = ("a", "b", "c"), [one_hot(3)] * len(weights)
    vote = WeighedVote(weights)
    table = np.full((3,) * len(weights), -1, np.int32)
    for cell in np.ndindex(*table.shape):
        held = [values[i] for i in cell]
        assert vote(*held) == most(held, weights)
        table[cell] = values.index(most(held, weights))
    operation = Table(tuple(range(len(weights))), table, weights=weights)
    units = sum_evidence(operation, [values] * len(weights), codes, values, one_hot(3))
    for cell in itertools.product(range(4), repeat=len(weights)):
        rows = [np.append(np.eye(3), np.zeros((1, 3)), 0)[i] for i in cell]
        sums = units.apply(rows) * sum(weights)
        expected = np.zeros(3)
        for place, weight in zip(cell, weights, strict=True):
            expected[:3] += weight * (np.arange(3) == place)
        np.testing.assert_allclose(sums, expected, atol=1e-12)


@pytest.mark.parametrize("weights", [(1,), (1, 0), (1, -1), (True, 1)])
def test_weights_that_decide_nothing_are_refused(weights):
    with pytest.raises(InputError, match="integers that are not 0"):
        WeighedVote(weights)


def test_a_tie_and_a_wrong_number_of_weights_are_refused():
    copy = Aggregate(Select(tokens, tokens, lambda k, q: True), tokens, rule="max")
    with pytest.raises(InputError, match="2 sequences and 1 weights"):
        weigh([tokens, copy], (1,))
    with pytest.raises(ProgramError, match="same weight; choose weights"):
        zoo.compile(weigh([tokens, copy], (1, 1)), "abc", 3)


def test_evidence_that_is_read_again_or_of_two_values_is_refused():
    copy = Aggregate(Select(tokens, tokens, lambda k, q: True), tokens, rule="max")
    read = weigh([tokens, copy], (3, 2)).named("sum").map(lambda v: v == "a")
    with pytest.raises(ProgramError, match="is not the output"):
        zoo.compile(read, "abc", 3)
    with pytest.raises(ProgramError, match="has the values"):
        zoo.compile(weigh([tokens, copy], (3, 2)), "ab", 3)


@pytest.fixture(scope="module")
def backup():
    return zoo.compile("first_with_backup", max_len=3)


def outputs(model, base, donor, edges, scale):
    """Return the output for `base` with edges patched from scale * a run's writes."""
    from compiler.machine.forward import forward_batch, logits_batch
    from compiler.machine.patch import edge_mask

    ids = model.encode_batch([list(base), list(donor)])
    writes = forward_batch(model.transformer, ids).writes
    mask = edge_mask(model.config.names, edges)
    patch = Patch.edges(np.asarray(mask, np.float32), writes[1:] * scale)
    logits = logits_batch(model.transformer, ids[:1], patch, shared_mask=True)
    places = np.asarray(logits)[0].argmax(-1)[1 : len(base) + 1]
    return [model.readout.values[i] for i in places]


def test_backup_loses_under_interchange_and_wins_where_the_first_is_zero(backup):
    main, second = "a0.h0->m0", "a0.h1->m0"
    for base, donor in itertools.permutations(("abc", "bca", "cab"), 2):
        own, other = [base[0]] * 3, [donor[0]] * 3
        assert outputs(backup, base, donor, [main], 1.0) == other
        assert outputs(backup, base, donor, [second], 1.0) == own
        assert outputs(backup, base, donor, [main], 0.0) == own
        assert outputs(backup, base, donor, [second], 0.0) == own


def test_saved_sum_of_evidence_is_loaded_and_compiled_as_before(backup, tmp_path):
    from compiler.pipeline import compile_typed
    from compiler.save import load_model, save_model

    loaded = load_model(save_model(backup, tmp_path / "model"))
    table = loaded.typed.variables[loaded.typed.output].operation
    assert isinstance(table, Table) and table.weights == (5, 4)
    again = compile_typed(loaded.typed)
    assert again.circuit.edges == backup.circuit.edges
    np.testing.assert_array_equal(again.weights.W_out, backup.weights.W_out)
