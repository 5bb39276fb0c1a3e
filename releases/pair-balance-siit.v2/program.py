# What the model computes. Nothing runs this file when a release is loaded

@program(
    family=FAMILY,
    vocab="()abc",
    example=("a()b(c))", (0, 1 / 2, 0, 0, 1 / 5, 1 / 6, 0, -1 / 8)),
)
def pair_balance() -> SOp:
    """Openers minus closers, as a share of the prefix.

    `pair_balance("a()b(c))") -> [0, 1/2, 0, 0, 1/5, 1/6, 0, -1/8]`
    """
    return mean(prefix(), tokens.map(lambda t: (t == "(") - (t == ")")))
