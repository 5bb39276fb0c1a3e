"""More functions than neurons: the ANDs of many pairs of inputs in one MLP.

After Hänni, Mendel, Vaintrob and Chan 2024, "Mathematical models of computation in
superposition". docs/superposition.md explains the construction and proves its bound.

    sets.py      which inputs each neuron reads
    bound.py     how far a reading can be from the AND that it stands for
    layout.py    which dimension of the stream stands for what
    program.py   the typed program that the transformer computes
    arrays.py    its weights
    inputs.py    the inputs that it is for: few literals at a time
    activity.py  how often inputs are on, and which together
    features.py  the directions of all features

`compiler/superpose.py` makes the model of these, and `compiler/reading_bound.py`
computes the bound again from the weights of a model.
"""
