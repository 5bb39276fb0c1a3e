import pytest

from programs import ngrams
from tests import oracle
from tests.programs.check import check_against_reference, check_docstring


def grams(x, n):
    return [
        "".join(x[i - n + 1 : i + 1]) if i >= n - 1 else None for i in range(len(x))
    ]


def bigram_histogram(x):
    pairs = grams(x, 2)
    return [None if p is None else pairs.count(p) for p in pairs]


def is_repeated_bigram(x):
    pairs = grams(x, 2)
    return [p is not None and p in pairs[:i] for i, p in enumerate(pairs)]


def skip_trigram(x):
    return ["c" if v == "b" and "a" in x[:i] else None for i, v in enumerate(x)]


def in_context_bigram_mode(x):
    out = []
    for i, token in enumerate(x):
        seen = [x[k + 1] for k in range(i) if x[k] == token]
        # max keeps the first of equals, and `seen` is in the order of appearance
        out.append(max(seen, key=seen.count) if seen else None)
    return out


def counting_sequence_next(x):
    out = [None, None, *x[1:2]]
    for value in x[3:]:
        out.append("<" if value == x[2] else str(int(value) + 1))
    return out[: len(x)]


REFERENCES = {
    "bigram": lambda x: grams(x, 2),
    "trigram": lambda x: grams(x, 3),
    "bigram_histogram": bigram_histogram,
    "is_repeated_bigram": is_repeated_bigram,
    "fixed_bigram_next": lambda x: [{"a": "b", "b": "c", "c": "a"}.get(v) for v in x],
    "fixed_trigram_next": lambda x: ["c" if g == "ab" else None for g in grams(x, 2)],
    "skip_trigram": skip_trigram,
    "in_context_bigram_mode": in_context_bigram_mode,
    "counting_sequence_next": counting_sequence_next,
}
# Few random sequences count up; these are all of the longer ones.
COUNTS = [
    [">", str(a), str(b), *(str(c) for c in range(a, a + n))]
    for a in range(1, 6)
    for b in range(a, 6)
    for n in range(b - a + 2)
]


@pytest.mark.parametrize("name", REFERENCES)
def test_program_equals_plain_python(name):
    program, reference = getattr(ngrams, name), REFERENCES[name]
    extra = COUNTS if name == "counting_sequence_next" else []
    check_against_reference(program, reference, extra)
    check_docstring(program, reference)


def test_counts_up_accepts_counts_and_what_they_begin_with():
    assert all(ngrams.counts_up(x) for x in COUNTS)
    assert ngrams.counts_up([">"]) and ngrams.counts_up([">", "3"])
    for wrong in ("2", ">32", ">122", ">1112", ">>"):
        assert not ngrams.counts_up(wrong)


def test_in_context_bigram_mode_works_for_another_vocabulary():
    built = ngrams.in_context_bigram_mode.build(vocab=(0, 1), max_len=5)
    assert oracle.evaluate(built, [0, 1, 0, 0, 1]) == [None, None, 1, 1, 0]
