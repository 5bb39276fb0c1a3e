# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=(2, 3, 5, 8), example=([3, 8, 2, 8], [1, 1, 1, 1]))
def argmax() -> SOp:
    """The first position of the maximum: `argmax([3, 8, 2, 8]) -> [1, 1, 1, 1]`."""
    top = Aggregate(TRUE, tokens, rule="max").named("greatest")
    return first(Select(tokens, top, EQ), indices)
