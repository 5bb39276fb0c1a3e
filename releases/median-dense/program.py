# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=(1, 3, 5, 7), example=([1, 3, 5, 7], [4] * 4))
def median() -> SOp:
    """The middle value, or the mean of the two: `median([1, 3, 5, 7]) -> [4] * 4`.

    The lower middle is the smallest value that half of the tokens do not exceed;
    the upper middle is the greatest value that half of the tokens reach.
    """
    at_most = count(Select(tokens, tokens, LEQ)).named("at_most")
    at_least = count(Select(tokens, tokens, GEQ)).named("at_least")

    def half(key: int, query: int) -> bool:
        return 2 * key >= query

    lower = Aggregate(Select(at_most, length, half), tokens, rule="min")
    upper = Aggregate(Select(at_least, length, half), tokens, rule="max")
    return (lower.named("lower_middle") + upper.named("upper_middle")) / 2
