"""RASP programs to transformers whose mechanism is known.

The rooms and the flow between them are in `docs/architecture.md`.
"""
