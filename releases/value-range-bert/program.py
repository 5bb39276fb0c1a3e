# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=(2, 3, 5, 8), example=([3, 8, 2], [6, 6, 6]))
def value_range() -> SOp:
    """The maximum minus the minimum: `value_range([3, 8, 2]) -> [6, 6, 6]`."""
    return greatest() - smallest()
