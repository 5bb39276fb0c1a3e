"""Proofs that what is outside a circuit cannot change an output."""
