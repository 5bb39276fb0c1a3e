# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=(2, 3, 5, 7), example=([5, 3, 2, 5, 2], [2] * 5))
def minimum() -> SOp:
    """The smallest token, everywhere: `minimum([5, 3, 2]) -> [2, 2, 2]`."""
    return Aggregate(TRUE, tokens, rule="min")
