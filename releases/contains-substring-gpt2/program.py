# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abxy", example=("xaby", (True,) * 4))
def contains_substring(s: Pattern = "ab") -> SOp:
    """Whether `s` occurs, everywhere: `contains_substring("xaby") -> TTTT`."""
    return anywhere(ends_here(s))
