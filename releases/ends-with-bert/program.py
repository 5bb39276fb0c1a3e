# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="helo", example=("hello", (True,) * 5))
def ends_with(s: Pattern = "lo") -> SOp:
    """Whether the sequence ends with `s`, everywhere: `ends_with("lol") -> FFF`."""
    return last(select_all, ends_here(s))
