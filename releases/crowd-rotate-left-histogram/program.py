# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((1, 2, 3, 4), (2, 3, 4, 1)))
def rotate_left(k: int = 1) -> SOp:
    """All tokens `k` to the left, round the end: `rotate_left("abcd") -> "bcda"`."""
    return token_at(((indices + k) % length).named("source_index"))

@program(family=FAMILY, vocab="abcd", example=("abac", (2, 1, 2, 1)))
def histogram() -> SOp:
    """How often each token occurs: `histogram("abac") -> [2, 1, 2, 1]`."""
    return frequency()
