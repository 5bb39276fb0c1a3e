"""Hidden models: what the arena shows, of a kind and a seed.

    compiled    a random program that nobody has seen, compiled in a random basis, with
                heads in a random order and decoys beside them
    trained     a trained release of a pool, with heads and hidden units in another
                order and the stream in another basis

Equal seeds give equal models. Nothing of the program's text, of its name and of its
variables is in what a session may say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool

from compiler.api import compile_model
from compiler.errors import InputError, unknown_name
from compiler.machine.circuit import Circuit
from compiler.model import Model
from compiler.text.program import read_program
from compiler.text.source import SourceText
from zoo.arena.disguise import disguise, disguised_edge
from zoo.arena.usage import used_edges
from zoo.auditing.subject import causal_of
from zoo.cases.truth import truth_of
from zoo.causal.tabular import TabularModel
from zoo.lookup import open_model
from zoo.release.released import Released
from zoo.release.schema import LARGEST
from zoo.release.shelf import folder_name, list_releases, scan
from zoo.sampling.chance import Chance
from zoo.sampling.drawing import draw_suite
from zoo.sampling.goal import SampleGoal

KINDS = ("compiled", "trained")
NAME = "the model"
"""What errors call every hidden model."""
SHAPES = ((1, 2), (2, 1), (2, 2), (3, 1))
"""Layers and heads a layer of sampled programs."""
MAX_LEN = 6
DRAWN = 3
"""Programs that are drawn; the one whose commonest output is rarest is taken."""
MOST_TOKENS = 12
"""Tokens of a trained model's vocabulary, at most."""


@dataclass(frozen=True, eq=False)
class HiddenModel:
    """A model that agents explain, with what the judge knows of it.

    Attributes:
        kind: `compiled` or `trained`.
        seed: that it was drawn with.
        model: the transformer, its program, circuit and sites.
        origin: where it is from, for the log: of a trained one its name and digest.
        known: returns (which edges are used, which cannot be judged).
    """

    kind: str
    seed: int
    model: Model
    origin: str
    known: Callable[[], tuple[Bool[np.ndarray, "reader source"], ...]]

    def __repr__(self) -> str:
        return f"<HiddenModel {self.kind}>"

    @cached_property
    def truth(self) -> tuple[Bool[np.ndarray, "reader source"], ...]:
        """The edges that are used, and those that no run can judge, as masks."""
        return self.known()

    @cached_property
    def served(self) -> Model:
        """The model as calls are answered from it: no circuit, site, name or text."""
        model = self.model
        return Model(
            name=NAME,
            typed=replace(model.typed, name=NAME),
            config=model.config,
            weights=model.weights,
            readout=model.readout,
            circuit=Circuit(model.config.names, ()),
            rows=MappingProxyType({}),
        )

    @cached_property
    def causal(self) -> TabularModel:
        """The program as the causal model that claims are compared with."""
        found = causal_of(self.model)
        assert isinstance(found, TabularModel)
        return found


def make_hidden(
    kind: str, seed: int, pool: Path | None = None, layers: int | None = None
) -> HiddenModel:
    """Return the model of a kind and a seed.

    Args:
        kind: `compiled` or `trained`.
        seed: of every choice.
        pool: of trained models: a folder of releases; those at hand if None.
        layers: of compiled models; any of `SHAPES` if None.

    Raises:
        NameLookupError: there is no such kind.
        InputError: the seed is none, or the pool has no model that fits.
    """
    if kind not in KINDS:
        raise unknown_name("kind of arena model", kind, KINDS)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < LARGEST:
        raise InputError(f"seed is {seed!r}; give an integer from 0 to {LARGEST - 1}")
    if kind == "compiled":
        return _compiled(seed, layers)
    return _trained(seed, pool)


@lru_cache(maxsize=8)
def sampled_text(seed: int, layers: int | None = None) -> str:
    """Return the program of a compiled model, as RASP text."""
    chance = Chance(f"arena program {seed}")
    shapes = [s for s in SHAPES if layers in (None, s[0])]
    if not shapes:
        known = ", ".join(str(n) for n in sorted({n for n, _ in SHAPES}))
        raise InputError(f"layers is {layers!r}; give one of {known}")
    depth, heads = chance.one_of(shapes)
    goal = SampleGoal(
        layers=depth, heads=heads, max_len=MAX_LEN, causal=chance.happens(0.25)
    )
    drawn = draw_suite(goal, DRAWN, seed).programs
    return min(drawn, key=lambda program: program.most_common).text


def _compiled(seed: int, layers: int | None) -> HiddenModel:
    chance = Chance(f"arena options {seed}")
    program = read_program(SourceText(sampled_text(seed, layers)))
    model = compile_model(
        program,
        rotate=chance.below(2**30),
        permute_heads=chance.below(2**30),
        decoys=1 + chance.below(2),
        seed=chance.below(2**30),
    )
    return HiddenModel("compiled", seed, model, "", lambda: used_edges(model))


def _trained(seed: int, pool: Path | None) -> HiddenModel:
    where = "the folders of releases at hand" if pool is None else str(pool)
    if pool is not None and not pool.is_dir():
        raise InputError(f"--pool {pool}: there is no such folder of releases")
    found = list_releases() if pool is None else list(scan(pool))
    rows = sorted(
        (row for row in found if row["kind"] == "trained"),
        key=lambda row: (row["name"], row["version"]),
    )
    order = Chance(f"arena pool {seed}").order(len(rows))
    for place in order:
        released = _open(rows[place], pool)
        if _fits(released):
            return _disguised(released, rows[place]["sums"], seed)
    raise InputError(
        f"{where}: found no trained model without norms that computes a program, and "
        "the arena needs one. Train some: zoo train NAME, zoo export; or take "
        "--kind compiled"
    )


def _open(row: dict[str, Any], pool: Path | None) -> Released:
    name, version = row["name"], row["version"]
    if pool is None:
        found = open_model(f"release:{name}@{version}")
    else:
        found = open_model(pool / folder_name(name, version))
    assert isinstance(found, Released)
    return found


def _fits(model: Model) -> bool:
    config = model.config
    plain = (config.norm, config.positions, config.tied) == ("none", "learned", False)
    small = config.queries_per_key == 1 and len(model.typed.vocab) <= MOST_TOKENS
    return plain and small and isinstance(causal_of(model), TabularModel)


def _disguised(released: Released, sums: str, seed: int) -> HiddenModel:
    model, orders = disguise(released, seed)

    def known() -> tuple[Bool[np.ndarray, "reader source"], ...]:
        names = model.config.names
        masks = np.zeros((2, *names.visible.shape), bool)
        for edge, finding in truth_of(names, released.certificate).known.items():
            place = names.edge_index(disguised_edge(edge, names, orders))
            masks[0][place] = finding.status == "used"
            masks[1][place] = finding.status == "undetectable"
        return masks[0], masks[1]

    said = released.summary
    origin = f"{said['name']}@{said['version']} {sums}"
    return HiddenModel("trained", seed, model, origin, known)
