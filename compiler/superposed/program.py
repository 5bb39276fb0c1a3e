"""The typed program: which inputs are on, all ANDs of them, and the one that is asked.

    has_x3       is "x3" among the tokens? (False where a literal stands)
    x0_and_x7    has_x0 and has_x7
    answer       where the token is the question x0&x7: is x0_and_x7 true at a question?

The answer is one aggregate over the questions, whose selector is a disjunction over all
ANDs. Nothing here knows how the transformer computes it.
"""

from __future__ import annotations

import numpy as np

from compiler.ir import typed as t
from compiler.ir.domain import Domain, constant_domain, tokens_domain
from compiler.superposed.layout import and_names, has_names, literals, questions
from compiler.superposed.sets import NeuronSets

TOKENS, YES, ANSWER = "tokens", "yes", "answer"


def and_program(sets: NeuronSets, max_len: int, name: str) -> t.Typed:
    """Return the program of some ANDs.

    Args:
        sets: the inputs and their pairs.
        max_len: the greatest number of tokens.
        name: of the program.
    """
    vocab = (*literals(sets.n_inputs), *questions(sets))
    boolean = Domain((False, True), np.ones((max_len, 2), bool))
    yes = constant_domain(True, max_len)
    variables = [
        t.Variable(TOKENS, t.Input("tokens"), tokens_domain(vocab, max_len), False,
                   "the input tokens", "tokens = input"),
        t.Variable(YES, t.Fixed(), yes, False, "", "yes = True"),
    ]  # fmt: skip
    is_question = np.arange(len(vocab)) >= sets.n_inputs
    for i, own in enumerate(has_names(sets.n_inputs)):
        text = f'{own} = is "{vocab[i]}" among the tokens, seen from a question'
        variables.append(t.Variable(own, _has(i, is_question), boolean, True, "", text))
    for (a, b), own in zip(sets.pairs.tolist(), and_names(sets), strict=True):
        table = np.array([[0, 0], [0, 1]], np.int32)
        first, second = variables[2 + a].name, variables[2 + b].name
        text = f"{own} = {first} and {second}"
        operation = t.Table((2 + a, 2 + b), table)
        variables.append(t.Variable(own, operation, boolean, True, "", text))
    text = f"{ANSWER} = the AND that the token asks for; False of a literal"
    answer = _answer(sets, is_question)
    variables.append(t.Variable(ANSWER, answer, boolean, True, "", text))
    return t.Typed(
        name=name,
        variables=tuple(variables),
        output=len(variables) - 1,
        causal=False,
        vocab=vocab,
        max_len=max_len,
        numerical=False,
        notes=(f"at most {max_len - 1} literals at once, each at most once",),
    )


def _has(index: int, is_question: np.ndarray) -> t.Pick:
    """Return whether a token is there; only questions look."""
    key = np.arange(len(is_question)) == index
    there, looking = t.Atom(0, 1, key[:, None]), t.Atom(1, 0, is_question[None, :])
    return _any(t.Junction("and", (there, looking)))


def _answer(sets: NeuronSets, is_question: np.ndarray) -> t.Pick:
    """Return whether the AND that a token asks for is true at some question."""
    first = 2 + sets.n_inputs
    parts = []
    for i in range(len(sets.pairs)):
        allowed = np.zeros((2, len(is_question)), bool)
        allowed[1, sets.n_inputs + i] = True
        parts.append(t.Atom(first + i, 0, allowed))
    at_question = t.Atom(0, 1, is_question[:, None])
    return _any(t.Junction("and", (at_question, t.Junction("or", tuple(parts)))))


def _any(selector: t.Formula) -> t.Pick:
    """Return True where something is selected, else False."""
    recode = np.array([1], np.int32)
    return t.Pick(selector, 1, recode, default=0, rule="unique", proven=True)
