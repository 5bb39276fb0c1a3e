# What the model computes. Nothing runs this file when a release is loaded

@program(
    family=FAMILY, vocab="abc", max_len=6, classes=ROUTE, example=("abca", [2, 1, 1, 2])
)
def count_or_index_by_presence() -> SOp:
    """How often a token occurs if there is a "b", else its index.

    `count_or_index_by_presence("cac") -> [0, 1, 2]`.
    """
    found = SelectorWidth(Select(tokens, "b", EQ))
    route = (found > 0).named(ROUTE)
    return where(route, frequency().named("frequency"), indices)
