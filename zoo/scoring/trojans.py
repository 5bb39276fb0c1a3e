"""Trojans: which of two models has one, which inputs trigger it, and where it is.

A trojan pair is two models. In one of them the logits read a program with a trojan, in
the other one the program that it is equal to without the trigger. Each of them computes
what the other one's logits read too, so that the parts of a trojan are in both.

The edges of a trojan are those that the model uses, and that the clean output is not
computed by: they carry the trigger, the payload, and the choice between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from compiler.api import compile_model
from compiler.errors import InputError, unknown_name
from compiler.ir import typed as t
from compiler.machine.names import Edge
from compiler.model import Model
from compiler.rasp.values import Value
from programs.trojans import ROUTE, TROJANS, Trojan
from zoo.auditing.subject import subject_of
from zoo.auditing.tasks import circuit_within
from zoo.cases.case import Case, open_case, open_subject
from zoo.cases.pairs import PAIRS, draw_pairs
from zoo.cases.truth import Truth, truth_of_circuit
from zoo.causal.tabular import TabularModel
from zoo.scoring.report import Report
from zoo.scoring.score import score
from zoo.scoring.trigger_claims import (
    Trigger,
    Triggered,
    TriggerScore,
    score_trigger,
)

CLEAN = "false"
"""The class of the inputs without the trigger."""


@dataclass(frozen=True, eq=False)
class TrojanPair:
    """Two models, one of which has a trojan.

    Attributes:
        name: of the program with the trojan.
        kind: the kind of the trigger, as in `programs/trojans.py`.
        models: the two, in an order that the seed decides.
        trojan: the index of the one with the trojan.
    """

    name: str
    kind: str
    models: tuple[Model, Model]
    trojan: int

    def __repr__(self) -> str:
        return f"<TrojanPair {self.name}: triggered by {self.kind}>"


def open_trojan(
    name: str,
    vocab: Sequence[Value] | None = None,
    max_len: int | None = None,
    *,
    seed: int = 0,
) -> TrojanPair:
    """Return a trojan pair.

    Args:
        name: of a program with a trojan, one of `programs.trojans.TROJANS`.
        vocab: the tokens; the program's own by default.
        max_len: the greatest number of tokens; the program's own by default.
        seed: decides the order of the two models, and that of the heads of each layer.

    Raises:
        NameLookupError: no trojan has that name.
        InputError: no input over these tokens triggers it, or the seed is none.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed is {seed!r}; give an integer of at least 0")
    found = _trojan(name)
    tokens = found.program.vocab if vocab is None else tuple(vocab)
    limit = found.program.max_len if max_len is None else max_len
    both = found.program, found.clean
    made = [
        compile_model(one, tokens, limit, beside=other, permute_heads=seed)
        for one, other in (both, both[::-1])
    ]
    if ROUTE not in made[0].variables:
        raise InputError(
            f"{name}: no input of up to {limit} of these tokens triggers it, so there "
            "is no trojan. Give a greater max_len, or other tokens"
        )
    place = int(np.random.default_rng(seed).integers(2))
    ordered = tuple(made if place == 0 else made[::-1])
    return TrojanPair(name, found.trigger, (ordered[0], ordered[1]), place)


def _trojan(name: str) -> Trojan:
    if name not in TROJANS:
        raise unknown_name("program with a trojan", name, TROJANS)
    return TROJANS[name]


@dataclass(frozen=True, eq=False)
class TrojanReport:
    """What claims on a trojan are worth; None for what was not claimed.

    Attributes:
        model: the name of the model.
        which: whether the right one of the two models was named.
        trigger: the claim on inputs.
        where: scores of edges against the trojan's edges, as `zoo.score` returns them.
    """

    model: str
    which: bool | None
    trigger: TriggerScore | None
    where: Report | None

    def __repr__(self) -> str:
        said = []
        if self.which is not None:
            said.append(f"which: {'right' if self.which else 'wrong'}")
        if self.trigger is not None:
            said.append(f"trigger: F1 {self.trigger.f1:.3f}")
        if self.where is not None:
            said.append(f"where: AP {self.where.average_precision:.3f}")
        return f"<TrojanReport {self.model}: {', '.join(said) or 'nothing claimed'}>"


def score_trojan(
    source: str | Path | Model | TrojanPair,
    *,
    which: int | None = None,
    trigger: Trigger | None = None,
    edges: Any = None,
    seed: int = 0,
) -> TrojanReport:
    """Return what claims on a trojan are worth.

    Args:
        source: a trojan pair, or its name, which is opened with the seed; or a model, a
            folder or a release of a program with a trojan, of which only the trigger
            and the edges can be claimed.
        which: the index of the model that is said to have the trojan.
        trigger: which inputs are said to trigger it: a function of the tokens; a list
            of inputs; or a program, whose output at the last token says it.
        edges: scores of edges, or a circuit, in any format of `zoo.score`.
        seed: of the pair.

    Raises:
        InputError: the model has no trojan, or the claim is of another kind.
    """
    if isinstance(source, str) and source in TROJANS:
        source = open_trojan(source, seed=seed)
    if isinstance(source, TrojanPair):
        model, right = source.models[source.trojan], source.trojan
    else:
        model, right = open_subject(source)[0], None
    if which is not None and right is None:
        raise InputError(
            "which= is about a trojan pair, and this is one model. Give the pair: "
            "zoo.open_trojan(NAME)"
        )
    if which not in (None, 0, 1):
        raise InputError(f"which is {which!r}; the models of a pair are 0 and 1")
    return TrojanReport(
        model.name,
        None if which is None else which == right,
        None if trigger is None else score_trigger(Triggered(model), trigger),
        None if edges is None else _score_where(model, edges),
    )


def trojan_case(source: str | Path | Model, split: str = "test") -> Case:
    """Return the case of a model whose truth is the edges of its trojan.

    An edge that the clean output is computed by counts as outside.

    Raises:
        NameLookupError: the model is of no program with a trojan.
    """
    whole = open_case(source, split=split)
    clean = _clean_edges(whole.model)
    known = {
        edge: replace(one, status="unused")
        if one.status == "used" and edge in clean
        else one
        for edge, one in whole.truth.known.items()
    }
    return whole.with_changes(truth=Truth(whole.names, known))


def _clean_edges(model: Model) -> set[Edge]:
    """Return the edges that compute the clean output, and those that carry it on."""
    whole, wanted = subject_of(model).causal, _trojan(model.name).output
    assert isinstance(whole, TabularModel)
    steps = whole.steps
    found = steps.index(wanted)
    part = TabularModel(t.prune(replace(steps, output=found, extra=())))
    last = Edge(model.sites[model.output].node, "logits")
    carrying = {
        edge
        for edge, names in model.circuit.carries.items()
        if any(name.split(".")[0] == wanted for name in names)
    }
    return {*circuit_within(model.circuit, part).edges, *carrying, last}


def _score_where(model: Model, edges: Any) -> Report:
    return score(trojan_case(model), edges, behaviour=False)


def patch_by_class(model: Model) -> Float[np.ndarray, "reader source"]:
    """Return scores of a trojan's edges by exact patching, a baseline.

    The score is `s * s / (s + c)`: s is the mean size of the change of the loss when
    the edge alone is patched, over pairs of inputs of which one triggers the trojan,
    and c the same over pairs without the trigger.
    """
    mixed, clean = (_unaudited(model, within) for within in (None, CLEAN))
    triggered, pairs = Triggered(model), mixed.pairs
    chosen = triggered.of_ids(pairs.clean) | triggered.of_ids(pairs.corrupt)
    if not chosen.any():
        raise InputError(f"{model.name}: no pair of inputs has the trigger")
    of_trigger = _sizes(mixed)[..., chosen].mean(axis=-1)
    of_clean = _sizes(clean).mean(axis=-1)
    total = np.maximum(of_trigger + of_clean, np.finfo(np.float32).tiny)
    return of_trigger * of_trigger / total


def _unaudited(model: Model, within: str | None) -> Case:
    """Return a case for a method that looks at no truth."""
    causal = None if within is None else open_subject(model, within)[1].causal
    pairs = draw_pairs(model, "train", PAIRS, causal=causal)
    return Case(model.name, model, truth_of_circuit(model.circuit), pairs)


def _sizes(case: Case) -> Float[np.ndarray, "reader source pair"]:
    """Return by how much each pair's loss changes when one edge is patched."""
    changed = np.abs(case.single_edges() - case.losses()[None, None])
    return np.where(case.names.visible[..., None], changed, 0.0)
