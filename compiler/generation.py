"""What a language model says after a prompt, in words.

`machine/generate.py` does the same with ids.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from compiler.errors import InputError, count
from compiler.interchange.tokenizer import EOS
from compiler.rasp.values import Value

if TYPE_CHECKING:
    from compiler.machine.transformer import Transformer


AT_ONCE = 256
"""Prompts that run side by side. On a CPU 1024 are slower: their keys and values are
larger than its cache."""


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """What generation needs of a model.

    Attributes:
        name: the model's.
        transformer: its shape and its arrays.
        words: the text of each token, in the order of ids.
        vocab: the tokens, in the same order.
        values: what each logit stands for: the tokens, then BOS and PAD.
        encode_batch: from lists of tokens to ids, BOS in front and PAD behind.
    """

    name: str
    transformer: Transformer
    words: Sequence[str]
    vocab: Sequence[Value]
    values: Sequence[Value]
    encode_batch: Callable[[Any], Int[np.ndarray, "batch ctx"]]

    @property
    def n_ctx(self) -> int:
        """The longest sequence, BOS counted."""
        return self.transformer.config.n_ctx


def generate(
    model: LanguageModel, prompts: Sequence[Any], max_new: int | None
) -> list[list[Any]]:
    """Return what follows each prompt; see `Model.generate`."""
    given = [
        to_tokens(model.name, model.words, model.vocab, prompt) for prompt in prompts
    ]
    model.encode_batch(given)  # an empty or too long prompt is told before anything
    most = _most(max_new, model.n_ctx - 1, max(map(len, given), default=0))
    parts = (given[i : i + AT_ONCE] for i in range(0, len(given), AT_ONCE))
    made = [found for part in parts for found in _run(model, part, most)]
    if max_new is None and EOS in model.words:
        _say_unended(model, given, made)
    return made


def _say_unended(
    model: LanguageModel, prompts: Sequence[Sequence[Any]], made: Sequence[Sequence]
) -> None:
    """Warn of texts that filled the context before EOS."""
    size = model.n_ctx - 1
    full = [p for p, m in zip(prompts, made, strict=True) if len(p) + len(m) == size]
    if full:
        shown = " ".join(str(word) for word in full[0][:8])
        warnings.warn(
            f"{model.name} wrote no EOS behind {len(full)} of {len(made)} prompts, as "
            f"behind {shown!r}: its context of {count(size, 'token')} is full. Compile "
            "or train it for a greater max_len, or say where to stop: max_new",
            RuntimeWarning,
            stacklevel=4,
        )


def to_tokens(
    name: str, words: Sequence[str], vocab: Sequence[Value], prompt: Any
) -> list[Any]:
    """Return the tokens of a prompt, which may be text.

    Args:
        name: the model's, for errors.
        words: the text of each token.
        vocab: the tokens, in the same order.
        prompt: words with spaces between them, or tokens.

    Raises:
        InputError: text has a word that stands for no token; lists some that do.
    """
    if not isinstance(prompt, str):
        return list(prompt)
    known = dict(zip(words, vocab, strict=True))
    for place, word in enumerate(prompt.split()):
        if word not in known:
            raise InputError(
                f"{name}: word {place + 1} of the prompt, {word!r}, is unknown. "
                f"The words are: {', '.join(list(known)[:40])}"
            )
    return [known[word] for word in prompt.split()]


def _most(max_new: int | None, size: int, longest: int) -> int:
    """Return how many tokens may be made; as many as fit if `max_new` is None.

    Args:
        max_new: what was asked for.
        size: how many tokens fit into the context.
        longest: how many the longest prompt has.

    Raises:
        InputError: so many do not fit.
    """
    room = size - longest
    if max_new is None:
        return size
    if isinstance(max_new, bool) or not isinstance(max_new, int) or max_new < 1:
        raise InputError(f"max_new is {max_new!r}; give an integer of at least 1")
    if max_new > room:
        raise InputError(
            f"max_new is {max_new}, and behind the longest prompt the context has room "
            f"for {room} tokens. Give a smaller number, or a shorter prompt"
        )
    return max_new


def _run(
    model: LanguageModel, prompts: Sequence[Sequence[Any]], most: int
) -> list[list[Any]]:
    """Return what follows each prompt."""
    from compiler.machine.generate import generate_batch

    ids, words = model.encode_batch(prompts), list(model.words)
    lengths = np.array([1 + len(prompt) for prompt in prompts], np.int32)
    stop = words.index(EOS) if EOS in words else -1
    # Rounded up to a power of two, so that it is compiled for a few of them only.
    longest = min(model.n_ctx, 1 << int(lengths.max() - 1).bit_length())
    found = np.asarray(
        generate_batch(model.transformer, ids, lengths, np.int32(most), stop, longest)
    )
    made = []
    for row, start in zip(found, lengths, strict=True):
        new = row[start : start + most].tolist()
        new = new[: new.index(stop)] if stop in new else new
        made.append([model.values[token] for token in new])
    return made
