"""The machine: a transformer, the names of its parts, patches and circuits.

    names.py    formats, parses and indexes sources, readers and edges
    config.py   shape and options
    weights.py  the arrays, their names in files, initialisation
    transformer.py  both as one value, a pytree
    patch.py    interventions on the residual stream, as data
    stream.py   the residual stream of one run, and what a patch does to it
    layers.py   embeddings, attention, MLP, LayerNorm
    forward.py  the one forward pass, for behaviour and interventions alike
    rerun/      the same logits, without running what an intervention cannot change
    circuit.py  a set of edges, with the variables that they carry
    features.py directions of the stream that mean something, where they overlap

Names, configurations, weights, patches and circuits need no JAX.
"""
