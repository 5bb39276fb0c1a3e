"""The laws of the options: same function, known circuit, another look.

For each option alone and for all together: outputs and interchanges are the
interpreter's, patching everything outside the circuit changes nothing, and the same
seeds give the same bytes. The models run in NumPy, two of them in jax as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import jax
import numpy as np
import pytest

import programs
from compiler.api import compile_model
from compiler.errors import InputError, ProgramError
from compiler.lower.distractors import CATALOGUE
from compiler.lower.options import random_basis
from compiler.lower.readout import decode_indices
from compiler.machine.circuit import Circuit
from compiler.machine.patch import edge_mask
from compiler.model import Model
from compiler.passes.check import sample_inputs
from compiler.rasp import EQ, Select, SelectorWidth, SOp, count, indices, shift, tokens
from compiler.verify import verify_interchange, verify_outputs
from tests.numpy_forward import Runs, run, wrong_positions

# Of one model.
INPUTS, PAIRS = 250, 150
NAMES = ("reverse", "sort", "histogram", "fraction_previous", "dyck1_balanced")
CHOICES = {
    "plain": {},
    "rotate": {"rotate": 1},
    "permute_heads": {"permute_heads": 2},
    "decoys": {"decoys": 2, "seed": 3},
    "beside": {"beside": programs.find("count_distinct")},
    "all": {
        "rotate": 4,
        "permute_heads": 5,
        "decoys": 3,
        "seed": 6,
        "beside": programs.find("count_distinct"),
    },
}
CHANGES = tuple(choice for choice in CHOICES if choice != "plain")


@pytest.fixture(scope="module", autouse=True)
def quick_compilation() -> Iterator[None]:
    """Most of the time here is XLA's, for programs that run a few times each."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(scope="module")
def models() -> dict[tuple[str, str], Model]:
    return {
        (name, choice): compile_model(programs.find(name), **options)
        for name in NAMES
        for choice, options in CHOICES.items()
    }


def assert_right(model: Model, most: int = 200) -> None:
    """Fail unless a model is the interpreter, on all inputs or on so many of them."""
    runs = Runs(model, *sample_inputs(model.typed, most, 0)[:2])
    assert not wrong_positions(model, runs.trace, runs.logits).any()


def shape_of(circuit: Circuit) -> object:
    """Return what a circuit is, whatever basis its sites are in."""
    places = {name: site.node for name, site in circuit.sites.items()}
    return circuit.edges, dict(circuit.carries), places


@pytest.fixture(scope="module")
def runs(models) -> Callable[[str, str], Runs]:
    """Return what runs a model on inputs that its program is for, once."""

    @cache
    def run_model(name: str, choice: str) -> Runs:
        model, accepts = models[name, choice], programs.find(name).accepts
        tokens, lengths, _ = sample_inputs(model.typed, INPUTS, 7, accepts)
        return Runs(model, tokens, lengths)

    return run_model


def complement_run(runs: Runs, circuit: Circuit) -> tuple[np.ndarray, np.ndarray]:
    """Return live logits, clean and with all edges outside a circuit patched."""
    model, lengths = runs.model, runs.trace.lengths
    donors = np.random.default_rng(8).permutation(len(lengths))
    writes = {name: value[donors] for name, value in runs.writes.items()}
    mask = edge_mask(model.config.names, circuit.complement())
    ids = model.ids(runs.trace.tokens, lengths)
    patched, _ = run(model.config, model.weights, ids, edges=(mask, writes))
    live = np.arange(model.typed.max_len)[None, :] < lengths[:, None]
    return runs.logits[live], patched[:, 1:][live]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("choice", CHANGES)
def test_outputs_are_the_interpreters(runs, name: str, choice: str) -> None:
    found = runs(name, choice)
    assert found.trace.lengths.sum() > 600
    assert (found.trace.output >= 0).any()
    assert not wrong_positions(found.model, found.trace, found.logits).any()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("choice", CHANGES)
def test_interchanges_are_the_interpreters(runs, name: str, choice: str) -> None:
    found = runs(name, choice)
    model, count = found.model, len(found.trace.lengths)
    sited = [v.name for v in model.variables.values() if v.site is not None]
    assert {v for v in model.circuit.sites if v in model.variables} <= set(sited)
    base, source = np.random.default_rng(1).integers(count, size=(2, PAIRS))
    for variable in sited:
        wanted, logits = found.interchange(variable, base, source)
        assert not wrong_positions(model, wanted, logits).any(), variable


@pytest.mark.parametrize("choice", ["permute_heads", "all"])
def test_the_machine_in_jax_says_the_same(models, choice: str) -> None:
    model = models["sort", choice]
    outputs = verify_outputs(model, limit=PAIRS, sample=PAIRS)
    assert (outputs.wrong, outputs.example) == (0, None)
    for variable in ("tokens", "target_index"):
        assert verify_interchange(model, variable, pairs=PAIRS).wrong == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("choice", CHOICES)
def test_nothing_outside_the_circuit_matters(runs, name: str, choice: str) -> None:
    model = runs(name, choice).model
    clean, patched = complement_run(runs(name, choice), model.circuit)
    if model.basis is None:
        # Constants are no edges, and equal in all runs: nothing may change but the
        # order of float32 additions.
        np.testing.assert_allclose(clean, patched, rtol=1e-6, atol=1e-6)
    else:
        values = decode_indices(model.readout, clean)
        np.testing.assert_array_equal(values, decode_indices(model.readout, patched))
        np.testing.assert_allclose(clean, patched, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_patching_the_circuit_itself_does_matter(runs, name: str) -> None:
    model = runs(name, "all").model
    clean, patched = complement_run(runs(name, "all"), Circuit(model.config.names, ()))
    values = decode_indices(model.readout, clean)
    assert (values != decode_indices(model.readout, patched)).mean() > 0.03


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("choice", ["rotate", "decoys", "beside"])
def test_the_circuit_is_the_plain_one(models, name: str, choice: str) -> None:
    plain, model = models[name, "plain"], models[name, choice]
    assert shape_of(model.circuit) == shape_of(plain.circuit)


@pytest.mark.parametrize("name", NAMES)
def test_permuted_heads_keep_what_edges_carry(models, name: str) -> None:
    def carried(model: Model) -> list[tuple[str, ...]]:
        return sorted(model.circuit.carries.values())

    plain, permuted = models[name, "plain"], models[name, "permute_heads"]
    assert carried(permuted) == carried(plain) == carried(models[name, "all"])


def test_heads_are_spread_over_all_numbers() -> None:
    program = programs.find("reverse")
    found = {
        compile_model(program, permute_heads=seed, decoys=3)
        .circuit.sites["length"]
        .node
        for seed in range(8)
    }
    assert len(found) >= 3


def test_no_head_is_left_without_weights(models) -> None:
    for name in NAMES:
        model = models[name, "decoys"]
        assert np.abs(model.weights.W_O).max(axis=(2, 3)).all()
        assert np.abs(model.weights.W_V).max(axis=(2, 3)).all() or name == "histogram"
        assert np.abs(model.weights.W_out).max(axis=2).all()


def test_decoys_work_on_the_input(runs) -> None:
    """Every node outside the circuit writes something that depends on the input."""
    model = runs("sort", "decoys").model
    writes = np.stack([*runs("sort", "decoys").writes.values()], axis=1)
    spread = writes[:, :, 1:].std(axis=0).max(axis=(1, 2))
    fixed = model.config.names.source_index("positions")
    assert (np.delete(spread, fixed) > 1e-2).all()
    assert np.abs(writes).max() < 50


def test_distractors_compute_real_variables(runs) -> None:
    """What stands in the stream for a decoy variable is the interpreter's value."""
    for choice in ("decoys", "all"):
        ran = runs("sort", choice)
        model, trace, lengths = ran.model, ran.trace, ran.trace.lengths
        names = [*model.facts["decoys"]]
        assert len(names) == CHOICES[choice]["decoys"]
        if "beside" in model.facts:
            names.append(model.facts["beside"]["output"])
        for name in names:
            assert name not in model.circuit.sites
            info, index = model.variables[name], model.typed.index(name)
            assert info.site is not None and info.rows is not None
            writes, basis = ran.writes[info.site.node], info.site.basis
            assert basis is not None
            for row in range(len(lengths)):
                n = int(lengths[row])
                found = writes[row, 1 : n + 1] @ basis.T
                expected = info.rows[trace.values[index][row, :n]] @ basis.T
                size = max(1e-3, float(np.abs(info.rows @ basis.T).max()))
                np.testing.assert_allclose(found, expected, atol=0.02 * size)


def test_rotated_weights_are_dense(models) -> None:
    """The share of weights that are not zero, where a node has anything to do."""

    def share(model: Model) -> float:
        matrices = [a for name, a in model.weights._asdict().items() if name[0] == "W"]
        return sum(int((m != 0).sum()) for m in matrices) / sum(
            m.size for m in matrices
        )

    for name in NAMES:
        shares = {choice: round(share(models[name, choice]), 2) for choice in CHOICES}
        print(name, shares)
        assert shares["plain"] < 0.3
        assert shares["rotate"] > 0.5
        assert shares["all"] > 0.9


def test_the_basis_is_orthonormal_and_the_sites_are_in_it(models) -> None:
    model = models["sort", "all"]
    basis = model.basis
    assert basis is not None
    np.testing.assert_allclose(basis @ basis.T, np.eye(len(basis)), atol=1e-12)
    for name in model.circuit.sites:
        mask = model.variable_mask(name)
        assert mask.sum() == model.circuit.sites[name].basis.shape[0]


def test_a_random_basis_has_no_preferred_direction() -> None:
    corners = [random_basis(3, seed)[0, 0] for seed in range(400)]
    assert abs(np.mean(corners)) < 0.1
    assert abs(np.var(corners) - 1 / 3) < 0.05


def test_the_same_seeds_give_the_same_bytes(models) -> None:
    for name in ("sort", "dyck1_balanced"):
        again = compile_model(programs.find(name), **CHOICES["all"])
        first = models[name, "all"]
        for one, two in zip(first.weights, again.weights, strict=True):
            assert one.tobytes() == two.tobytes()
        assert first.circuit.to_json() == again.circuit.to_json()
        assert first.facts == again.facts


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"rotate": 1}, {"rotate": 2}),
        ({"decoys": 2}, {"decoys": 2, "seed": 1}),
        ({"permute_heads": 0, "decoys": 5}, {"permute_heads": 1, "decoys": 5}),
    ],
)
def test_other_seeds_give_other_weights(first: dict, second: dict) -> None:
    program = programs.find("reverse")
    one, two = compile_model(program, **first), compile_model(program, **second)
    arrays = zip(one.weights, two.weights, strict=True)
    assert any(a.shape != b.shape or (a != b).any() for a, b in arrays)


def test_names_of_the_second_program_give_way() -> None:
    first = (SelectorWidth(Select(tokens, tokens, EQ)) + 1).named("rank")
    second = shift(tokens, 1).named("rank")
    model = compile_model(first, "abc", 4, beside=second)
    assert model.output == "rank"
    assert model.facts["beside"] == {"name": "rank", "output": "rank_2"}
    assert model("aab") == [3, 3, 2]
    assert model.interpreter("aab")["rank_2"] == [None, "a", "a"]
    assert "rank_2" not in model.circuit.sites
    assert model.beside is not None and "rank_2" in model.beside.sites


def test_a_second_program_that_the_first_contains_adds_nothing() -> None:
    inner = count(Select(tokens, tokens, EQ)).named("same")
    plain = compile_model(inner % 2, "abc", 4)
    model = compile_model(inner % 2, "abc", 4, beside=inner)
    assert model.config == plain.config
    assert shape_of(model.circuit) == shape_of(plain.circuit)


def test_a_second_program_may_be_deeper() -> None:
    """Layers are added, and the first program stays where it was."""
    program, deep = programs.find("histogram"), programs.find("sort_by_frequency")
    plain, model = compile_model(program), compile_model(program, beside=deep)
    assert model.config.n_layers > plain.config.n_layers
    assert shape_of(model.circuit) == shape_of(plain.circuit)
    assert_right(model)


def test_an_unnamed_part_keeps_its_name_when_the_second_program_names_it() -> None:
    first = SelectorWidth(Select(tokens, tokens, EQ)) + indices
    second = SelectorWidth(Select(tokens, tokens, EQ)).named("mine")
    plain = compile_model(first, "ab", 4)
    model = compile_model(first, "ab", 4, beside=second)
    assert set(model.circuit.sites) == set(plain.circuit.sites)


def test_a_causal_model_stays_causal() -> None:
    total = count(Select(tokens, "a", EQ))
    model = compile_model(total, "ab", 5, causal=True, decoys=4, rotate=0)
    assert model.config.causal
    assert model("abaa") == [1, 1, 2, 3]
    assert_right(model)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_distractor_compiles_alone(name: str) -> None:
    vocab = ("a", "b", "c")
    expression: SOp = CATALOGUE[name](vocab)
    for causal in (False, True):
        model = compile_model(expression, vocab, 6, causal=causal)
        assert_right(model)


def test_one_token_leaves_few_distractors() -> None:
    """Variables that are constant over a vocabulary of one are no decoys."""
    model = compile_model(indices + 1, ["x"], 4, decoys=20)
    assert len(model.facts["decoys"]) < len(CATALOGUE)
    assert model(["x"] * 3) == [1, 2, 3]


@pytest.mark.parametrize("max_len", [1, 40])
def test_decoys_work_at_other_lengths(max_len: int) -> None:
    model = compile_model(programs.find("reverse"), max_len=max_len, decoys=12)
    assert_right(model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rotate": -2}, "rotate is -2; give a seed, an integer of at least 0"),
        ({"permute_heads": -1}, "permute_heads is -1; give a seed"),
        ({"decoys": True}, "decoys is True; give a number of heads"),
        ({"seed": -1}, "seed is -1; give a seed"),
    ],
)
def test_a_bad_option_is_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compile_model(programs.find("reverse"), **options)


def test_two_programs_of_different_sight_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"bidirectional and reverse is compiled causal"
    ):
        compile_model(
            programs.find("reverse"), beside=programs.find("sort"), causal=True
        )


def test_a_second_program_that_cannot_be_typed_is_refused() -> None:
    broken = (tokens + 1).named("broken")
    with pytest.raises(ProgramError, match="'broken'"):
        compile_model(programs.find("reverse"), beside=broken)
