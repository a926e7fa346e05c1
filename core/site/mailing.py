"""What must hold of the mail that a site sends, and which of its nodes send any."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from core.site.folders import Finding
from core.site.model.file import SiteFile
from core.site.model.health import Smtp
from core.text import safe

MOST = 20  # recipients: a message is a handful of people's, a list of more is the mail server's
TLS_PORT = 465  # TLS from the first byte (RFC 8314 section 3.3)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?|[0-9A-Fa-f:.]+")
_KEYS = (
    'write [notifications.smtp] with host = "mail.example", user = "overlapse", password_file = "secrets/smtp", '
    'from = "overlapse@example.com", to = ["oncall@example.com"] (docs/mail.md)'
)


def sends_mail(site: SiteFile, node: str) -> bool:
    """Return whether a node may come to send mail: a cloud or office node, one whose `mail` is on, the only one."""
    found = next((one for one in site.node if one.name == node), None)
    return found is not None and (found.kind != "unit" or found.redundancy.mail or len(site.node) == 1)


def mail_problems(site: SiteFile) -> Iterator[Finding]:
    """Yield what is wrong with `notifications`, and where mail is turned on and nobody can send any."""
    smtp = site.notifications.smtp
    for n, node in enumerate(site.node):
        if node.redundancy.mail and smtp is None:
            yield f"node[{n}].redundancy.mail", f"no mail server is named: {_KEYS}; or drop this key"
    if smtp is not None:
        for key, sentence in (*_server(smtp), *_people(smtp)):
            yield f"notifications.smtp.{key}", sentence


def _server(smtp: Smtp) -> Iterator[Finding]:
    if _HOST.fullmatch(smtp.host) is None:
        yield "host", f"'{safe(smtp.host, 60)}' is no name of a machine; write such as \"mail.example\", the port apart"
    if not 1 <= smtp.port <= 65535:
        yield "port", "1 to 65535; 587 takes mail with STARTTLS, 465 with TLS from the first byte"
    if smtp.user is not None and smtp.password_file is None:
        yield "password_file", "missing key; a user has a password, in a file of its own"
    if smtp.password_file is not None and smtp.user is None:
        yield "user", "missing key; whose password is it?"
    if smtp.user is not None and not smtp.starttls and smtp.port != TLS_PORT and not _is_here(smtp.host):
        yield "starttls", "a password does not go over the net in the open; write true, or leave user out"


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _people(smtp: Smtp) -> Iterator[Finding]:
    for key, address in (("from", smtp.sender), *((f"to[{n}]", one) for n, one in enumerate(smtp.to))):
        if _ADDRESS.fullmatch(address) is None:
            yield key, f"'{safe(address, 60)}' is no mail address; write it bare, such as \"oncall@example.com\""
    if not 1 <= len(smtp.to) <= MOST:
        yield "to", f"1 to {MOST} addresses; for more people make a list at the mail server"
    for n, address in enumerate(smtp.to):
        if address.lower() in (one.lower() for one in smtp.to[:n]):
            yield f"to[{n}]", f"'{safe(address, 60)}' stands there twice"
