"""The same model, or the same circuit, for other tools.

    lens.py          TransformerLens 3 (HookedTransformer) and 4 (TransformerBridge)
    hooked.py        what hides PAD in version 3's HookedTransformer
    tokenizer.py     a tokenizer for the tokens of a program
    hugging_face.py  GPT-2 with a token-classification head, as a folder; and back
    nnx.py           a module of flax
    graphs.py        EAP-IG and MIB graphs, GraphML, auto-circuit's names; and back

All of it takes a transformer or a circuit, and knows no `Model`; the
methods of `compiler.model.Model` call it. torch, flax and TransformerLens are imported
where they are needed and nowhere else.
"""
