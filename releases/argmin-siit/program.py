# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=(2, 3, 5, 8), example=([3, 2, 8, 2], [1, 1, 1, 1]))
def argmin() -> SOp:
    """The first position of the minimum: `argmin([3, 2, 8, 2]) -> [1, 1, 1, 1]`."""
    bottom = Aggregate(TRUE, tokens, rule="min").named("smallest")
    return first(Select(tokens, bottom, EQ), indices)
