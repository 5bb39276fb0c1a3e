# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=range(1, 5), example=([2, 3, 1], [2, 3, 1]))
def rank() -> SOp:
    """The place in ascending order, from 1, ties sharing the lowest.

    `rank([2, 3, 1]) -> [2, 3, 1]`
    """
    return count(Select(tokens, tokens, LT)).named("smaller") + 1
