"""The parts of a screen for a thin link; each draws in the terminal's own colours and sends only what changed."""
