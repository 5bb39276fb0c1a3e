# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abcd", example=("abcd", "dcba"))
def reverse() -> SOp:
    """The tokens in the opposite order: `reverse("abcd") -> "dcba"`."""
    opposite = (length - 1 - indices).named("opposite_index")
    return Aggregate(Select(indices, opposite, EQ), tokens)

@program(family=FAMILY, vocab=(2, 3, 5, 8), example=([3, 8, 2], [8, 8, 8]))
def maximum() -> SOp:
    """The greatest token, everywhere: `maximum([3, 8, 2]) -> [8, 8, 8]`."""
    return Aggregate(TRUE, tokens, rule="max")
