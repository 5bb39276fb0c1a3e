# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=(1, 3, 4, 7), example=((4, 7, 1, 3, 3), (True,) * 5))
def last_two_equal() -> SOp:
    """Whether the last two tokens are equal, everywhere; False for one token.

    last_two_equal([4, 7, 1, 3, 3]) -> [True, True, True, True, True]
    """
    repeats = (previous_token() == tokens).named("repeats_previous")
    return last(select_all, repeats)
