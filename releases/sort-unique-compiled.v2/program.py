# What the model computes. Nothing runs this file when a release is loaded

@program(
    family=FAMILY,
    vocab=range(1, 7),
    max_len=6,
    example=([2, 4, 3, 1], [1, 2, 3, 4]),
    accepts=lambda sequence: len(set(sequence)) == len(sequence),
)
def sort_unique() -> SOp:
    """Distinct tokens, ascending: `sort_unique([2, 4, 3, 1]) -> [1, 2, 3, 4]`."""
    target = count(Select(tokens, tokens, LT)).named("target_index")
    return placed(tokens, target.doc("how many tokens are smaller"))
