# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abcd", example=("abcd", "dcba"))
def reverse() -> SOp:
    """The tokens in the opposite order: `reverse("abcd") -> "dcba"`."""
    opposite = (length - 1 - indices).named("opposite_index")
    return Aggregate(Select(indices, opposite, EQ), tokens)

@program(family=FAMILY, vocab="abcd", example=("abac", (2, 1, 2, 1)))
def histogram() -> SOp:
    """How often each token occurs: `histogram("abac") -> [2, 1, 2, 1]`."""
    return frequency()
