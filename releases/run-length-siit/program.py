# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abcd", example=("aabccc", (1, 2, 1, 1, 2, 3)))
def run_length() -> SOp:
    """The length of the run up to here: `run_length("aabb") -> [1, 2, 1, 2]`."""
    other = Select(tokens, tokens, NEQ)
    return indices - last(prefix() & other, indices, -1).named("previous_run_end")
