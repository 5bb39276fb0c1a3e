"""Programs that generate: every output is a token, and logits stand for tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from compiler.api import compile_model
from compiler.errors import ProgramError
from compiler.interchange.tokenizer import EOS
from compiler.rasp import (
    EQ,
    Constant,
    Program,
    Select,
    SelectorWidth,
    SequenceMap,
    SOp,
    indices,
    last,
    prefix,
    program,
    tokens,
)
from compiler.save import load_model, save_model
from compiler.verify import verify_outputs

WORDS = ("a", "b", EOS)


def up_to(most: int) -> SOp:
    """`b` behind each `a` and `a` behind each `b`, EOS behind `most` tokens."""
    swapped = {"a": "b", "b": "a", EOS: EOS}
    return SequenceMap(
        lambda word, place: swapped[word] if place + 1 < most else EOS, tokens, indices
    )


def count_up() -> SOp:
    """The number of tokens so far, which are numbers."""
    return SelectorWidth(prefix() & Select(tokens, tokens, lambda key, query: True))


CASES: dict[str, tuple[SOp, Sequence[Any], list[Any], list[Any]]] = {
    "a table": (up_to(5), WORDS, ["a"], ["b", "a", "b", "a"]),
    "the tokens": (tokens, WORDS, ["b", "a"], ["a"] * 6),
    "a width, which is no table": (count_up(), range(9), [7], [*range(1, 8)]),
    "one value": (Constant("a") + tokens.map(lambda _: ""), WORDS, ["b"], ["a"] * 7),
    "none at once": (tokens.map(lambda _: EOS), WORDS, ["b"], []),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    expression, vocab, prompt, wanted = CASES[request.param]
    model = compile_model(expression, vocab, max_len=8, generate=True)
    return model, prompt, wanted


@pytest.mark.filterwarnings("ignore:.* wrote no EOS")
def test_a_program_writes_its_own_next_token(case):
    model, prompt, wanted = case
    assert model.writes_tokens and model.config.causal
    assert model.generate(prompt) == wanted
    assert model.generate(prompt, max_new=1) == wanted[:1]


def test_its_outputs_are_still_those_of_the_interpreter(case):
    model, *_ = case
    found = verify_outputs(model, limit=3_000, sample=300)
    assert found.wrong == found.undefined == 0
    assert found.margin > 5


def test_a_saved_one_generates_too(case, tmp_path):
    model, prompt, _ = case
    again = load_model(save_model(model, tmp_path / "model"))
    assert again.facts["options"]["generate"] is True
    assert again.generate(prompt, max_new=2) == model.generate(prompt, max_new=2)


def test_transformers_runs_the_same_weights():
    torch = pytest.importorskip("torch")
    model = compile_model(up_to(5), WORDS, max_len=8, generate=True, like="gpt2")
    theirs = model.to_transformers()
    ids = torch.tensor(model.encode_batch([["a"]])[:, :2].astype(np.int64))
    made = theirs.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=6,
        pad_token_id=model.config.pad_id,
    )
    words = [model.readout.values[token] for token in made[0, 2:].tolist()]
    assert words[: words.index(EOS)] == model.generate(["a"]) == ["b", "a", "b", "a"]


def refused(expression: SOp, **options: Any) -> str:
    with pytest.raises(ProgramError) as error:
        compile_model(expression, max_len=4, generate=True, **options)
    return str(error.value)


def test_what_cannot_be_written_is_told():
    none = tokens.map(lambda word: None if word == "b" else word)
    assert "its output may be None, which is no token" in refused(none, vocab="ab")
    assert "it looks at later positions" in refused(tokens, vocab="ab", causal=False)
    assert "'BOS', which stands for the beginning" in refused(tokens, vocab=["BOS"])


def test_a_text_that_does_not_end_says_so():
    model = compile_model(tokens, WORDS, max_len=8, generate=True)
    with pytest.warns(
        RuntimeWarning, match="no EOS behind 1 of 2 prompts, as behind 'a'"
    ):
        model.generate([["a"], [EOS]])


def test_the_program_says_whether_it_generates():
    @program(family="test", vocab=WORDS, example=("ab", "ba"), generates=True)
    def swap() -> SOp:
        """The other letter."""
        return up_to(4)

    assert isinstance(swap, Program) and swap.causal
    assert compile_model(swap).writes_tokens
    assert not compile_model(swap, generate=False).writes_tokens


def test_an_output_that_a_head_picks_is_written_as_it_is():
    before = indices.map(lambda place: max(place - 1, 0))
    letter = last(Select(indices, before, EQ), tokens, EOS)
    model = compile_model(letter, WORDS, max_len=8, generate=True)
    assert model.generate(["a", "b"], max_new=4) == ["a", "b", "a", "b"]
