from typing import Any

import pytest

from programs import dyck
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring

PARTNER = {")": "(", "]": "[", "}": "{"}
CLOSER = {v: k for k, v in PARTNER.items()}


def prefixes(x):
    return [x[: i + 1] for i in range(len(x))]


def depth(x):
    return sum((t == "(") - (t == ")") for t in x)


def ptf(x):
    """The verdict on a whole string, with a stack: T, P or F."""
    stack = []
    for t in x:
        if t in CLOSER:
            stack.append(t)
        elif not stack or stack.pop() != PARTNER[t]:
            return "F"
    return "P" if stack else "T"


def only(x, kind):
    return [t for t in x if t in kind]


def shuffled(*kinds):
    return lambda x: [all(ptf(only(x, kind)) == "T" for kind in kinds)] * len(x)


def partners(x):
    found: list[Any] = [None] * len(x)
    stack: list[int] = []
    for i, t in enumerate(x):
        if t == "(":
            stack.append(i)
        elif stack:
            found[i] = stack.pop()
            found[found[i]] = i
    return found


def required_closer(x):
    """Closers close the innermost open bracket of whatever kind."""
    result, stack = [], []
    for t in x:
        if t in CLOSER:
            stack.append(CLOSER[t])
        elif stack:
            stack.pop()
        result.append(stack[-1] if stack else None)
    return result


def bounded(x, k=2):
    heights = [depth(p) for p in prefixes(x)]
    return [
        heights[i] == 0 and all(0 <= h <= k for h in heights[: i + 1])
        for i in range(len(x))
    ]


def longest_balanced(x):
    return [max(n for n in range(len(x) + 1) if ptf(x[:n]) == "T")] * len(x)


def running_max_depth(x):
    heights = [depth(p) for p in prefixes(x)]
    return [max(heights[: i + 1]) for i in range(len(x))]


REFERENCES = {
    "pair_balance": lambda x: [depth(p) / len(p) for p in prefixes(x)],
    "paren_depth": lambda x: [depth(p) for p in prefixes(x)],
    "dyck1_prefix_balanced": lambda x: [ptf(p) == "T" for p in prefixes(x)],
    "dyck1_ptf": lambda x: [ptf(p) for p in prefixes(x)],
    "dyck2_ptf": lambda x: [ptf(p) for p in prefixes(x)],
    "dyck3_ptf": lambda x: [ptf(p) for p in prefixes(x)],
    "dyck1_balanced": lambda x: [ptf(x) == "T"] * len(x),
    "shuffle_dyck2": shuffled("()", "{}"),
    "shuffle_dyck3": shuffled("()", "{}", "[]"),
    "dyck2_balanced": lambda x: [ptf(x) == "T"] * len(x),
    "dyck1_bounded_depth": bounded,
    "running_max_depth": running_max_depth,
    "matching_bracket_position": partners,
    "dyck2_required_closer": required_closer,
    "longest_balanced_prefix": longest_balanced,
}
# Few random strings are nested; these are.
NESTED = {
    "dyck2_ptf": ["{({})}()", "((({})))", "{}(){()}", "(({{}}))"],
    "dyck2_balanced": ["{({})}()", "((({})))", "{}(){()}", "({)}({})", "(({{}})"],
    "dyck3_ptf": ["{[()]}", "([]{})", "[[()]]", "[({})"],
    "shuffle_dyck2": ["({(})}{}", "(({{))}}"],
    "shuffle_dyck3": ["([{)]}", "([)]{}", "{[]()}"],
}


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(dyck, name), REFERENCES[name]
    check_against_reference(program, reference, NESTED.get(name, ()))
    check_docstring(program, reference)


@pytest.mark.parametrize("k", [0, 1, 3])
def test_bounded_depth_takes_any_bound(k):
    expression = dyck.dyck1_bounded_depth.with_parameters(k=k).build()
    for text in ("()((()))", "()()", "(((())))", "())(()"):
        assert oracle.evaluate(expression, text) == bounded(text, k)


def test_brackets_may_stand_among_other_tokens():
    program, text = dyck.paren_depth, "a(b)c)("
    found = oracle.evaluate(program.build(vocab="abc()"), text)
    assert found == REFERENCES["paren_depth"](text)
