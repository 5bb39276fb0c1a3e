"""Proofs against all pairs of inputs of small models, and against a prover.

A position that is certified must stay right under every donor. On a model of two
tokens, at most three long, every pair with every shift is run by `forward`.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import save_file

import programs
import zoo
from compiler.api import compile_model
from compiler.errors import InputError
from compiler.machine.circuit import Circuit
from compiler.machine.config import Config
from compiler.machine.forward import forward
from compiler.machine.patch import Patch
from compiler.machine.weights import Weights, freeze, to_tensors
from zoo.auditing.adversary import Budget, attack, masks_of
from zoo.auditing.behaviour import labels_of
from zoo.auditing.contrasts import draw_contrasts
from zoo.auditing.proof import attention, zonotope
from zoo.auditing.proof.edges import of_edge
from zoo.auditing.proof.figures import Proof
from zoo.auditing.proof.followed import Followed
from zoo.auditing.proof.network import Network, network_of
from zoo.auditing.proof.prove import SLACK, Prover, prove
from zoo.auditing.subject import Subject, subject_of
from zoo.causal.runs import donor_writes
from zoo.causal.strata import Space, make_space, space_of

RELEASES = Path(__file__).resolve().parents[3] / "releases"
N_CTX = 4


def _random(act: str, causal: bool, seed: int = 0) -> Subject:
    """Return a small random model, and a circuit that leaves out three nodes."""
    compiled = subject_of(compile_model(programs.find("reverse"), "ab", N_CTX - 1))
    config = Config(
        n_layers=2,
        n_heads=2,
        d_model=8,
        d_head=3,
        d_mlp=12,
        d_vocab=4,
        d_vocab_out=3,
        n_ctx=N_CTX,
        act=act,
        causal=causal,
        bos_id=compiled.config.bos_id,
        pad_id=compiled.config.pad_id,
    )
    rng = np.random.default_rng(seed)
    arrays = {
        name: (rng.normal(size=shape) * 0.45).astype(np.float32)
        for name, shape in config.shapes.items()
    }
    names = config.names
    left_out = ("a0.h1", "a1.h1", "m1")
    edges = tuple(
        edge
        for edge in names.edges
        if edge.source not in left_out and names.node_of(edge.reader) not in left_out
    )[::2]
    circuit = Circuit(names, edges)
    return replace(
        compiled, config=config, weights=freeze(Weights(**arrays)), circuit=circuit
    )


def _ids(subject: Subject) -> np.ndarray:
    return np.asarray(make_space(subject.causal).pool.ids)


class _Loops:
    """The patched runs of all pairs of some inputs, by the definition."""

    def __init__(self, subject: Subject, ids: np.ndarray) -> None:
        self.transformer, self.ids = subject.transformer, jnp.asarray(ids)
        self.lengths = (ids != subject.config.pad_id).sum(1)
        self.n_ctx = subject.config.n_ctx
        self._one = jax.jit(jax.vmap(self._run, in_axes=(0, 0, 0, None)))
        self._writes = jax.jit(donor_writes)

    def _run(self, ids: Any, writes: Any, where: Any, mask: Any) -> Any:
        return forward(
            self.transformer, ids, Patch.edges(mask, writes, where=where)
        ).logits

    def logits(self, pairs: Any, mask: np.ndarray) -> Any:
        """Return the logits of pairs [pair, place, class] with an edge mask."""
        base, donor, shift = pairs
        shared = np.minimum(self.lengths[base], self.lengths[donor])
        where = (np.arange(self.n_ctx) < shared[:, None]).astype(np.float32)
        writes = self._writes(self.transformer, self.ids[donor], jnp.asarray(shift))
        edges = jnp.asarray(mask, jnp.float32)
        return np.asarray(self._one(self.ids[base], writes, where, edges))


def _broken(loops: _Loops, labels: np.ndarray, mask: Any, pairs: Any) -> np.ndarray:
    """Return [input, place]: whether some of the pairs make the output wrong."""
    wrong = loops.logits(pairs, mask).argmax(-1) != labels[pairs[0]]
    found = np.zeros(labels.shape, bool)
    np.logical_or.at(found, pairs[0], wrong & (labels[pairs[0]] >= 0))
    return found


def _all_pairs(count: int, shifts: int) -> tuple[np.ndarray, ...]:
    grid = np.meshgrid(*map(np.arange, (count, count, shifts)), indexing="ij")
    return tuple(axis.reshape(-1).astype(np.int32) for axis in grid)


@pytest.mark.parametrize(("act", "causal"), [("gelu", True), ("relu", False)])
def test_no_donor_breaks_what_is_certified(act: str, causal: bool) -> None:
    subject = _random(act, causal)
    ids = _ids(subject)
    network = network_of(subject.config, subject.weights)
    labels = network.run(ids).logits.argmax(-1)  # every plain output counts as right
    live = (ids != subject.config.pad_id) & (np.arange(N_CTX) > 0)
    labels = np.where(live, labels, -1)
    found = Prover(subject, network, ids).certified(ids, labels)
    loops = _Loops(subject, ids)
    pairs = _all_pairs(len(ids), N_CTX - 1)
    masks = masks_of(subject)
    certified = {**found.edges, **found.nodes}
    assert set(masks) == set(certified)
    broken = {n: _broken(loops, labels, mask, pairs) for n, mask in masks.items()}
    for name in masks:
        assert not (certified[name] & broken[name]).any(), name
    shares = [certified[name][live].mean() for name in masks]
    assert 0.2 < np.mean(shares) < 1.0  # it says something, and not too much
    assert any(some.any() for some in broken.values())


def test_a_plain_run_is_that_of_forward() -> None:
    subject = _random("gelu", causal=True)
    ids = _ids(subject)
    runs = network_of(subject.config, subject.weights).run(ids, shift=1)
    shifts = np.ones(len(ids), np.int32)
    writes = jax.jit(donor_writes)(subject.transformer, ids, shifts)
    live = ids != subject.config.pad_id
    for source, found in enumerate(runs.writes):
        want = np.asarray(writes[:, source])
        np.testing.assert_allclose(found[live], want[live], atol=1e-5)


def test_what_nothing_reads_is_certified_everywhere() -> None:
    subject = _random("gelu", causal=False)
    silent = subject.weights._replace(W_Q=np.zeros_like(subject.weights.W_Q))
    subject = replace(subject, weights=freeze(silent))
    ids = _ids(subject)
    network = network_of(subject.config, subject.weights)
    logits = network.run(ids).logits
    live = (ids != subject.config.pad_id) & (np.arange(N_CTX) > 0)
    prover = Prover(subject, network, ids)
    found = prover.certified(ids, np.where(live, logits.argmax(-1), -1))
    top = np.sort(logits, axis=-1)
    clear = top[..., -1] - top[..., -2] > 1.01 * SLACK * (1 + abs(logits).max(-1))
    queries = [name for name in found.edges if name.endswith("<q>")]
    assert queries
    for name in queries:
        assert np.array_equal(found.edges[name], live & clear)


@pytest.mark.slow
def test_a_search_breaks_nothing_that_is_certified() -> None:
    """On inputs of up to two tokens, which are both bases and donors."""
    subject = subject_of(zoo.load(RELEASES / "sort-siit"))
    space = _short(subject, 2)
    ids, labels = np.asarray(space.pool.ids), labels_of(subject, space.pool)
    network = network_of(subject.config, subject.weights)
    found = Prover(subject, network, ids).certified(ids, labels)
    certified = {**found.edges, **found.nodes}
    share = np.mean([some[found.valid].mean() for some in found.edges.values()])
    assert share > 0.8
    loops, masks = _Loops(subject, ids), masks_of(subject)
    rng = np.random.default_rng(0)
    highest = len(ids), len(ids), subject.config.n_ctx - 1
    base, donor, shift = (rng.integers(n, size=100).astype(np.int32) for n in highest)
    for target, mask in list(masks.items())[::11]:
        hurt = _broken(loops, labels, mask, (base, donor, shift))
        assert not (certified[target] & hurt).any(), target
    _check_breaks(subject, space, certified)


def _check_breaks(
    subject: Subject, space: Space, certified: dict[str, np.ndarray]
) -> None:
    """Let the audit's own search look for pairs that break something."""
    masks, n_ctx = masks_of(subject), subject.config.n_ctx
    start = draw_contrasts(space, n_ctx, 64, 0)["structured"]
    least = sorted(masks, key=lambda name: certified[name].mean())[:4]
    few = {name: masks[name] for name in least}
    rows = [tuple(row) for row in np.asarray(space.pool.ids).tolist()]
    for target, worst in attack(subject, space, start, few, Budget(4, 2, 1)).items():
        if worst.broken:
            row = rows.index(_row_of(subject, worst.base))
            assert not certified[target][row, worst.position + 1], target


def _short(subject: Subject, most: int) -> Space:
    """Return all inputs of up to so many tokens as a space of their own."""
    config = subject.config
    tokens = [
        t for t in range(config.d_vocab) if t not in (config.bos_id, config.pad_id)
    ]
    words = [w for n in range(1, most + 1) for w in itertools.product(tokens, repeat=n)]
    pad = [config.pad_id] * config.n_ctx
    rows = [[config.bos_id, *word, *pad][: config.n_ctx] for word in words]
    ids = np.array(rows, np.int32)
    return space_of(subject.causal, ids, True)


def _row_of(subject: Subject, tokens: Any) -> tuple[int, ...]:
    vocab = list(getattr(subject.causal, "vocab", ()))
    row = [subject.config.bos_id, *map(vocab.index, tokens)]
    return tuple(row + [subject.config.pad_id] * (subject.config.n_ctx - len(row)))


# Parts of the bounds --------------------------------------------------------------


@pytest.mark.parametrize("act", ["gelu", "relu"])
def test_an_activation_lies_between_its_lines(act: str) -> None:
    rng = np.random.default_rng(0)
    low = rng.normal(size=2000) * 3
    high = low + 10.0 ** rng.uniform(-9, 1, size=2000)
    slope, least, most = zonotope.lines(act, low, high)
    for part in np.linspace(0, 1, 41):
        at = np.minimum(low + part * (high - low), high)
        rest = zonotope.activation(act, at) - slope * at
        assert (rest >= least - 1e-13).all()
        assert (rest <= most + 1e-13).all()


def test_a_mean_lies_within_its_bounds_and_reaches_them() -> None:
    rng = np.random.default_rng(0)
    scores, spread = rng.normal(size=(5, 3, 4)), rng.random((5, 3, 4))
    scores[:, 0, 3] = -np.inf
    low = rng.normal(size=(5, 4, 2))
    high = low + rng.random(low.shape)
    least, most = attention.mean_bounds(scores, spread, low, high)
    signs = np.array(np.meshgrid(*[[-1, 1]] * 4)).reshape(4, -1).T
    tried = []
    for sign in signs:
        weights = np.exp(scores + sign * spread)
        weights /= weights.sum(-1, keepdims=True)
        tried += [weights @ low, weights @ high]
    np.testing.assert_allclose(least, np.min(tried, axis=0), atol=1e-12)
    np.testing.assert_allclose(most, np.max(tried, axis=0), atol=1e-12)


def test_rounding_is_far_below_the_allowance() -> None:
    """Bounds in float32 are off by less than the allowance; float64 is 2^29 finer."""
    subject = subject_of(zoo.load(RELEASES / "reverse-siit"))
    space = _short(subject, 2)
    ids, labels = np.asarray(space.pool.ids), labels_of(subject, space.pool)
    fine = network_of(subject.config, subject.weights)
    coarse = Network(subject.config, subject.weights)
    allowed = SLACK * (1.0 + np.abs(fine.run(ids).logits).max(-1))
    valid, entries = labels >= 0, np.argwhere(subject.outside)[::5].tolist()
    leads = []
    for network in (fine, coarse):
        prover = Prover(subject, network, ids)
        plain = Followed(network, network.run(ids), np.maximum(labels, 0), {})
        bounds = [of_edge(plain, prover.reaches[s], r, s) for r, s in entries]
        leads.append(np.stack(bounds)[:, valid])
    assert leads[1].dtype == np.float32
    off = np.abs(leads[0] - leads[1]) / allowed[valid]
    # Where bounds are far below zero, nobody asks how far.
    assert off[np.abs(leads[0]) < 100].max() < 10
    assert off[leads[0] > 0].max() < 1


# The proof as a whole -------------------------------------------------------------


def test_a_compiled_model_is_certified_at_nearly_all_positions() -> None:
    subject = subject_of(compile_model(programs.find("reverse"), "ab", N_CTX - 1))
    found = prove(subject, make_space(subject.causal))
    assert found.share > 0.9


def test_the_sample_of_bases_follows_the_seed() -> None:
    subject = subject_of(compile_model(programs.find("reverse"), "ab", N_CTX - 1))
    space = make_space(subject.causal)
    some = prove(subject, space, inputs=5, seed=1)
    assert (some.inputs, some.all_inputs) == (5, False)
    assert some == prove(subject, space, inputs=5, seed=1)


def test_what_the_bounds_do_not_cover_is_refused() -> None:
    subject = subject_of(compile_model(programs.find("reverse"), "ab", N_CTX - 1))
    space = make_space(subject.causal)
    normed = replace(subject, config=replace(subject.config, norm="pre"))
    with pytest.raises(InputError, match=r"^reverse: nothing can be .*LayerNorm"):
        prove(normed, space)
    with pytest.raises(InputError, match="too many"):
        prove(subject, replace(space, complete=False))
    with pytest.raises(InputError, match="prove=True"):
        zoo.audit("reverse", vocab="ab", max_len=3, scope="sample", prove=True)


# The independent checker ----------------------------------------------------------


@pytest.fixture(scope="module")
def checker() -> Any:
    place = Path(__file__).resolve().parents[3] / "docs" / "check_proof.py"
    spec = importlib.util.spec_from_file_location("check_proof", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _written(folder: Path, subject: Subject, proof: Proof) -> tuple[str, str]:
    """Write what the checker reads, and return the folder and the certificate."""
    circuit = {"circuit": {"edges": [str(edge) for edge in subject.circuit.edges]}}
    (folder / "config.json").write_text(json.dumps(subject.config.to_json()))
    (folder / "circuit.json").write_text(json.dumps(circuit))
    save_file(to_tensors(subject.weights, subject.config), folder / "model.safetensors")
    (folder / "proof.json").write_text(json.dumps({"proof": asdict(proof)}))
    return str(folder), str(folder / "proof.json")


@pytest.fixture(scope="module")
def proven() -> tuple[Subject, Proof]:
    """A random model all of whose outputs count as right, and its proof."""
    subject = _random("gelu", causal=False)
    space = make_space(subject.causal)
    ids = np.asarray(space.pool.ids)
    network = network_of(subject.config, subject.weights)
    labels = network.run(ids).logits.argmax(-1)
    live = (ids != subject.config.pad_id) & (np.arange(N_CTX) > 0)
    place = [v.name for v in subject.causal.variables].index(subject.causal.output)
    values = np.array(space.pool.values)
    values[:, place] = np.where(live, labels, -1)
    pool = space.pool._replace(values=values)
    return subject, prove(subject, replace(space, pool=pool))


def test_the_checker_shows_what_is_claimed(
    checker: Any, proven: tuple[Subject, Proof], tmp_path: Path
) -> None:
    assert 0.2 < proven[1].share < 1.0
    assert checker.main(*_written(tmp_path, *proven)) == 0


def test_the_checker_refuses_a_raised_figure(
    checker: Any, proven: tuple[Subject, Proof], tmp_path: Path, capsys: Any
) -> None:
    subject, proof = proven
    claimed = proof.edges_without_cells
    edge = min(claimed, key=lambda name: claimed[name])
    more = replace(proof, edges_without_cells={**claimed, edge: claimed[edge] + 1})
    assert checker.main(*_written(tmp_path, subject, more)) == 1
    assert f"{edge}: {claimed[edge] + 1} positions claimed" in capsys.readouterr().out


def test_the_checker_refuses_other_weights(
    checker: Any, proven: tuple[Subject, Proof], tmp_path: Path
) -> None:
    subject, proof = proven
    louder = subject.weights._replace(W_out=np.asarray(subject.weights.W_out) * 1.5)
    other = replace(subject, weights=freeze(louder))
    assert checker.main(*_written(tmp_path, other, proof)) == 1


@pytest.mark.slow
def test_the_checker_shows_the_proof_of_a_release(checker: Any, tmp_path: Path) -> None:
    subject = subject_of(zoo.load(RELEASES / "even-pairs-siit"))
    proof = prove(subject, make_space(subject.causal), inputs=4)
    assert proof.share > 0.99
    place = tmp_path / "proof.json"
    place.write_text(json.dumps({"proof": asdict(proof)}))
    assert checker.main(str(RELEASES / "even-pairs-siit"), str(place)) == 0
