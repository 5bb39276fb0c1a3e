# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=ROUND, max_len=10, example=("(()())", (1, 2, 1, 2, 1, 0)))
def paren_depth() -> SOp:
    """Opens minus closes in the prefix: `paren_depth("(())") -> [1, 2, 1, 0]`."""
    return depth([ROUND])
