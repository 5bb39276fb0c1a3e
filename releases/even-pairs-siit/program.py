# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=(0, 1), example=([0, 0, 1, 1, 1, 0], (True,) * 6))
def even_pairs() -> SOp:
    """Whether 01 and 10 occur an even number of times.

    Each occurrence flips the bit, so this asks whether the last bit is the first.

    `even_pairs([0, 1, 0]) -> [True] * 3`
    """
    start = first(select_all, tokens).named("first_bit")
    return start == last(select_all, tokens).named("last_bit")
