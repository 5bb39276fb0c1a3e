"""Are the models of the large settings right? Against plain Python, not RASP.

A uniform sample is no test of `shuffle_dyck2` at length 40, where it holds no balanced
string: half of the inputs here are balanced, or one token away from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

INPUTS = 400
PAIRS = ("()", "{}")

Tokens = list[Any]


def balanced(tokens: Sequence[Any]) -> list[bool]:
    """Return at every position whether each kind of bracket alone is balanced."""
    right = True
    for opener, closer in PAIRS:
        depths = [0]
        for token in tokens:
            depths.append(depths[-1] + (token == opener) - (token == closer))
        right = right and min(depths) == 0 and depths[-1] == 0
    return [right] * len(tokens)


TRUTHS: dict[str, Callable[[Tokens], list[Any]]] = {
    "reverse": lambda tokens: tokens[::-1],
    "sort": sorted,
    "shuffle_dyck2": balanced,
}


def draw(program: str, vocab: Sequence[Any], max_len: int, rng: Random) -> Tokens:
    """Return an input of a random length, for brackets often a balanced one."""
    size = rng.randint(1, max_len)
    if program != "shuffle_dyck2" or rng.random() < 0.25:
        return [rng.choice(vocab) for _ in range(size)]
    found = shuffled_brackets(max(2, size - size % 2), rng)
    if rng.random() < 0.4:
        found[rng.randrange(len(found))] = rng.choice(vocab)
    return found


def shuffled_brackets(size: int, rng: Random) -> Tokens:
    """Return a string of brackets of an even size, each kind of it balanced."""
    open_now: dict[str, int] = dict.fromkeys(PAIRS, 0)
    found: Tokens = []
    for left in range(size, 0, -1):
        closable = [pair for pair in PAIRS if open_now[pair]]
        must_close = sum(open_now.values()) == left
        if must_close or (closable and rng.random() < 0.5):
            pair = rng.choice(closable)
            open_now[pair] -= 1
            found.append(pair[1])
        else:
            pair = rng.choice(PAIRS)
            open_now[pair] += 1
            found.append(pair[0])
    return found


def checked(program: str, n_tokens: int, max_len: int) -> dict[str, int]:
    """Return how many inputs a model was run on, and on how many it is wrong."""
    from compiler.api import compile_model
    from programs import find

    found = find(program)
    vocab = found.vocab if n_tokens == len(found.vocab) else tuple(range(n_tokens))
    model = compile_model(found, vocab, max_len)
    rng = Random(0)
    inputs = [draw(program, vocab, max_len, rng) for _ in range(INPUTS)]
    inputs += [[rng.choice(vocab) for _ in range(max_len)] for _ in range(20)]
    expected = [TRUTHS[program](tokens) for tokens in inputs]
    pairs = zip(model.batch(inputs), expected, strict=True)
    return {
        "inputs": len(inputs),
        "wrong": sum(outputs != truth for outputs, truth in pairs),
        "true": sum(truth[0] is True for truth in expected),
    }
