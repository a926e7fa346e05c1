"""One message to a real SMTP server, by the worker that a node uses: what it takes, refuses, and how it breaks."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peers.certificates import Certificate, certificate
from peers.cutter import cutting
from peers.smtpd import PASSWORD, USER, Smtpd, running

from core.child import Child
from core.errors import ChildTimeout, MailDeferred, MailError, MailRefused, MailUnreachable
from core.notify import smtp

AT = 1_795_000_000_000
TO = ["a@b.c", "d@e.f"]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def secure(shown: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smtpd]:
    with running(tmp_path_factory.mktemp("secure"), shown, auth=True) as server:
        yield server


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smtpd]:
    with running(tmp_path_factory.mktemp("open")) as server:
        yield server


@pytest.fixture
def plain(open_server: Smtpd) -> Smtpd:
    open_server.answer()
    return open_server


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    worker = Child("mail")
    yield worker
    worker.close()


def args(port: int, number: str = "ab12", subject: str = "s", to: list[str] | None = None, **server: Any) -> Any:
    told = {"host": "127.0.0.1", "port": port, "tls": False, "starttls": False, "user": None, "password": None}
    letter = {"id": number, "subject": subject, "text": "t", "at": AT}
    told |= {"ca_file": None, "from": "overlapse@example.com"} | server
    return {"server": told, "letter": letter, "everyone": TO, "to": to or TO}


def login(shown: Certificate, **other: Any) -> dict[str, Any]:
    return {"starttls": True, "user": USER, "password": PASSWORD, "ca_file": str(shown.authority)} | other


def test_a_message_goes_by_starttls_after_a_login(child: Child, secure: Smtpd, shown: Certificate) -> None:
    done = child.ask("send", args(secure.port, subject="Süd 停", **login(shown)), 30)
    assert (done["accepted"], done["refused"]) == (TO, {})
    letter, about = secure.letters()[-1], secure.envelopes()[-1]
    assert (letter["Subject"], letter["Message-ID"]) == ("Süd 停", "<ab12.overlapse@example.com>")
    assert about == {"from": "overlapse@example.com", "to": TO, "user": USER, "tls": True}
    assert done["steps"][1:3] == ["STARTTLS, its certificate is verified", f"logged in as {USER}"]
    assert done["steps"][-1] == "as <ab12.overlapse@example.com>: 2.0.0 Ok: queued as 4ABC"


def test_a_server_may_speak_tls_from_the_first_byte(child: Child, shown: Certificate, tmp_path: Path) -> None:
    with running(tmp_path, shown, tls=True) as server:
        assert child.ask("send", args(server.port, tls=True, ca_file=str(shown.authority)), 30)["accepted"] == TO
        assert server.envelopes()[-1]["tls"]


@pytest.mark.parametrize(
    ("server", "said"),
    [
        pytest.param({"password": "wrong"}, "refuses user or password: 535", id="wrong-password"),
        pytest.param({"ca_file": None}, "its certificate is not to be trusted", id="unknown-authority"),
        pytest.param({"host": "localhost"}, "its certificate is not to be trusted", id="another-name"),
        pytest.param({"starttls": False, "user": None}, "530", id="starttls-is-asked-for"),
    ],
)
def test_what_a_person_must_repair_is_refused_in_words(
    child: Child, secure: Smtpd, shown: Certificate, server: dict[str, Any], said: str
) -> None:
    before = len(secure.files())
    with pytest.raises(MailRefused, match=said) as raised:
        child.ask("send", args(secure.port, **login(shown, **server)), 30)
    assert PASSWORD not in str(raised.value)
    assert len(secure.files()) == before


def test_a_server_without_starttls_gets_neither_password_nor_message(child: Child, plain: Smtpd) -> None:
    with pytest.raises(MailRefused, match="STARTTLS"):
        child.ask("send", args(plain.port, starttls=True, user=USER, password=PASSWORD), 30)
    with pytest.raises(MailRefused, match="AUTH"):
        child.ask("send", args(plain.port, user=USER, password=PASSWORD), 30)
    assert PASSWORD not in (plain.folder / "log").read_text()


def test_recipients_are_refused_one_by_one(child: Child, plain: Smtpd) -> None:
    plain.answer(rcpt={"d@e.f": "550 5.1.1 no such user"})
    done = child.ask("send", args(plain.port), 30)
    assert (done["accepted"], done["refused"]) == (["a@b.c"], {"d@e.f": [550, "5.1.1 no such user"]})
    assert plain.envelopes()[-1]["to"] == ["a@b.c"]
    plain.answer(rcpt=dict.fromkeys(TO, "450 4.7.1 greylisted, come back"))
    done = child.ask("send", args(plain.port), 30)
    assert (done["accepted"], done["refused"]["a@b.c"]) == ([], [450, "4.7.1 greylisted, come back"])


@pytest.mark.parametrize("code", [452, 554])
def test_a_message_that_is_refused_as_a_whole_is_refused_for_everybody(child: Child, plain: Smtpd, code: int) -> None:
    plain.answer(data=f"{code} not this one \x1b[2J")
    done = child.ask("send", args(plain.port, to=["a@b.c"]), 30)
    assert (done["accepted"], done["refused"]) == ([], {"a@b.c": [code, "not this one \\x1b[2J"]})


def test_a_sender_that_is_refused_is_the_configurations_fault_unless_it_is_later(child: Child, plain: Smtpd) -> None:
    plain.answer(mail="553 not your address")
    with pytest.raises(MailRefused, match=r"refuses the sender overlapse@example.com: 553 not your address"):
        child.ask("send", args(plain.port), 30)
    plain.answer(mail="451 busy")
    with pytest.raises(MailDeferred, match="451 busy"):
        child.ask("send", args(plain.port), 30)


def test_nobody_there_and_no_such_name(child: Child) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(MailUnreachable, match="Connection refused"):
        child.ask("send", args(port), 30)
    with pytest.raises(MailUnreachable, match="its name is not found"):
        child.ask("send", args(port, host="no-such-machine.invalid"), 30)


@pytest.mark.parametrize("up", [1, 40, 200])
def test_a_line_that_is_reset_is_tried_again_later(child: Child, plain: Smtpd, up: int) -> None:
    with cutting(plain.port, cut_at=up) as line, pytest.raises(MailUnreachable):
        child.ask("send", args(line.port), 30)


def test_a_black_hole_and_a_drip_end_with_the_deadline(plain: Smtpd) -> None:
    worker = Child("mail")
    with cutting(plain.port, hold=True) as hole, cutting(plain.port, drip=0.2) as drip:
        for port in (hole.port, drip.port):
            with pytest.raises(ChildTimeout):
                worker.ask("send", args(port), 1.0)
    assert not worker.alive


def test_a_server_that_talks_without_end_is_cut(child: Child) -> None:
    def talk(listener: socket.socket) -> None:
        line, _ = listener.accept()
        with line, contextlib.suppress(OSError):
            while True:
                line.sendall(b"220-and on\r\n" * 1000)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=talk, args=(listener,))
        thread.start()
        with pytest.raises(MailUnreachable, match="without end"):
            child.ask("send", args(listener.getsockname()[1]), 30)
        thread.join(10)


def test_no_exception_of_the_library_is_left_untranslated() -> None:
    def all_of(kind: type[Exception]) -> Iterator[type[Exception]]:
        yield kind
        for one in kind.__subclasses__():
            yield from all_of(one)

    made: dict[type[Exception], Exception] = {
        smtplib.SMTPSenderRefused: smtplib.SMTPSenderRefused(550, b"no", "a@b.c"),
        smtplib.SMTPRecipientsRefused: smtplib.SMTPRecipientsRefused({}),
    }
    for kind in all_of(smtplib.SMTPException):
        error = made.get(kind) or (
            kind(421, b"later") if issubclass(kind, smtplib.SMTPResponseException) else kind("text")
        )
        assert isinstance(smtp.translate("mail:25", error), MailError), kind
    for other in (ssl.SSLError(1, "x"), ssl.SSLEOFError(8, "eof"), socket.gaierror(-2, "x"), TimeoutError(), OSError()):
        assert isinstance(smtp.translate("mail:25", other), MailError)
