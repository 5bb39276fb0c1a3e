# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=range(1, 5), example=([4, 3, 2, 1], [True] * 4))
def is_sorted_descending() -> SOp:
    """Whether no token is above the one before it.

    `is_sorted_descending([4, 3, 2, 1]) -> [True, True, True, True]`
    """
    in_order = ~(tokens > shift(tokens).named("previous"))
    return all_of(in_order.named("in_order"))
