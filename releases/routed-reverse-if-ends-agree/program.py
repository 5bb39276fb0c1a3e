# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abc", max_len=6, classes=ROUTE, example=("abca", "acba"))
def reverse_if_ends_agree() -> SOp:
    """The tokens reversed if the first is the last, else as they are.

    `reverse_if_ends_agree("abc") -> "abc"`.
    """
    first = Aggregate(Select(indices, 0, EQ), tokens).named("first")
    last = Aggregate(Select(indices, length - 1, EQ), tokens).named("last")
    route = (first == last).named(ROUTE)
    return where(route, _reversed(), tokens)
