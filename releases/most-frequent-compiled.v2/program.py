# What the model computes. Nothing runs this file when a release is loaded

@program(
    family=FAMILY, vocab="abcd", example=("abbcccd", ("c", "b", "a", "d", *[None] * 3))
)
def most_frequent(max_len: int) -> SOp:
    """The distinct tokens, most frequent first.

    Ties go to the earlier first occurrence. Only first occurrences have a standing:
    their frequency, and among equals how early they are.

    `most_frequent("abb") -> ["b", "a", None]`
    """
    standing = Elementwise(
        lambda often, fresh, i: often * max_len - i if fresh else None,
        (frequency(), is_first(), indices),
    ).named("standing")
    rank = count(Select(standing, standing, GT)).named("rank")
    wanted = Select(rank, indices, EQ) & Select(is_first(), True, EQ)
    return Aggregate(wanted, tokens)
