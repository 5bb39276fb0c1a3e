# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=range(1, 5), example=([1, 2, 2, 3, 1], [1, 2, 0, 3, 0]))
def zero_repeats() -> SOp:
    """The tokens, 0 where one occurred before.

    `zero_repeats([1, 2, 2, 3, 1]) -> [1, 2, 0, 3, 0]`
    """
    return where(seen_before(), 0, tokens)
