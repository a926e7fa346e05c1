"""An SFTP server as a destination: the only room that knows paramiko.

From the wire up: `wire` and `inlet` move bytes, `requests`, `session`, `beginning` and `writes` speak SFTP, `hashing`
has the server hash, `connection` logs in and ends what hangs, `upload` and `destination` keep objects; `faults`
translates.
"""

import sys

sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]
"""paramiko imports it for `Match exec` in files that we never read, and does without: a third of its own import."""
