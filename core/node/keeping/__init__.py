"""Keeping: what leaves the buffer, and when."""
