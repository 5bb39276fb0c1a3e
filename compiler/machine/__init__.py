"""The machine: a transformer, the names of its parts, patches and circuits.

    names.py    formats, parses and indexes sources, readers and edges
    config.py   shape and options
    weights.py  the arrays, their names in files, initialisation
    patch.py    interventions on the residual stream, as data
    forward.py  the one forward pass, for behaviour and interventions alike
    circuit.py  a set of edges, with the variables that they carry

Only `forward` imports JAX when it is imported.
"""
