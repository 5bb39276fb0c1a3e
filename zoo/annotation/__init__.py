"""What each head and MLP of a model computes, emitted from its program and circuit.

roles.py       the five roles of a component
code.py        how a variable is computed, as a Python expression
sentences.py   the same in a sentence
component.py   one component with all that is known of it
components.py  `zoo.components`
"""
