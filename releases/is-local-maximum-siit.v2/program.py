# What the model computes. Nothing runs this file when a release is loaded

@program(
    family=FAMILY,
    vocab=(1, 2, 3, 4, 5),
    max_len=7,
    example=((1, 3, 2, 5, 4), (False, True, False, True, False)),
)
def is_local_maximum() -> SOp:
    """Whether it exceeds both neighbours: `is_local_maximum([1, 3, 2]) -> FTF`."""

    def peaks(before: Value, token: Value, after: Value) -> bool:
        return None not in (before, after) and before < token > after

    return Elementwise(peaks, (previous_token(), tokens, next_token()))
