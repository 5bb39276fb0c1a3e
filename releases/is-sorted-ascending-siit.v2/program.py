# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=(1, 2, 3, 5), example=([1, 3, 3, 5], [True] * 4))
def is_sorted_ascending() -> SOp:
    """Whether no token is below the one before it.

    `is_sorted_ascending([1, 3, 3, 5]) -> [True, True, True, True]`
    """
    in_order = ~(tokens < shift(tokens).named("previous"))
    return all_of(in_order.named("in_order"))
