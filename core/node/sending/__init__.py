"""Sending: destinations, the links to them, and looks at what they have."""
