"""Releases built from what is written down: plans, or published releases."""
