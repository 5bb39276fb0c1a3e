# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abcd", example=("abc", [None, "ab", "bc"]))
def bigram() -> SOp:
    """The previous and the current token: `bigram("abc") -> [None, "ab", "bc"]`."""
    return previous() + tokens
