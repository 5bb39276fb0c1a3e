import itertools

import pytest

from programs import binding
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def on_prefixes(answer):
    return lambda x: [answer(x[: i + 1]) for i in range(len(x))]


def next_argument(x):
    if "doc" not in x:
        return None
    line = x[: x.index("doc")]
    present = "def" if x[-1] == "doc" else x[-1]
    successors = [b for a, b in itertools.pairwise(line) if a == present]
    return successors[0] if successors else None


def bindings(x, values):
    """Every (key, value) of a value that stands before a word that is none."""
    return [
        (b, a)
        for a, b in itertools.pairwise(x)
        if a in values and b not in values and b != "?"
    ]


def contents(x):
    if x[-1] != "?":
        return None
    return dict(bindings(x, ("apple", "pear"))).get(x[-2]) if x[1:] else None


def label(x):
    if x[-1] != "?" or not x[1:]:
        return None
    return dict(reversed(bindings(x, ("A", "B")))).get(x[-2])


def scan(x):
    """Read the commands one by one, spell them out, then cut or pad to the length."""
    actions = []
    for i, word in enumerate(x):
        if word in ("jump", "walk"):
            after = x[i + 1] if i + 1 < len(x) else "once"
            actions += [word.upper()] * {"twice": 2, "thrice": 3}.get(after, 1)
    return (actions + ["_"] * len(x))[: len(x)]


REFERENCES = {
    "docstring_next_argument": on_prefixes(next_argument),
    "entity_binding": on_prefixes(contents),
    "multiple_choice_label": on_prefixes(label),
    "acronym": on_prefixes(lambda x: "".join(word[0] for word in x)),
    "scan_twice": scan,
}
# Few random inputs are well formed; these are.
EXTRA = {
    "docstring_next_argument": [
        ["def", "a", "b", "doc", "a", "b", "c"],
        ["def", "c", "b", "a", "doc", "c", "b"],
        ["def", "doc", "a"],
    ],
    "entity_binding": [
        ["apple", "boxA", "pear", "boxA", "boxA", "?"],
        ["apple", "boxB", "pear", "boxA", "boxB", "?", "?"],
        ["apple", "boxB", "boxA", "?"],
    ],
    "multiple_choice_label": [
        ["A", "red", "B", "blue", "red", "?"],
        ["A", "red", "B", "red", "red", "?"],
        ["B", "red", "?", "red", "?", "blue", "?"],
    ],
    "scan_twice": [
        ["jump", "thrice", "walk", "twice", "_", "_", "_"],
        ["walk", "jump", "twice", "walk", "_", "_", "_"],
        ["jump", "thrice", "walk", "thrice", "jump", "thrice"],
    ],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(binding, name), REFERENCES[name]
    check_against_reference(program, reference, EXTRA.get(name, ()))
    check_docstring(program, reference)


def test_commands_are_spelled_out_causally():
    expression = binding.scan_twice.build()
    for words in EXTRA["scan_twice"]:
        assert oracle.evaluate(expression, words, causal=True) == scan(words)


def test_acronyms_grow_up_to_any_length():
    expression = binding.acronym.build(vocab=("ab", "cd"), max_len=8)
    words = ["ab", "cd", "cd", "ab", "cd", "ab", "ab", "cd"]
    found = oracle.evaluate(expression, words)
    assert found == ["A", "AC", "ACC", "ACCA", "ACCAC", "ACCACA", "ACCACAA", "ACCACAAC"]
