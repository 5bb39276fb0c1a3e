# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=(1, 2, 3, 4), example=((2, 2, 4, 2), (True,) * 4))
def has_duplicate() -> SOp:
    """Whether some token occurs twice, everywhere: `has_duplicate("abb") -> TTT`."""
    copies = SelectorWidth(Select(tokens, tokens, EQ)).named("copies")
    return anywhere((copies > 1).named("repeated"))
