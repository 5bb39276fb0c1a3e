# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=range(1, 5), example=([1, 2, 3, 4], [Fraction(5, 2)] * 4))
def average_first_last() -> SOp:
    """The mean of the end tokens: `average_first_last([1, 2, 3, 4]) -> [5/2] * 4`."""
    start = first(TRUE, tokens).named("start")
    end = last(TRUE, tokens).named("end")
    return (start + end) / 2
