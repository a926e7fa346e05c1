"""Read a status document: json and os alone, since a check starts afresh every minute."""

from __future__ import annotations

import json
import os

VERSION = 1
LIMIT = 64 << 10  # bytes; a longer file is not ours


class Unreadable(Exception):
    """There is no status document that can be used; the text says why and what to do next.

    Not in the error tree: importing that would cost a check a tenth of its run.
    """


def read(path: str) -> dict[str, object]:
    """Return the document at `path` as a dict; raise Unreadable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Unreadable(f"{path} is not there: the node has not run yet; start it with `overlapse run`") from None
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from None
    try:
        text = os.read(descriptor, LIMIT + 1)
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if len(text) > LIMIT:
        raise Unreadable(f"{path} is longer than {LIMIT} bytes: not a status document")
    return parse(text)


def parse(text: bytes) -> dict[str, object]:
    """Return the document that `text` holds; raise Unreadable."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("the status document is damaged; the node writes it anew within a minute") from None
    if not isinstance(document, dict) or "version" not in document:
        raise Unreadable("this is not a status document")
    if document["version"] != VERSION:
        raise Unreadable(f"the status document has version {document['version']}, this program reads {VERSION}")
    return document
