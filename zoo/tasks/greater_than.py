"""Greater-than: in which years something can have ended, in whole sentences.

The task of Hanna et al. (2023), with nouns, verbs and sentences of our own, over words:
`the war lasted from 17 32 to 17` goes on with a year after 32. In GPT-2, heads move the
start year's digits to the last position, and MLPs there raise every later year.

A model of this zoo puts out one value at a position, and many years can follow. So the
value is the set of all of them, a class of its own: `33..49`. That is what the sentence
determines; a year drawn from it would be noise, and the least one alone would not be
greater-than. `year_probabilities` spreads the classes over their years, for the figures
of the paper. Where the end's century is a later one every year can follow, so that the
MLP has to compare, and cannot only pass the start year on.

Only the end's century, the last word, has an output: nothing is asked before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from compiler.lower.readout import Readout
from compiler.rasp.values import Value
from zoo.causal.model import COMPUTED, UNDEFINED, CausalVariable, Parent

_NOUNS = """
    war siege drought journey strike reign project famine voyage festival trial truce
"""
_VERBS = "lasted ran continued stretched extended dragged"
NOUNS, VERBS = tuple(_NOUNS.split()), tuple(_VERBS.split())
# NOUN and VERB are any of the above, C a century, and Y the start's two last digits.
TEMPLATES = tuple(
    tuple(line.split())
    for line in """
    the NOUN VERB from C Y to C
    in all the NOUN VERB from C Y until C
    people say that the NOUN VERB from the year C Y to the year C
    from C Y on the NOUN VERB until C
    records of the NOUN show that it VERB from C Y to about C
    the NOUN began in C Y and ended in C
    """.strip().splitlines()
)
_SLOTS = {"NOUN", "VERB", "C", "Y"}
_OTHERS = tuple(sorted({w for line in TEMPLATES for w in line} - _SLOTS))
NO_YEAR, NOT_YET = "none", None
"""The output where no year can follow; a variable before there is anything to read."""


class GreaterThan:
    """The causal model of greater-than.

        the war lasted from 17 32 to 17 -> 33..49
        the war lasted from 17 32 to 18 -> 20..49

    Args:
        years: the two last digits of years, in order.
        centuries: the two first ones, in order.
        nouns: what has lasted.
        verbs: words for that.
    """

    name = "greater_than"
    meaning = "In which years something can have ended, at the end of a sentence."
    causal = True
    output = "later_years"

    def __init__(
        self,
        years: tuple[str, ...] = tuple(str(y) for y in range(20, 50)),
        centuries: tuple[str, ...] = ("15", "16", "17", "18"),
        nouns: tuple[str, ...] = NOUNS,
        verbs: tuple[str, ...] = VERBS,
    ) -> None:
        self.years, self.centuries = years, centuries
        self.vocab: tuple[Value, ...] = (*centuries, *years, *nouns, *verbs, *_OTHERS)
        self.bos_id, self.pad_id = len(self.vocab), len(self.vocab) + 1
        self.d_vocab = len(self.vocab) + 2
        self.n_ctx = 1 + max(map(len, TEMPLATES))
        spans = tuple(f"{year}..{years[-1]}" for year in years)
        self.values: Mapping[str, tuple[Value, ...]] = {
            "start_century": (NOT_YET, *centuries),
            "start_year": (NOT_YET, *years),
            self.output: (NO_YEAR, *spans),
        }
        self.readout = Readout("classes", self.values[self.output])
        # The end's century comes after the start's: that head has to see positions.
        parents = {
            "start_century": (
                Parent("tokens", "k"),
                Parent("positions", "k"),
                Parent("tokens", "v"),
            ),
            "start_year": (Parent("tokens", "k"), Parent("tokens", "v")),
            self.output: (
                Parent("tokens", "in"),
                Parent("start_century", "in"),
                Parent("start_year", "in"),
            ),
        }
        self.variables = tuple(
            CausalVariable(
                name=name,
                size=len(self.values[name]),
                kind="mlp" if name == self.output else "head",
                layer=0,
                parents=read,
            )
            for name, read in parents.items()
        )
        self._frames = _write_frames(nouns, verbs)
        # Every start and end between which a year is left.
        self._dates = [
            (start, year, end)
            for i, start in enumerate(centuries)
            for year in years
            for end in centuries[i:]
            if end != start or year != years[-1]
        ]

    def inputs(
        self, limit: int, seed: int
    ) -> tuple[Int[np.ndarray, "input ctx"], bool]:
        """Return (distinct sentences, whether these are all that there are)."""
        total = len(self._frames) * len(self._dates)
        chosen = np.arange(total)
        if total > limit:
            rng = np.random.default_rng(seed)
            chosen = np.sort(rng.choice(total, size=limit, replace=False))
        place = {word: i for i, word in enumerate(self.vocab)}
        ids = np.full((len(chosen), self.n_ctx), self.pad_id, np.int32)
        ids[:, 0] = self.bos_id
        for row, number in enumerate(chosen):
            words = self.sentence(int(number))
            ids[row, 1 : len(words) + 1] = [place[word] for word in words]
        return ids, total <= limit

    def sentence(self, number: int) -> list[str]:
        """Return the sentence that has this number."""
        frame, date = divmod(number, len(self._dates))
        start, year, end = self._dates[date]
        words = [year if word == "Y" else word for word in self._frames[frame]]
        first, last = (i for i, word in enumerate(words) if word == "C")
        words[first], words[last] = start, end
        return words

    def run(
        self, ids: Int[Any, " ctx"], overrides: Int[Any, "variable ctx"]
    ) -> Int[Any, "variable ctx"]:
        """Return the values of all variables of one input, jittable."""
        import jax.numpy as jnp  # here: `zoo list` needs the name only, and no jax

        place = jnp.arange(self.n_ctx)
        exists = (ids != self.pad_id) & (place > 0)
        # Which century and which year a word is, from 0; below 0 if none.
        century = jnp.where(ids < len(self.centuries), ids, -1)
        year = ids - len(self.centuries)
        year = jnp.where(year < len(self.years), year, -1)

        def first_seen(words: Any) -> Any:
            """Return 1 + the first of these words so far; 0 for none."""
            where = jnp.argmax(words >= 0)
            found = (words[where] >= 0) & (place >= where)
            return jnp.where(found, words[where] + 1, 0)

        def settle(row: int, value: Any, defined: Any) -> Any:
            value = jnp.where(defined, value, UNDEFINED)
            return jnp.where(overrides[row] == COMPUTED, value, overrides[row])

        start_century = settle(0, first_seen(century), exists)
        start_year = settle(1, first_seen(year), exists)
        # 0 is `none`, 1 + i is the i-th year and all after it.
        same, count = start_century - 1 == century, len(self.years)
        later = jnp.where(start_year < count, start_year + 1, 0)
        later = jnp.where(same, later, jnp.where(century >= start_century, 1, 0))
        asked = exists & (century >= 0) & (start_century > 0) & (start_year > 0)
        return jnp.stack([start_century, start_year, settle(2, later, asked)])

    def year_probabilities(
        self, logits: Float[np.ndarray, "*batch class"]
    ) -> Float[np.ndarray, "*batch year"]:
        """Return how likely each year is, every class being spread over its years.

        The figures of Hanna et al. (2023) are made of these: the probability
        difference is that of all later years less that of all others. What `none`
        takes is missing from the sum.
        """
        weight = np.exp(logits - logits.max(axis=-1, keepdims=True))
        share = weight / weight.sum(axis=-1, keepdims=True)
        count = len(self.years)
        spread = np.triu(np.ones((count, count))) / np.arange(count, 0, -1)[:, None]
        return share[..., 1:] @ spread


def _write_frames(
    nouns: tuple[str, ...], verbs: tuple[str, ...]
) -> list[tuple[str, ...]]:
    """Return the templates with nouns and verbs in them, each sentence once."""
    filled = (
        tuple({"NOUN": noun, "VERB": verb}.get(word, word) for word in template)
        for template in TEMPLATES
        for noun in nouns
        for verb in verbs
    )
    return list(dict.fromkeys(filled))
