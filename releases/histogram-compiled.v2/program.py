# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abcd", example=("abac", (2, 1, 2, 1)))
def histogram() -> SOp:
    """How often each token occurs: `histogram("abac") -> [2, 1, 2, 1]`."""
    return frequency()
