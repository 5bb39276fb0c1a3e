"""Induction: random tokens that come again, and what followed them the first time.

The mechanism of Elhage et al. (2021) and Olsson et al. (2022): a head of the first
layer moves the previous token to each position, and one of the second, the induction
head, looks for the position whose previous token is the present one, and takes its
token.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError
from compiler.lower.readout import Readout
from compiler.rasp.values import Value, ordered
from zoo.causal.model import COMPUTED, UNDEFINED, CausalVariable, Parent


class InductionHeads:
    """The causal model of induction on repeated random sequences.

        d a c d a -> None None None a c

    A block of different tokens, and then as much of it once more as there is. Where
    the previous tokens of another input are put in, several positions can match: the
    next token has no value where their tokens are not the same, and is not scored.

    Args:
        letters: the tokens.
        longest: the most tokens of a block.
    """

    name = "induction_heads"
    meaning = "In a block of random tokens that is repeated, the token that comes next."
    causal = True
    output = "next_token"

    def __init__(self, letters: str = "abcdefghij", longest: int = 6) -> None:
        letters = "".join(ordered(letters))
        if not 2 <= longest <= len(set(letters)) == len(letters):
            raise InputError(
                f"induction_heads: blocks of up to {longest} of {letters!r}: give 2 to "
                "as many as there are letters, and no letter twice"
            )
        self.longest = longest
        self.vocab: tuple[Value, ...] = tuple(letters)
        self.bos_id, self.pad_id = len(letters), len(letters) + 1
        self.d_vocab, self.n_ctx = len(letters) + 2, 2 * longest + 1
        # Value 0 of both is None: no token before, no copy before.
        values = (None, *self.vocab)
        self.values: Mapping[str, tuple[Value, ...]] = {
            "previous_token": values,
            self.output: values,
        }
        self.readout = Readout("classes", values)
        self.variables: tuple[CausalVariable, ...] = (
            CausalVariable(
                name="previous_token",
                size=len(values),
                kind="head",
                layer=0,
                parents=(
                    Parent("positions", "q"),
                    Parent("positions", "k"),
                    Parent("tokens", "v"),
                ),
            ),
            CausalVariable(
                name=self.output,
                size=len(values),
                kind="head",
                layer=1,
                parents=(
                    Parent("tokens", "q"),
                    Parent("previous_token", "k"),
                    Parent("tokens", "v"),
                ),
            ),
        )

    def inputs(
        self, limit: int, seed: int
    ) -> tuple[Int[np.ndarray, "input ctx"], bool]:
        """Return (distinct inputs, whether these are all that there are).

        A sample has equally many of each length of block and of its repetition, as
        far as there are as many.
        """
        rng = np.random.default_rng(seed)
        shapes = [
            (size, again)
            for size in range(2, self.longest + 1)
            for again in range(1, size + 1)
        ]
        rows = []
        for number, (size, again) in enumerate(shapes):
            total = math.perm(len(self.vocab), size)
            # Short blocks come first: what they leave is for the long ones.
            share = (limit - len(rows)) // (len(shapes) - number)
            drawn = range(total)
            if total > share:
                drawn = np.sort(rng.choice(total, size=share, replace=False)).tolist()
            for rank in drawn:
                block = self.block(rank, size)
                end = [self.pad_id] * (self.n_ctx - 1 - size - again)
                rows.append([self.bos_id, *block, *block[:again], *end])
        every = sum(math.perm(len(self.vocab), size) for size, _ in shapes)
        ids = np.array(rows, np.int32).reshape(-1, self.n_ctx)
        return ids, len(ids) == every

    def block(self, rank: int, size: int) -> list[int]:
        """Return the ids of the block of `size` tokens that has this number."""
        left, chosen = list(range(len(self.vocab))), []
        for _ in range(size):
            rank, index = divmod(rank, len(left))
            chosen.append(left.pop(index))
        return chosen

    def run(
        self, ids: Int[Any, " ctx"], overrides: Int[Any, "variable ctx"]
    ) -> Int[Any, "variable ctx"]:
        """Return the values of all variables of one input, jittable."""
        import jax.numpy as jnp  # here: `zoo list` needs the name only, and no jax

        place = jnp.arange(self.n_ctx)
        exists = (ids != self.pad_id) & (place > 0)
        token = jnp.where(exists, ids + 1, UNDEFINED)  # as a value: 0 is None

        def settle(row: int, value: Any) -> Any:
            value = jnp.where(exists, value, UNDEFINED)
            return jnp.where(overrides[row] == COMPUTED, value, overrides[row])

        previous = settle(0, jnp.where(place > 1, jnp.roll(token, 1), 0))
        seen = exists[None, :] & (place[None, :] <= place[:, None])  # [query, key]
        found = seen & (previous[None, :] == token[:, None])
        high = jnp.where(found, token[None, :], -1).max(axis=1)
        low = jnp.where(found, token[None, :], self.d_vocab).min(axis=1)
        follows = jnp.where(low == high, high, UNDEFINED)
        return jnp.stack([previous, settle(1, jnp.where(high < 0, 0, follows))])
