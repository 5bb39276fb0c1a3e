# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=range(1, 4), example=([1, 2, 2, 1], FOUR_YES))
def is_palindrome() -> SOp:
    """Whether the input equals its reverse.

    `is_palindrome([1, 2]) -> [False, False]`
    """
    return every((mirrored() == tokens).named("agrees"))
