"""What language tasks share: tokens, the next token as output, inputs, a run of rules.

An input of such a task is a whole text, `BOS prompt answer`, and the output at each
position is the token that follows: the first token of the answer at the prompt's last
position, and so on. Where the answer ends with `EOS`, this is the output at the last
position. Before the end of the prompt nothing is asked, and the output has no value.

The output's values are the tokens themselves, in the order of their ids, then `BOS` and
`PAD`. So the index of the greatest logit is the id of the next token.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

from compiler.errors import InputError
from compiler.lower.readout import Readout
from compiler.passes.next_token import SPECIAL
from compiler.rasp.values import Value
from zoo.causal.model import COMPUTED, UNDEFINED, CausalVariable
from zoo.tasks.rules import MlpRule, VariableRule, run_rule, tabulate

EOS, NEXT = "EOS", "next_token"
"""The word that ends an answer; the name of the output of every language task."""


@dataclass(frozen=True)
class PromptKind:
    """Prompts of one shape, such as those of one length.

    Attributes:
        count: how many there are.
        make: the words of the prompt with a number in [0, count); all are different.
    """

    count: int
    make: Callable[[int], list[str]]


class LanguageTask:
    """A causal model of the next token; a task of it has a class of its own.

    Attributes:
        name: the name of the task.
        meaning: one sentence that says what the answer is.
        separator: the last word of every prompt; None if prompts have no such word.
        ends: whether the answer ends with EOS; otherwise it is a single word.
        needs_positions: whether a variable is a position itself, which no model with
            rotary positions can move or compute.
    """

    name = ""
    meaning = ""
    separator: str | None = None
    ends = True
    needs_positions = False
    causal = True
    output = NEXT

    def __init__(
        self, words: Sequence[str], rules: tuple[VariableRule, ...], longest: int
    ) -> None:
        """Set up a task.

        Args:
            words: all words but EOS, in the order of their ids.
            rules: how each variable is computed; the last one is the next token.
            longest: the greatest number of words of an input.
        """
        self.vocab: tuple[Value, ...] = (*words, *([EOS] if self.ends else []))
        if len(set(self.vocab)) < len(self.vocab):
            raise InputError(f"{self.name}: a word is listed twice; name each once")
        self.bos_id, self.pad_id = len(self.vocab), len(self.vocab) + 1
        self.d_vocab, self.n_ctx = len(self.vocab) + 2, longest + 1
        tokens = (*self.vocab, *SPECIAL)
        self.rules = rules
        self._sources = {"tokens": tokens, **{r.name: r.values for r in rules}}
        self.values: Mapping[str, tuple[Value, ...]] = {
            rule.name: rule.values for rule in rules
        }
        self.readout = Readout("classes", tokens)
        self.variables = tuple(
            CausalVariable(
                name=rule.name,
                size=len(rule.values),
                kind="mlp" if isinstance(rule, MlpRule) else "head",
                layer=rule.layer,
                parents=rule.parents,
            )
            for rule in rules
        )
        self._ids = {word: i for i, word in enumerate(self.vocab)}
        order = ["tokens", *self.values]  # a rule reads what comes before it
        self._tables = tuple(
            tabulate(rule, {name: self._sources[name] for name in order[: row + 1]})
            for row, rule in enumerate(rules)
        )

    def kinds(self) -> tuple[PromptKind, ...]:
        """Return the prompts of the task by shape."""
        raise NotImplementedError

    def answer(self, prompt: Sequence[str]) -> list[str]:
        """Return the words that follow a prompt, without EOS, in plain Python."""
        raise NotImplementedError

    def prompt_length(self, words: Sequence[str]) -> int:
        """Return how many words of a text are its prompt."""
        if self.separator is None:
            return len(words)
        return list(words).index(self.separator) + 1

    def encode(self, texts: Sequence[Sequence[str]]) -> Int[np.ndarray, "input ctx"]:
        """Return the ids of some texts: BOS first, PAD at the end."""
        ids = np.full((len(texts), self.n_ctx), self.pad_id, np.int32)
        ids[:, 0] = self.bos_id
        for row, words in zip(ids, texts, strict=True):
            row[1 : len(words) + 1] = [self._ids[word] for word in words]
        return ids

    def text(self, prompt: Sequence[str]) -> list[str]:
        """Return an input: a prompt and its answer, of which only EOS is not there."""
        answer = self.answer(prompt)
        return [*prompt, *(answer if self.ends else answer[:-1])]

    def inputs(
        self, limit: int, seed: int
    ) -> tuple[Int[np.ndarray, "input ctx"], bool]:
        """Return (distinct inputs, whether these are all that there are).

        A sample has equally many prompts of each shape, as far as there are as many.
        """
        rng = np.random.default_rng(seed)
        kinds = sorted(self.kinds(), key=lambda kind: kind.count)
        texts: list[list[str]] = []
        for place, kind in enumerate(kinds):
            # Shapes of few prompts come first: what they leave is for the others.
            share = (limit - len(texts)) // (len(kinds) - place)
            numbers = _draw_numbers(rng, kind.count, share)
            texts += [self.text(kind.make(number)) for number in numbers]
        return self.encode(texts), len(texts) == sum(kind.count for kind in kinds)

    def prompt_lengths(
        self, ids: Int[np.ndarray, "input ctx"]
    ) -> Int[np.ndarray, " input"]:
        """Return the number of words of each input's prompt, BOS not counted."""
        count = len(self.vocab)
        texts = ([self.vocab[i] for i in row if i < count] for row in ids)
        return np.array([self.prompt_length(text) for text in texts], np.int32)

    def asked(self, ids: Int[Any, " ctx"]) -> Bool[Any, " ctx"]:
        """Return the positions at which there is a next token; jax can trace it."""
        place, live = jnp.arange(self.n_ctx), jnp.asarray(ids) != self.pad_id
        if self.separator is None:
            return place == live.sum() - 1
        found = jnp.asarray(ids) == self._ids[self.separator]
        return live & found.any() & (place >= jnp.argmax(found))

    def run(
        self, ids: Int[Any, " ctx"], overrides: Int[Any, "variable ctx"]
    ) -> Int[Any, "variable ctx"]:
        """Return the values of all variables of one input, jittable."""
        values, _ = self._run(jnp.asarray(ids), overrides)
        return jnp.stack(values)

    def selected(self, ids: Int[Any, " ctx"]) -> Bool[Any, "variable ctx key"]:
        """Return which keys a variable's head should attend to; jax can trace it."""
        clean = jnp.full((len(self.rules), self.n_ctx), COMPUTED, jnp.int32)
        values, patterns = self._run(jnp.asarray(ids), clean)
        none = jnp.zeros((self.n_ctx, self.n_ctx), bool)
        rows = [
            none if keys is None else keys & (value >= 0)[:, None]
            for value, keys in zip(values, patterns, strict=True)
        ]
        return jnp.stack(rows)

    def _run(
        self, ids: Int[Any, " ctx"], overrides: Int[Any, "variable ctx"]
    ) -> tuple[list[Int[Any, " ctx"]], list[Bool[Any, "ctx key"] | None]]:
        """Return the values of each variable, and the keys that its head selects."""
        live = ids != self.pad_id
        asked, there = self.asked(ids), live & (jnp.arange(self.n_ctx) > 0)
        known, patterns = {"tokens": ids}, []
        for row, rule in enumerate(self.rules):
            value, keys = run_rule(rule, self._tables[row], self._sources, known, live)
            value = jnp.where(asked if rule.asked else there, value, UNDEFINED)
            given = overrides[row]
            known[rule.name] = jnp.where(given == COMPUTED, value, given)
            patterns.append(keys)
        return [known[rule.name] for rule in self.rules], patterns


def next_values(words: Sequence[str], ends: bool = True) -> tuple[Value, ...]:
    """Return the values of the next token of a task with these words."""
    return (*words, *([EOS] if ends else []), *SPECIAL)


def digits_of(number: int, *bases: int) -> list[int]:
    """Return a number as digits, the first one in the first base, and so on."""
    found = []
    for base in bases:
        number, digit = divmod(number, base)
        found.append(digit)
    return found


def arrangement(number: int, items: Sequence[str], size: int) -> list[str]:
    """Return `size` different items in an order: the arrangement with this number."""
    left, chosen = list(items), []
    for _ in range(size):
        number, index = divmod(number, len(left))
        chosen.append(left.pop(index))
    return chosen


def arrangements(items: Sequence[str], sizes: Sequence[int]) -> list[PromptKind]:
    """Return all arrangements of some of the items, by how many they are."""
    return [
        PromptKind(
            math.perm(len(items), size), lambda n, k=size: arrangement(n, items, k)
        )
        for size in sizes
    ]


def _draw_numbers(rng: np.random.Generator, total: int, share: int) -> list[int]:
    """Return `share` different numbers below `total` in order, or all of them."""
    if total <= share:
        return list(range(total))
    if total < 4 * share:
        return np.sort(rng.choice(total, size=share, replace=False)).tolist()
    found = np.zeros(0, np.int64)
    while len(found) < share:
        found = np.unique(np.append(found, rng.integers(total, size=share)))
    return np.sort(rng.permutation(found)[:share]).tolist()
