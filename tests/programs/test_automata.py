import re

import pytest

from programs import automata
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def on_prefixes(answer):
    return lambda x: [answer(x[: i + 1]) for i in range(len(x))]


def matching(pattern):
    """Whether each prefix, written as a string, is matched from end to end."""
    whole = re.compile(pattern)
    return on_prefixes(lambda x: bool(whole.fullmatch("".join(map(str, x)))))


def blocks(letters):
    """Whether each prefix is n times the first letter, n times the next one, .."""

    def accepts(x):
        n = len(x) // len(letters)
        return n > 0 and x == [letter for letter in letters for _ in range(n)]

    return on_prefixes(accepts)


def flip_flop(x):
    bit = 0
    for word in x:
        bit = int(word[1]) if word.startswith("w") else bit
    return bit


def final_state(x):
    state = 0
    for letter in x:
        table = {"a": [1, 1, 1], "b": [1, 2, 0]}
        state = table[letter][state]
    return state


REFERENCES = {
    "a_power_k_star": matching("(aa)*"),
    "abab_star": matching("(abab)*"),
    "ordered_blocks": matching("a+b+c+d+e+"),
    "ab_star_d_bc_star": matching("[ab]*d[bc]*"),
    "ends_in_02star": matching("[012]*02*"),
    "a_n_b_n": blocks("ab"),
    "a_n_b_n_c_n": blocks("abc"),
    "flip_flop": on_prefixes(flip_flop),
    "last_bit_is_one": matching("[01]*1"),
    "even_as_and_even_bs": on_prefixes(
        lambda x: x.count("a") % 2 == 0 and x.count("b") % 2 == 0
    ),
    "no_repeated_b": on_prefixes(lambda x: "bb" not in "".join(x)),
    "exactly_k": on_prefixes(lambda x: x.count("a") == 2),
    "dfa_state": on_prefixes(final_state),
}
# Few random strings are accepted; these are, or nearly so.
EXTRA = {
    "abab_star": ["abababab", "ababababab", "abababaa"],
    "ordered_blocks": ["abcde", "aabcdee", "abbcdde", "bcde", "abcee", "abcdea"],
    "ab_star_d_bc_star": ["abbadcbc", "ababdbbb", "abdbca", "abcdbc", "aadbdb"],
    "a_n_b_n": ["aaabbb", "aaaaabbbbb", "aaabbbab", "abab"],
    "a_n_b_n_c_n": ["aabbcc", "aaabbbccc", "aabcbc", "abcabc", "aaabbcccc"],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(automata, name), REFERENCES[name]
    check_against_reference(program, reference, EXTRA.get(name, ()))
    check_docstring(program, reference)


@pytest.mark.parametrize("name", REFERENCES)
def test_prefix_programs_mean_the_same_when_causal(name):
    program = getattr(automata, name)
    expression, word = program.build(), (program.vocab * 9)[: program.max_len]
    for tokens in (word, word[::-1], program.example[0]):
        causal = oracle.evaluate(expression, tokens, causal=True)
        assert causal == oracle.evaluate(expression, tokens)


@pytest.mark.parametrize("k", [1, 3, 4])
def test_powers_and_counts_take_any_k(k):
    power = automata.a_power_k_star.with_parameters(k=k).build()
    exactly = automata.exactly_k.with_parameters(t="b", k=k).build()
    for text in ("aaaaaaaa", "aaaabaaa", "bbbbbb"):
        assert oracle.evaluate(power, text) == matching(f"(a{{{k}}})*")(text)
        counted = on_prefixes(lambda x: x.count("b") == k)(text)
        assert oracle.evaluate(exactly, text) == counted


def test_blocks_are_those_of_the_vocabulary():
    expression = automata.ordered_blocks.build(vocab=(7, 3, 5))
    found = oracle.evaluate(expression, [7, 7, 3, 5, 5, 3])
    assert found == [False, False, False, True, True, False]
