# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab="abcd", example=("abac", ["a", "b", None, "c"]))
def unique_tokens() -> SOp:
    """First occurrences, None at the others.

    `unique_tokens("abac") -> ["a", "b", None, "c"]`
    """
    return where(seen_before(), None, tokens)
