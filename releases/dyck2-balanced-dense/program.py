# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=ROUND + CURLY, example=("({})", (True,) * 4))
def dyck2_balanced() -> SOp:
    """Whether all is nested and closed: `dyck2_balanced("({})") -> [True] * 4`."""
    pairs = [ROUND, CURLY]
    failed = Aggregate(select_all, mistake(pairs), rule="max").named("failed")
    complete = nested_closed(pairs).named("closed")
    return ~failed & last(select_all, complete).named("ends_closed")
