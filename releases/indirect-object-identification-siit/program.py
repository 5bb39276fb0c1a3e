# What the model computes. Nothing runs this file when a release is loaded

@program(
    family=FAMILY,
    vocab=VOCAB,
    max_len=MAX_LEN,
    causal=True,
    accepts=Sentences(),
    example=(
        _EXAMPLE.split(),
        (None,) * 8 + ("Bob",) * 5,
    ),
)
def indirect_object_identification() -> SOp:
    """The name that did not come twice, once the other did.

    `indirect_object_identification(["Ada", "Bob", "Ada"]) -> [None, None, "Bob"]`
    """
    name = Map(lambda word: word if word in NAMES else None, tokens).named("name")
    before = Select(tokens, tokens, is_same_name) & Select(indices, indices, LT)
    repeated = Aggregate(before, tokens, None).named("repeated_name")
    known = Select(repeated, True, lambda key, _: key is not None)
    subject = Aggregate(known, repeated, None).named("subject")
    others = Select(name, subject, is_other)
    return Aggregate(others, name, None)
