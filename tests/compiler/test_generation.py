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


def slowly(model, prompts):
    """The tokens that the whole forward pass prefers, one after the other."""
    ids, n_ctx = model.encode_batch(prompts), model.config.n_ctx
    made = [[] for _ in prompts]
    live = set(range(len(prompts)))
    while live:
        logits = np.asarray(model.logits_of(ids))
        for row in sorted(live):
            place = 1 + len(prompts[row]) + len(made[row])
            if place == n_ctx:
                live.remove(row)
                continue
            first, second = np.sort(logits[row, place - 1])[[-1, -2]]
            assert first - second > 1e-4, "a tie, which rounding would decide"
            ids[row, place] = token = int(logits[row, place - 1].argmax())
            if model.readout.values[token] == "EOS":
                live.remove(row)
            else:
                made[row].append(model.readout.values[token])
    return made


def test_generation_follows_the_whole_forward_pass(model):
    vocab = model.typed.vocab
    prompts = [
        [vocab[(3 * i + p) % len(vocab)] for p in range(1 + i)] for i in range(5)
    ]
    wanted = slowly(model, prompts)
    room = model.config.n_ctx - 1 - len(prompts[-1])
    for most in (1, room):
        found = model.generate(prompts, max_new=most)
        assert found == [words[:most] for words in wanted]


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


def test_prompts_that_do_not_fit_side_by_side_run_in_parts(monkeypatch):
    model = language_model(**options("gpt2"))
    vocab = model.typed.vocab
    prompts = [list(vocab[i : i + 1 + i % 3]) for i in range(5)]
    together = model.generate(prompts, max_new=4)
    monkeypatch.setattr("compiler.generation.AT_ONCE", 2)
    assert model.generate(prompts, max_new=4) == together
    assert len(together) == 5
    # One prompt alone, as tokens or as text.
    (wanted,) = slowly(model, prompts[2:3])
    assert together[2] == wanted[:4]
    assert model.generate(prompts[2]) == wanted
    assert model.generate(" ".join(prompts[2]), 3) == wanted[:3]
