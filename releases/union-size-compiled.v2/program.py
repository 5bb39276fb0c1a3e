# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abc|", example=("ab|bc", [3] * 5), accepts=two_sets)
def union_size() -> SOp:
    """How many distinct tokens the two sides hold together.

    `union_size("ab|bc") -> [3, 3, 3, 3, 3]`
    """
    is_new = (~seen_before() & (tokens != BAR)).named("is_new")
    return count(marked(is_new))
