"""Take secrets out of what is printed: those that were read, and what looks like one in somebody else's words."""

from __future__ import annotations

HIDDEN = "***"
SHORTEST = 4  # characters of a secret that is looked for: a shorter one is in too many words
_WORDS = ("password", "passwd", "passphrase", "secret", "token", "authorization", "signature", "credential", "api_key")

_secrets: set[str] = set()


def keep_secret(value: str) -> None:
    """Have a secret that was read never be printed."""
    if len(value) >= SHORTEST:
        _secrets.add(value)


def redacted(text: str) -> str:
    """Return `text` without secrets."""
    for secret in _secrets:
        text = text.replace(secret, HIDDEN)
    low = text.lower()
    if ("://" in low and "@" in low) or any(word in low for word in _WORDS):
        return _masked(text)
    return text


def _masked(text: str) -> str:
    import re  # nearly never

    text = re.sub(r"(://)[^/@\s]*@", rf"\1{HIDDEN}@", text)
    words = "|".join(_WORDS)
    return re.sub(
        rf"(?i)((?:{words})[\w-]*\W{{0,3}}(?:[=:]|\bis\b)\s*(?:(?:basic|bearer)\s+)?)[^\s,;&]+", rf"\1{HIDDEN}", text
    )
