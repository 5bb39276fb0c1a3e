"""Sentences that earlier writers of releases put in place of today's.

A release never changes, and a sentence of the model card may. Whoever changes one adds
the words that it had before, so that `zoo verify` still knows them in releases that
were published with them.
"""

from __future__ import annotations

from collections.abc import Mapping

from zoo.release.shown import SAMPLED, SAMPLED_EDGES

EARLIER: Mapping[str, str] = {SAMPLED_EDGES: f"{SAMPLED}\n\n{SAMPLED_EDGES}"}
"""By an earlier sentence, what is written today; it may go on with the same words."""


def today(text: str) -> str:
    """Return a text with every earlier sentence in today's words."""
    for before, now in EARLIER.items():
        if now not in text:
            text = text.replace(before, now)
    return text
