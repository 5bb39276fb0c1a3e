"""Compression: a compiled model's stream squeezed into fewer dimensions.

After Lindner et al. 2023, "Tracr: Compiled Transformers as a Laboratory for
Interpretability", section 5. One projection of the stream is learned, and nothing
else; every feature of the compiled stream then has a known direction.

    naming.py    what each dimension of a compiled stream stands for
    squeeze.py   the weights under a projection, the two losses
    settings.py  the choices of a run, checked
    compress.py  the run, and the model that it makes
"""
