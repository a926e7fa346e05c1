"""One message for each cause, and a digest when it goes on and on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from core.notify.letter import compose, message_id
from core.notify.outbox import (
    CROWD,
    FLAPS,
    MOST_LINES,
    Cause,
    Known,
    Letter,
    answered,
    begun,
    number_of,
    take,
    wait_after,
)

HOUR = 3_600_000
AT = 1_795_000_000_000


class Box:
    """Letters and what is known, as a desk keeps them."""

    def __init__(self) -> None:
        self.letters: dict[str, Letter] = {}
        self.known: list[Known] = []

    def take(self, key: str, at: int = AT, family: str = "") -> Letter | None:
        cause = Cause(key=key, subject=f"about {key}", text="...", at=at, family=family)
        taken = take("quay", cause, self.letters.values(), self.known)
        if taken is None:
            return None
        self.letters[taken[0].id] = taken[0]
        self.known.append(taken[1])
        return taken[0]

    def send_all(self) -> None:
        self.letters = {}


def test_a_cause_is_told_once_whoever_tells_it_again() -> None:
    box = Box()
    first = box.take("own.north.1.7")
    assert first is not None
    assert first.id == number_of("quay", "own.north.1.7") != number_of("harbour", "own.north.1.7")
    assert box.take("own.north.1.7") is None
    box.send_all()
    assert box.take("own.north.1.7", AT + HOUR) is None
    assert box.take("own.north.1.8") is not None


def test_flapping_is_folded_into_one_digest_an_hour() -> None:
    box = Box()
    for n in range(60):  # a switch each minute
        box.take(f"own.north.1.{n}", AT + n * 60_000, family="north")
    alone, digests = [x for x in box.letters.values() if not x.digest], [x for x in box.letters.values() if x.digest]
    assert len(alone) == FLAPS
    (digest,) = digests
    assert len(digest.lines) == 60 - FLAPS
    assert digest.due == AT + FLAPS * 60_000 + HOUR
    assert digest.keys == tuple(f"own.north.1.{n}" for n in range(FLAPS, 60))
    assert all(f"about own.north.1.{n}" in digest.body for n in range(FLAPS, 60))


def test_other_families_and_causes_without_one_are_not_folded_with_it() -> None:
    box = Box()
    for n in range(10):
        box.take(f"a{n}", AT + n, family="north")
        box.take(f"b{n}", AT + n)
    south = box.take("c", AT + 10, family="south")
    assert south is not None
    assert not south.digest
    assert sum(one.digest for one in box.letters.values()) == 1


def test_a_digest_that_goes_takes_nothing_more() -> None:
    box = Box()
    for n in range(FLAPS + 1):
        letter = box.take(f"a{n}", AT + n, family="north")
    assert letter is not None
    box.letters[letter.id] = begun(letter)
    other = box.take("later", AT + 100, family="north")
    assert other is not None
    assert other.digest
    assert other.id != letter.id
    assert other.keys == ("later",)


def test_after_a_quiet_hour_it_is_told_at_once_again() -> None:
    box = Box()
    for n in range(FLAPS + 3):
        box.take(f"a{n}", AT + n, family="north")
    box.send_all()
    again = box.take("b", AT + HOUR + 10, family="north")
    assert again is not None
    assert not again.digest


def test_a_long_silence_of_the_server_ends_in_few_messages() -> None:
    box = Box()
    for n in range(CROWD + 1000):
        box.take(f"a{n}", AT + n)
    assert len(box.letters) == CROWD + 1
    (digest,) = [one for one in box.letters.values() if one.digest]
    assert (len(digest.lines), digest.more) == (MOST_LINES, 1000 - MOST_LINES)
    assert "(800 more)" in digest.body


def test_a_letter_is_remembered_as_it_is() -> None:
    letter = Letter(
        id="a", keys=("k",), subject="s", text="t", at=AT, due=AT, accepted=("x@y.z",), refused={"a@b.c": "550 no"}
    )
    assert Letter.from_json(letter.to_json()) == letter


def test_who_has_it_is_not_asked_again_and_who_never_takes_it_neither() -> None:
    letter = Letter(id="a", keys=(), subject="", text="", at=AT, due=AT)
    to = ["a@b.c", "d@e.f", "g@h.i"]
    said = {"d@e.f": [450, "greylisted"], "g@h.i": [550, "no such user"]}
    after = answered(letter, ["a@b.c"], said)
    assert after.for_whom(to) == ["d@e.f"]
    assert after.refused == {"g@h.i": "550 no such user"}
    assert "450 greylisted" in after.error
    assert replace(after, refused={}).for_whom(to) == ["d@e.f", "g@h.i"]


@pytest.mark.parametrize(
    ("tries", "transient", "wait"),
    [
        pytest.param(1, True, timedelta(seconds=30), id="first"),
        pytest.param(4, True, timedelta(minutes=4), id="doubled"),
        pytest.param(10**6, True, timedelta(minutes=15), id="for-ever"),
        pytest.param(1, False, timedelta(minutes=5), id="refused"),
        pytest.param(9, False, timedelta(hours=1), id="refused-for-long"),
    ],
)
def test_the_next_try(tries: int, transient: bool, wait: timedelta) -> None:
    assert wait_after(tries, transient, 0.0) == wait
    assert wait < wait_after(tries, transient, 0.99) < 1.25 * wait


def parsed(subject: str, text: str) -> EmailMessage:
    content = compose("ab12", subject, text, AT, "overlapse@example.com", ["a@b.c", "d@e.f"])
    assert content.isascii()
    assert max(len(line) for line in content.splitlines()) < 999
    return message_from_bytes(content, policy=default)


def test_a_message_says_what_it_is_in_any_language() -> None:
    message = parsed("Kamera »Süd« fällt aus — 停止", "Zeit: 3 s\nÉté\n" + "x" * 3000)
    assert message["Subject"] == "Kamera »Süd« fällt aus — 停止"
    assert message["Message-ID"] == message_id("ab12", "overlapse@example.com") == "<ab12.overlapse@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"] == "Wed, 18 Nov 2026 11:06:40 +0000"
    assert message["To"] == "a@b.c, d@e.f"
    assert message.get_content().replace("\r", "").startswith("Zeit: 3 s\nÉté\nxxx")


@pytest.mark.parametrize("evil", ["\r\nBcc: evil@example.com", "\nBcc: x@y.z\n\nbody", "\x00\x1b[2J", "\u202e\u2028x"])
def test_no_text_adds_a_header_or_a_control(evil: str) -> None:
    message = parsed(f"camera {evil}", f"name {evil}\r\n.\r\nMAIL FROM:<x>")
    assert set(message.keys()) <= {
        "Message-ID", "Date", "From", "To", "Subject", "Auto-Submitted", "Content-Type", "Content-Transfer-Encoding",
        "MIME-Version",
    }  # fmt: skip
    assert all(
        character.isprintable() or character == "\n" for character in message.get_content().replace("\r\n", "\n")
    )


def test_it_is_the_same_message_at_each_try() -> None:
    assert bytes(parsed("s", "t\n\nu")) == bytes(parsed("s", "t\n\nu"))
