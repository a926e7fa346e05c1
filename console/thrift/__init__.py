"""Textual over a thin link: a driver that keeps what the terminal shows and sends only differences.

Nothing is imported here, so that `console.thrift.launch` can set the levers before Textual is loaded.
"""
