# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=range(1, 5), example=([1, 3, 4, 2, 4], [4, 3, 1, 2, 1]))
def swap_min_max() -> SOp:
    """Every maximum becomes the minimum, and the reverse.

    `swap_min_max([1, 3, 4, 2, 4]) -> [4, 3, 1, 2, 1]`
    """
    top = Aggregate(TRUE, tokens, rule="max").named("greatest")
    bottom = Aggregate(TRUE, tokens, rule="min").named("smallest")

    def swapped(token: int, low: int, high: int) -> int:
        return {high: low, low: high}.get(token, token)

    return Elementwise(swapped, (tokens, bottom, top))
