# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=ROUND, max_len=10, example=("(())", (True,) * 4))
def dyck1_balanced() -> SOp:
    """Whether the whole is balanced: `dyck1_balanced("(())") -> [True] * 4`."""
    return shuffled([ROUND])
