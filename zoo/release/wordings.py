"""Sentences that earlier writers of releases put in place of today's.

A release never changes, and a sentence of the model card may. Whoever changes one adds
the words that it had before, so that `zoo verify` still knows them in releases that
were published with them.
"""

from __future__ import annotations

from collections.abc import Mapping

EARLIER: Mapping[str, str] = {}
"""By an earlier sentence, the one that is written today."""


def today(text: str) -> str:
    """Return a text with every earlier sentence in today's words."""
    for before, now in EARLIER.items():
        text = text.replace(before, now)
    return text
