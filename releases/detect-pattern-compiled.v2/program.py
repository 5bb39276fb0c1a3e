# What the model computes. Nothing runs this file when a release is loaded

@program(
    family=FAMILY,
    vocab="abc",
    example=("abcabc", (None, None, True, False, False, True)),
)
def detect_pattern(pattern: Pattern = "abc") -> SOp:
    """Whether `pattern` ends here, None where too little came before.

    detect_pattern("abcabc") -> [None, None, True, False, False, True]
    """
    wanted = tuple(pattern)

    def detect(*found: Value) -> bool | None:
        return None if found[0] is None else found == wanted

    return Elementwise(detect, window(len(wanted)))
