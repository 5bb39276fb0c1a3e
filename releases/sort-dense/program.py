# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=range(1, 5), example=([2, 4, 1, 2], [1, 2, 2, 4]))
def sort() -> SOp:
    """The tokens in ascending order: `sort([2, 4, 1, 2]) -> [1, 2, 2, 4]`."""
    target = stable_rank(tokens).named("target_index")
    return placed(tokens, target.doc("how many tokens go before this one"))
