# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abcd", example=("abcbb", "bbbbb"))
def mode() -> SOp:
    """The most frequent token, the earliest of several: `mode("abb") -> "bbb"`."""
    often = frequency()
    top = Aggregate(select_all, often, rule="max").named("top_frequency")
    return first(Select(often, top, EQ), tokens)
