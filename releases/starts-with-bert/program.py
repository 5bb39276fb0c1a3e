# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="helo", example=("hello", (True,) * 5))
def starts_with(s: Pattern = "he") -> SOp:
    """Whether the sequence begins with `s`, everywhere: `starts_with("hel") -> TTT`."""
    wanted = tuple(s)
    read = tuple(
        Aggregate(Select(indices, Constant(k), EQ), tokens).named(f"token_{k}")
        for k in range(len(wanted))
    )
    return Elementwise(lambda *found: found == wanted, read)
