# What the model computes. Nothing runs this file when a release is loaded

@program(
    family=FAMILY, vocab="abc", example=("abcabc", (None, None, None, None, None, "b"))
)
def k_hop_induction(k: int = 2) -> SOp:
    """The token at the end of `k` induction hops, None if one of them fails.

    k_hop_induction("abcabc") -> "-----b": c at 5 points after c at 2, to the a at 3,
    and that points after a at 0, to the b at 1.
    """
    after = after_copies(previous_token())
    pointer = last(after, indices).named("pointer").doc("where a hop leads")
    one_hop = last(after, tokens).named("token_after_1_hop")

    def hop(ahead: SOp, number: int) -> SOp:
        reached = Aggregate(Select(indices, pointer, EQ), ahead)
        return reached.named(f"token_after_{number + 2}_hops")

    return repeat(k - 1, one_hop, hop)
