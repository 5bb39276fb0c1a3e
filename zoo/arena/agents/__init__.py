"""Scripted agents: baselines that use the calls of the arena and nothing else.

    exact     every edge alone is really patched; values are read from writes as a table
    eap       edges by their first-order effect, found by small patches; linear probes
    chance    random answers: what knowing nothing is worth

Each is a function of an `Arena` and a seed that submits, and returns the verdict.
"""
