"""What a language model says after a prompt, in words.

`machine/generate.py` does the same with ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from compiler.errors import InputError
from compiler.interchange.tokenizer import EOS

if TYPE_CHECKING:
    from compiler.model import Model


def generate(model: Model, prompt: Any, max_new: int | None) -> Any:
    """Return what follows a prompt, or several; see `Model.generate`."""
    from compiler.model import is_batch

    if not model.writes_tokens:
        raise InputError(
            f"{model.name} is no language model: its logits stand for values at each "
            "token and not for the next token. Call the model on the tokens instead"
        )
    several = not isinstance(prompt, str) and is_batch(prompt)
    given = [to_tokens(model, text) for text in (prompt if several else [prompt])]
    model.encode_batch(given)  # an empty or too long prompt is told before anything
    room = model.config.n_ctx - 1 - max(map(len, given), default=0)
    most = _most(max_new, room)
    made = _run(model, given, most) if given else []
    return made if several else made[0]


def to_tokens(model: Model, prompt: Any) -> list[Any]:
    """Return the tokens of a prompt, which may be text.

    Raises:
        InputError: text has a word that stands for no token; lists some that do.
    """
    if not isinstance(prompt, str):
        return list(prompt)
    known = dict(zip(model.words, model.typed.vocab, strict=True))
    for place, word in enumerate(prompt.split()):
        if word not in known:
            raise InputError(
                f"{model.name}: word {place + 1} of the prompt, {word!r}, is unknown. "
                f"The words are: {', '.join(list(known)[:40])}"
            )
    return [known[word] for word in prompt.split()]


def _most(max_new: int | None, room: int) -> int:
    """Return how many tokens may be made.

    Raises:
        InputError: so many do not fit.
    """
    if max_new is None:
        return room
    if isinstance(max_new, bool) or not isinstance(max_new, int) or max_new < 1:
        raise InputError(f"max_new is {max_new!r}; give an integer of at least 1")
    if max_new > room:
        raise InputError(
            f"max_new is {max_new}, and behind the longest prompt the context has room "
            f"for {room} tokens. Give a smaller number, or a shorter prompt"
        )
    return max_new


def _run(model: Model, prompts: Sequence[Sequence[Any]], most: int) -> list[list[Any]]:
    """Return what follows each prompt."""
    from compiler.machine.generate import generate_batch

    ids, words = model.encode_batch(prompts), model.words
    lengths = np.array([1 + len(prompt) for prompt in prompts], np.int32)
    stop = words.index(EOS) if EOS in words else -1
    found = np.asarray(
        generate_batch(model.transformer, ids, lengths, np.int32(most), stop)
    )
    values = model.readout.values
    made = []
    for row, start in zip(found, lengths, strict=True):
        new = row[start : start + most].tolist()
        new = new[: new.index(stop)] if stop in new else new
        made.append([values[token] for token in new])
    return made
