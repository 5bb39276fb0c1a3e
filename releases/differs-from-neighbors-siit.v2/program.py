# What the model computes. Nothing runs this file when a release is loaded

@program(
    family=FAMILY,
    vocab=("bird", "cat", "dog"),
    example=(("cat", "dog", "cat", "dog"), (None, True, True, None)),
)
def differs_from_neighbors() -> SOp:
    """Whether the token is unlike both neighbours; None at the ends.

    differs_from_neighbors(["cat", "dog", "dog", "cat"]) -> [None, False, False, None]
    """

    def unlike(before: Value, token: Value, after: Value) -> bool | None:
        return None if None in (before, after) else token not in (before, after)

    return Elementwise(unlike, (previous_token(), tokens, next_token()))
