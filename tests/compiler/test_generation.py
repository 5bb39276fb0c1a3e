"""Generation with a cache is the argmax of the whole forward pass, step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from compiler.errors import InputError
from compiler.families import FAMILIES
from tests.compiler.interchange.models import compiled, family_options, language_model

# Untrained models write no EOS, and say so.
pytestmark = pytest.mark.filterwarnings("ignore:.* wrote no EOS")
LANGUAGE = [name for name, family in FAMILIES.items() if family.language_class]
NEIGHBOURS: dict[str, Any] = {
    "positions": "rotary",
    "rotary_pairs": "neighbours",
    "norm": "rms",
    "biases": "qkv",
    "act": "relu",
}


def options(name) -> dict[str, Any]:
    if name == "neighbours":
        return NEIGHBOURS
    return family_options(name)


@pytest.fixture(scope="module", params=[*LANGUAGE, "neighbours"])
def model(request):
    return language_model(**options(request.param))


def slowly(model, prompt, most):
    """The tokens that the whole forward pass prefers, one after the other."""
    ids = model.encode_batch([prompt])
    place, made = 1 + len(prompt), []
    while len(made) < most and place < model.config.n_ctx:
        logits = np.asarray(model.logits_of(ids))[0, place - 1]
        first, second = np.sort(logits)[[-1, -2]]
        assert first - second > 1e-4, "a tie, which rounding would decide"
        token = int(logits.argmax())
        if model.readout.values[token] == "EOS":
            break
        made.append(model.readout.values[token])
        ids[0, place], place = token, place + 1
    return made


def test_generation_follows_the_whole_forward_pass(model):
    vocab = model.typed.vocab
    prompts = [
        [vocab[(3 * i + p) % len(vocab)] for p in range(1 + i)] for i in range(5)
    ]
    room = model.config.n_ctx - 1 - len(prompts[-1])
    for most in (1, room):
        found = model.generate(prompts, max_new=most)
        assert found == [slowly(model, prompt, most) for prompt in prompts]
    assert model.generate(prompts[2]) == slowly(model, prompts[2], model.config.n_ctx)
    text = " ".join(prompts[3])
    assert model.generate(text, 3) == slowly(model, prompts[3], 3)


@pytest.mark.parametrize(
    ("prompt", "max_new", "message"),
    [
        ("a zebra", None, "word 2 of the prompt, 'zebra', is unknown. The words are: "),
        ("", None, "empty"),
        ("= = =", 99, "max_new is 99, and behind the longest prompt .* room for"),
        ("=", 0, "max_new is 0; give an integer of at least 1"),
        ("= " * 99, None, "99 tokens"),
    ],
)
def test_a_prompt_that_cannot_be_continued_says_why(prompt, max_new, message):
    model = language_model(**options("gpt2"))
    with pytest.raises(InputError, match=message):
        model.generate(prompt, max_new)


def test_a_model_of_values_generates_nothing():
    with pytest.raises(InputError, match="reverse is no language model"):
        compiled("reverse").generate("a b")


def test_prompts_that_do_not_fit_side_by_side_run_in_parts(model, monkeypatch):
    vocab = model.typed.vocab
    prompts = [list(vocab[i : i + 1 + i % 3]) for i in range(5)]
    together = model.generate(prompts, max_new=4)
    monkeypatch.setattr("compiler.generation.AT_ONCE", 2)
    assert model.generate(prompts, max_new=4) == together
    assert len(together) == 5
