# What the model computes. Nothing runs this file when a release is loaded

@program(family=FAMILY, vocab=ROUND, max_len=10, example=("())(", "PTFF"))
def dyck1_ptf() -> SOp:
    """T balanced, P can still be balanced, F cannot: `dyck1_ptf("())(") -> "PTFF"`."""
    return verdict(overclosed(), closed([ROUND]))
