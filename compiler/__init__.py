"""RASP programs to transformers whose mechanism is known.

The rooms and the flow between them are in `docs/architecture.md`.
"""

from compiler import evaluate as evaluate  # what `tokens("abc")` is answered by
