"""Histories of a small fleet on a fake clock: the protocol's own code, engine and links that fail, invariants."""
