# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="ehlo", example=("hello", (0, 0, 1 / 3, 1 / 2, 2 / 5)))
def fraction_previous(t: str = "l") -> SOp:
    """The share of t in the prefix: `fraction_previous("hell") -> [0, 0, 1/3, 1/2]`."""
    return mean(prefix(), (tokens == t).named("is_t"))
