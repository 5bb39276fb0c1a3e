"""The logits after an intervention, without running again what it cannot change.

    packed.py   many sequences in one layout, and a transformer's parts in it
    rerun.py    logits after one perturbation of the stream, and under an edge mask
    bounds.py   how far the stream may move before an output can change

`forward` is the definition: each function here returns what `forward` returns under the
patch that its docstring names. Audits, exact patching, ACDC and AtP call them.
"""
