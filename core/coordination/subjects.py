"""Names by which the shared store is spoken of at its servers: the bucket, its stream, and the subjects of keys."""

from __future__ import annotations

BUCKET = "coord"
PUSH = "push"  # below it the servers tell of each change, by key and without its value
MAX_MESSAGE = 8_192  # bytes with headers
MAX_BYTES = 64_000_000


def stream_of(bucket: str = BUCKET) -> str:
    """Return the name of the stream that is the bucket."""
    return f"KV_{bucket}"


def below(bucket: str = BUCKET) -> str:
    """Return what stands before a key to make it a subject."""
    return f"$KV.{bucket}."


def told_below(bucket: str = BUCKET) -> str:
    """Return what stands before a key in a message that tells of its change."""
    return f"{PUSH}." if bucket == BUCKET else f"{PUSH}-{bucket}."


def configuration(bucket: str, replicas: int) -> dict[str, object]:
    """Return how the stream is made: one value a key, on disk, nothing ever removed by a client, no stale reads.

    Values of 7 kB and 40,000 keys are more than any fleet has; a full store says so, and nothing is dropped.
    """
    return {
        "name": stream_of(bucket),
        "subjects": [f"{below(bucket)}>"],
        "retention": "limits",
        "storage": "file",
        "num_replicas": replicas,
        "max_msgs_per_subject": 1,
        "max_msgs": -1,
        "max_bytes": MAX_BYTES,
        "max_age": 0,
        "max_msg_size": MAX_MESSAGE,
        "max_consumers": -1,
        "discard": "new",
        "discard_new_per_subject": False,
        "duplicate_window": 0,
        "deny_delete": True,
        "deny_purge": True,
        "allow_direct": True,
        "republish": {"src": f"{below(bucket)}>", "dest": f"{told_below(bucket)}>", "headers_only": True},
    }
