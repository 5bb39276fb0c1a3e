# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abcd", example=("abcd", "dcba"))
def reverse() -> SOp:
    """The tokens in the opposite order: `reverse("abcd") -> "dcba"`."""
    opposite = (length - 1 - indices).named("opposite_index")
    return Aggregate(Select(indices, opposite, EQ), tokens)

@program(family=FAMILY, vocab=range(1, 5), example=([2, 4, 1, 2], [1, 2, 2, 4]))
def sort() -> SOp:
    """The tokens in ascending order: `sort([2, 4, 1, 2]) -> [1, 2, 2, 4]`."""
    target = stable_rank(tokens).named("target_index")
    return placed(tokens, target.doc("how many tokens go before this one"))

@program(family=FAMILY, vocab="abcd", example=("abac", (2, 1, 2, 1)))
def histogram() -> SOp:
    """How often each token occurs: `histogram("abac") -> [2, 1, 2, 1]`."""
    return frequency()

@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((1, 2, 3, 4), (2, 3, 4, 1)))
def rotate_left(k: int = 1) -> SOp:
    """All tokens `k` to the left, round the end: `rotate_left("abcd") -> "bcda"`."""
    return token_at(((indices + k) % length).named("source_index"))
