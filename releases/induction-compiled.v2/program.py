# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abc", example=("abcab", (None, None, None, "b", "c")))
def induction() -> SOp:
    """What followed the token's latest copy: `induction("abcab") -> "---bc"`."""
    return last(after_copies(previous_token()), tokens)
