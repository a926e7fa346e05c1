"""What is kept and said of messages, whether the node runs or not."""

from __future__ import annotations

from pathlib import Path

from core.catalogue import states
from core.catalogue.store import Catalogue
from core.node.jobs import Json, Worker
from core.notify.outbox import Cause, Letter
from core.site.mailing import TLS_PORT
from core.site.model.health import Smtp
from core.site.secrets import read_secret
from core.text import safe

MAIL = Worker("mail")
DEADLINE = 120.0  # seconds for one message: a name server that hangs, an answer that drips
LETTER, KNOWN, ENDED = "mail/letter/", "mail/known", "mail/ended"  # keys of the catalogue's memory


def row_of(letter: Letter) -> Json:
    """Return a letter as the queue shows it."""
    return {
        "id": letter.id,
        "at": letter.at / 1000,
        "subject": safe(letter.subject),
        "causes": len(letter.keys),
        "tries": letter.tries,
        "error": safe(letter.error) if letter.error else None,
        "accepted": list(letter.accepted),
        "refused": {one: safe(why) for one, why in letter.refused.items()},
    }


def server_of(smtp: Smtp, base: Path) -> Json:
    """Return what the child is told of the server; raise ConfigurationError for a password that cannot be read."""
    return {
        "host": smtp.host,
        "port": smtp.port,
        "tls": smtp.port == TLS_PORT,
        "starttls": smtp.starttls,
        "user": smtp.user,
        "password": None if smtp.password_file is None else read_secret(base / smtp.password_file),
        "ca_file": None if smtp.ca_file is None else str(base / smtp.ca_file),
        "from": smtp.sender,
    }


def remembered(catalogue: Catalogue) -> Json:
    """Return what `Mailing.state` tells, as far as the catalogue of a node that does not run knows it."""
    letters = [Letter.from_json(states.get(catalogue, key)) for key in states.keys(catalogue, LETTER)]
    waiting = [row_of(one) for one in sorted(letters, key=lambda one: one.at)]
    return {"running": False, "waiting": waiting, "ended": states.get(catalogue, ENDED, [])}


def cause_of_test(site: str, node: str, who: str, now_ms: int) -> Cause:
    """Return the cause of a test."""
    text = f"Node {node} of site {site} can send mail. {who} asked for this test; nothing has happened."
    return Cause(key=f"test.{node}.{now_ms}", subject=f"[{site}] test from {node}", text=text, at=now_ms)
