"""Questions about activations, answered by the interpreter: `zoo.questions` is here.

The text does not give the answer away: of one question about one site, each possible
answer is right equally often in each split. Test questions are about other inputs than
those to train on, unless there are few, and are worded in another way.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from compiler.errors import InputError
from compiler.model import Model
from compiler.rasp.values import Value, is_number, show
from zoo.alignment.places import Place, all_places, find_place, holds
from zoo.annotation.components import components
from zoo.auditing.subject import causal_of
from zoo.causal.population import Population, populate
from zoo.lookup import open_named
from zoo.reading.wording import NO, YES, word_question
from zoo.steering.task import hold_of

INPUTS, EACH = 1_024, 8
"""Inputs that activations are read from; rows of each question and answer."""
MOST_VALUES, OPERANDS = 12, 3
SPLITS = ("train", "test")


@dataclass(frozen=True)
class Question:
    """One question about one activation.

    Attributes:
        split: `train` or `test`.
        site: where the activation is read.
        variable: what is asked about.
        held: whether the variable is at that site by the circuit.
        asks: `value`, `equals` or `greater`.
        operand: index of the value that is asked for; -1 if none is.
        text: the question in words.
        answer: `yes`, `no`, or the value as text.
        choices: how many answers there are, each of them as frequent.
        row: the input among those of the set.
        position: of the token, from 0.
    """

    split: str
    site: str
    variable: str
    held: bool
    asks: str
    operand: int
    text: str
    answer: str
    choices: int
    row: int
    position: int


@dataclass(frozen=True, eq=False)
class QuestionSet:
    """Questions about a model's activations.

    Attributes:
        name: of the model.
        model: the model.
        inputs: what activations are read from, with all variables' values.
        held: by site, [input, ctx, d_model] what it holds.
        known: [input] which inputs the training split is about.
        every: all questions.
        seed: of the draw.
    """

    name: str
    model: Model
    inputs: Population
    held: Mapping[str, Float[np.ndarray, "input ctx d_model"]]
    known: Bool[np.ndarray, " input"]
    every: tuple[Question, ...]
    seed: int

    def __repr__(self) -> str:
        return f"<QuestionSet {self.name}: {len(self.every)} questions>"

    def __len__(self) -> int:
        return len(self.every)

    def split(self, name: str) -> tuple[Question, ...]:
        """Return the questions of one split."""
        return tuple(q for q in self.every if q.split == name)

    def activation(self, question: Question) -> Float[np.ndarray, " d_model"]:
        """Return what the site holds at the token of a question."""
        return self.held[question.site][question.row, question.position + 1]

    def rows(self) -> list[dict[str, Any]]:
        """Return the questions with their activations, as rows of a table."""
        kept = ("split", "site", "variable", "held", "asks", "answer", "position")
        return [
            {
                "activation": self.activation(q).tolist(),
                "question": q.text,
                **{name: getattr(q, name) for name in kept},
                "tokens": [show(token) for token in self.inputs.words(q.row)],
            }
            for q in self.every
        ]

    def to_parquet(self) -> bytes:
        """Return the rows as a Parquet file."""
        import pyarrow as pa

        from zoo.release.tables import to_parquet

        text = pa.string()
        names = ("split", "site", "variable", "asks", "answer")
        schema = pa.schema(
            [
                ("activation", pa.list_(pa.float32())),
                ("question", text),
                *((name, text) for name in names),
                ("held", pa.bool_()),
                ("position", pa.int32()),
                ("tokens", pa.list_(text)),
            ]
        )
        return to_parquet(self.rows(), schema)


def questions(
    source: str | Path | Model,
    *,
    sites: Sequence[str] | None = None,
    inputs: int = INPUTS,
    each: int = EACH,
    seed: int = 0,
) -> QuestionSet:
    """Return questions about what a model's variables are, with activations.

    Args:
        source: a release's name, a folder, a program's name, or a model.
        sites: where activations are read. If None, each variable is asked about at its
            node, where the logits read, and in front of layer 0, where it is not yet.
        inputs: how many inputs activations are read from, at most.
        each: how many questions have one wording and answer, in each split.
        seed: of the draws.

    Raises:
        NameLookupError: the model or a site is unknown; the nearest are offered.
        InputError: no variable has two values, or a number is below 1.
    """
    if inputs < 1 or each < 1:
        raise InputError(f"inputs is {inputs} and each {each}; give at least 1")
    model, name = open_named(source)
    found = populate(causal_of(model), inputs, seed)
    rng = np.random.default_rng([*b"questions", seed])
    known, other = found.halves(rng)
    parts = {"train": known, "test": other}
    sentences = {c.variable: c.sentence for c in components(model, examples=1)}
    asked: list[Question] = []
    for variable in found.names:
        if variable not in model.sites:
            continue
        for place in _places(model, variable, sites):
            sentence = sentences.get(variable, "")
            asked += _of_one(found, model, variable, place, parts, sentence, each, rng)
    if not asked:
        raise InputError(
            f"{name}: no variable has two values in these inputs, so there is nothing "
            "to ask. Take more inputs"
        )
    places = {q.site: find_place(model.config, q.site) for q in asked}
    held = {s: hold_of(model.transformer, p, found.ids) for s, p in places.items()}
    return QuestionSet(name, model, found, held, known, tuple(asked), seed)


def _places(
    model: Model, variable: str, sites: Sequence[str] | None
) -> tuple[Place, ...]:
    if sites is not None:
        return tuple(find_place(model.config, site) for site in sites)
    every = {place.name: place for place in all_places(model.config)}
    names = (model.sites[variable].node, f"stream.{model.config.n_layers}", "stream.0")
    return tuple(every[name] for name in dict.fromkeys(names))


def _of_one(
    found: Population,
    model: Model,
    variable: str,
    place: Place,
    parts: Mapping[str, Bool[np.ndarray, " input"]],
    sentence: str,
    each: int,
    rng: np.random.Generator,
) -> Iterator[Question]:
    """Yield the questions on one variable at one site, in both splits."""
    domain = found.domains[variable]
    for asks, operand, groups in _forms(found.held(variable), domain):
        both = {
            split: {answer: who[among[who[:, 0]]] for answer, who in groups.items()}
            for split, among in parts.items()
        }
        kept = [a for a in groups if all(len(some[a]) for some in both.values())]
        if len(kept) < 2:
            continue
        for split, answer in itertools.product(parts, kept):
            members = both[split][answer]
            chosen = members[rng.integers(len(members), size=each)]
            for count, (row, position) in enumerate(chosen.tolist()):
                wording = -1 if split == "test" else count % 2
                told = domain[operand] if operand >= 0 else 0
                yield Question(
                    split=split,
                    site=place.name,
                    variable=variable,
                    held=_is_held(model, variable, place),
                    asks=asks,
                    operand=operand,
                    text=word_question(asks, variable, sentence, told, wording),
                    answer=answer,
                    choices=len(kept),
                    row=row,
                    position=position - 1,
                )


def _is_held(model: Model, variable: str, place: Place) -> bool:
    """Return whether a site holds the variable; the stream still does after a use."""
    source = model.config.names.source_index(model.sites[variable].node)
    return holds(model, variable, place) or (
        place.in_stream and source in place.sources
    )


AnswerTokens = dict[str, Int[np.ndarray, "token 2"]]


def _forms(
    values: Int[np.ndarray, "input ctx"], domain: tuple[Value, ...]
) -> Iterator[tuple[str, int, AnswerTokens]]:
    """Yield what can be asked: the kind, the operand, and the tokens by answer."""
    live = values >= 0
    here, counts = np.unique(values[live], return_counts=True)
    common = np.sort(here[np.argsort(-counts, kind="stable")[:MOST_VALUES]]).tolist()
    yield "value", -1, {show(domain[v]): np.argwhere(values == v) for v in common}
    step = max(1, len(common) // OPERANDS)
    for value in common[::step][:OPERANDS]:
        yield "equals", value, _yes_or_no(values == value, live)
    if not all(is_number(v) for v in domain):
        return
    above = np.array([float(v) for v in domain])  # pyright: ignore[reportArgumentType]
    for value in common[:-1][::step][:OPERANDS]:
        more = above[np.maximum(values, 0)] > above[value]
        yield "greater", value, _yes_or_no(more, live)


def _yes_or_no(
    right: Bool[np.ndarray, "input ctx"], live: Bool[np.ndarray, "input ctx"]
) -> AnswerTokens:
    return {YES: np.argwhere(live & right), NO: np.argwhere(live & ~right)}
