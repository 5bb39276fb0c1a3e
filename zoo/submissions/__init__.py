"""Scores of a method on a suite, packed by whoever made it, and judged by others."""
