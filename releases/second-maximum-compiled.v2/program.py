# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=(2, 3, 5, 8), example=([3, 8, 2, 5], [5, 5, 5, 5]))
def second_maximum() -> SOp:
    """The second largest token, counting multiplicity; None for one token.

    `second_maximum([3, 8, 2, 5]) -> [5, 5, 5, 5]`
    """
    above = stable_rank(tokens, descending=True).named("descending_rank")
    return Aggregate(Select(above, 1, EQ), tokens)
