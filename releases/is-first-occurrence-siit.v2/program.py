# What the model computes. Nothing runs this file when a release is loaded

@program(
    family=FAMILY, vocab="xyz", example=("xyxzy", (True, True, False, True, False))
)
def is_first_occurrence() -> SOp:
    """Whether the token is new: `is_first_occurrence("xyxzy") -> TTFTF`."""
    return SelectorWidth(earlier_copies()) == 0
