"""Who we are to a device, in the words of net-snmp's snmp.conf: every problem told, no secret in any message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core.errors import ConfigurationError

WORDS = (
    "defVersion",
    "defCommunity",
    "defSecurityName",
    "defSecurityLevel",
    "defAuthType",
    "defAuthPassphrase",
    "defPrivType",
    "defPrivPassphrase",
    "defContext",
)
LEVELS: Mapping[str, tuple[str, ...]] = {  # and what each needs beside the name
    "noAuthNoPriv": (),
    "authNoPriv": ("defAuthType", "defAuthPassphrase"),
    "authPriv": ("defAuthType", "defAuthPassphrase", "defPrivType", "defPrivPassphrase"),
}
CHOICES: Mapping[str, tuple[str, ...]] = {
    "defVersion": ("2c", "3"),
    "defSecurityLevel": tuple(LEVELS),
    "defAuthType": ("SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512", "MD5"),
    "defPrivType": ("AES", "AES-192", "AES-256", "DES"),
}
EXAMPLE = {"defCommunity": "public", "defSecurityName": "overlapse", "defSecurityLevel": "authPriv"}
SHORTEST = 8  # characters of a passphrase, RFC 3414 section 11.2
LONGEST = 255  # bytes of a value

_SPELLING = {word.lower(): word for word in WORDS}


class Credentials:
    """What a device is told; it is never shown, so there is no repr of what it holds."""

    __slots__ = ("words",)

    def __init__(self, words: Mapping[str, str]) -> None:
        """`words`: WORDS and their values, complete and spelled as in this module."""
        self.words = words

    @property
    def version(self) -> str:
        """Which SNMP: "2c" or "3"."""
        return self.words["defVersion"]

    @property
    def community(self) -> bytes:
        """What version 2c says instead of a password."""
        return self.words["defCommunity"].encode()

    def conf(self) -> str:
        """Return them as a snmp.conf that net-snmp's programs read."""
        return "".join(f"{word} {_written(word, value)}\n" for word, value in self.words.items())


def parse(text: str) -> Credentials:
    """Return the credentials that `text` says; raise ConfigurationError with every problem and its line."""
    words: dict[str, str] = {}
    seen: dict[str, int] = {}
    problems: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            given, *rest = line.split(maxsplit=1)
            word = _word(given)
            if word in seen:
                raise ValueError(f"{word} stands in line {seen[word]} already; keep one of the two")
            seen[word] = number
            words[word] = _allowed(word, _value(word, rest[0].strip() if rest else ""))
        except ValueError as error:
            problems.append(f"line {number}: {error}")
    problems += _missing(words, seen)
    if problems:
        raise ConfigurationError(problems)
    return Credentials(words)


def _word(given: str) -> str:
    """Return a word in net-snmp's spelling."""
    word = _SPELLING.get(given.lower())
    if word is None:
        raise ValueError(f"it does not begin with a word known here; {_nearest(given)}")
    return word


def _value(word: str, text: str) -> str:
    """Return a value without its quotes, in which a backslash stands before a quote or a backslash."""
    if not text.startswith('"'):
        return text
    value, escaped = "", False
    for at, character in enumerate(text[1:], start=2):
        if character == '"' and not escaped:
            if text[at:].strip():
                raise ValueError(f"{word}: something follows the closing quote; put all of the value between quotes")
            return value
        escaped = character == "\\" and not escaped
        value += "" if escaped else character
    raise ValueError(f"{word}: the closing quote is missing")


def _allowed(word: str, value: str) -> str:
    """Return `value` as net-snmp spells it; raise ValueError, with the value in it for none of the secrets."""
    if not value:
        raise ValueError(f"{word} has no value")
    if any(character < " " or character == "\x7f" for character in value):
        raise ValueError(f"{word}: a control character is in the value")
    if len(value.encode()) > LONGEST:
        raise ValueError(f"{word}: at most {LONGEST} bytes")
    if word in CHOICES:
        spelled = {choice.lower(): choice for choice in CHOICES[word]}
        if value.lower() not in spelled:
            raise ValueError(f"{word}: write one of {', '.join(CHOICES[word])}")
        return spelled[value.lower()]
    if word.endswith("Passphrase") and len(value.encode()) < SHORTEST:
        raise ValueError(f"{word}: at least {SHORTEST} characters, else no device takes it")
    return value


def _missing(words: Mapping[str, str], seen: Mapping[str, int]) -> Iterator[str]:
    """Yield what the version and the level need; what stands there with a fault was told already."""
    if "defVersion" not in seen:
        yield 'a line is missing; write "defVersion 3" or "defVersion 2c"'
    version, level = words.get("defVersion"), words.get("defSecurityLevel")
    needed: tuple[str, ...] = ()
    if version == "2c":
        needed = ("defCommunity",)
    elif version == "3":
        needed = ("defSecurityName", "defSecurityLevel", *LEVELS.get(level or "", ()))
    for word in needed:
        if word not in seen:
            yield f'a line is missing; write "{word} {_example(word)}"'


def _example(word: str) -> str:
    return EXAMPLE.get(word) or (CHOICES[word][0] if word in CHOICES else "...")


def _nearest(given: str) -> str:
    """Say what to write; `given` itself is not repeated, for it may be a secret in the wrong place."""
    from difflib import get_close_matches  # only where somebody reads it

    near = get_close_matches(given.lower(), _SPELLING, 1)
    return f"did you mean {_SPELLING[near[0]]}?" if near else f"write one of {', '.join(WORDS)}"


def _written(word: str, value: str) -> str:
    if word in CHOICES:
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
