"""Models of earlier benchmark sets, read without running anything, and audited.

opcodes.py      tensors and plain values out of a file of torch, by a few opcodes
interpbench.py  the layout of InterpBench: weights, configuration, edges
used_edges.py   which published edges are used: `zoo.audit_import` is here
"""
