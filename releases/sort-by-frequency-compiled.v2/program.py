# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=range(1, 5), example=([2, 4, 2, 1], [2, 2, 4, 1]))
def sort_by_frequency() -> SOp:
    """The most frequent tokens first, ties in input order.

    `sort_by_frequency([2, 4, 2, 1]) -> [2, 2, 4, 1]`
    """
    frequency = count(Select(tokens, tokens, EQ)).named("frequency")
    target = stable_rank(frequency, descending=True).named("target_index")
    return placed(tokens, target.doc("how many tokens go before this one"))
