# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abc", max_len=6, classes=ROUTE, example=("abcb", "babc"))
def shift_or_reverse_by_parity() -> SOp:
    """The tokens shifted if their number is even, else reversed.

    `shift_or_reverse_by_parity("abc") -> "cba"`.
    """
    before = Aggregate(Select(indices, (indices - 1) % length, EQ), tokens)
    route = (length % 2 == 0).named(ROUTE)
    return where(route, before.named("before"), _reversed())
