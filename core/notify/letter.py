"""A message as it goes over the wire: UTF-8 made plain, nothing of it can add a header, the same bytes at each try."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from core.text import safe

MAX_SUBJECT = 150  # characters
MAX_LINE, MAX_LINES = 500, 400
_PLAIN = SMTP.clone(cte_type="7bit")  # whatever the server can take: no relay on the way has to recode it


def compose(number: str, subject: str, text: str, at_ms: int, sender: str, to: Sequence[str]) -> bytes:
    """Return the message; `number` makes its Message-ID, `at_ms` (milliseconds since the epoch) its Date.

    Auto-Submitted keeps other machines from answering it (RFC 3834 section 5).
    """
    message = EmailMessage(policy=_PLAIN)
    message["Message-ID"] = message_id(number, sender)
    message["Date"] = format_datetime(datetime.fromtimestamp(at_ms // 1000, UTC))
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Subject"] = safe(subject, MAX_SUBJECT)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_lines(text))
    return message.as_bytes()


def message_id(number: str, sender: str) -> str:
    """Return the Message-ID of a message (RFC 5322 section 3.6.4)."""
    return f"<{number}.overlapse@{sender.rpartition('@')[2]}>"


def _lines(text: str) -> str:
    lines = text.split("\n")
    kept = [safe(line, MAX_LINE) for line in lines[:MAX_LINES]]
    left = len(lines) - len(kept)
    return "\n".join([*kept, *([f"({left} lines more)"] if left else [])]) + "\n"
