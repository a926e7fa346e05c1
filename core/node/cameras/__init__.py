"""Cameras: what is due, what is in hand, what is measured of them, and what they push by themselves."""
