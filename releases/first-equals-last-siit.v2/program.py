# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abc", example=("abca", (True,) * 4))
def first_equals_last() -> SOp:
    """Whether both ends are equal, everywhere: `first_equals_last("abca") -> TTTT`."""
    first_token = first(select_all, tokens).named("first_token")
    return first_token == last(select_all, tokens).named("last_token")
