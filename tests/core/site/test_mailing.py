"""What site.toml may say of the mail that it sends."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.site.change import difference
from core.site.load import load, reparse
from core.site.mailing import sends_mail

HEAD = """version = 1
site = { name = "harbour", zone = "UTC", data = "data", clock = "host" }
[[node]]
name = "unit1"
[[node]]
name = "fr"
kind = "cloud"
"""
SMTP = '[notifications.smtp]\nhost = "mail.example"\nfrom = "o@example.com"\nto = ["a@example.com"]\n'
LOGIN = 'user = "o"\npassword_file = "smtp"\n'


def problems(folder: Path, text: str, node: str | None = None) -> str:
    (folder / "site.toml").write_text(text)
    try:
        load(folder / "site.toml", node=node)
    except ConfigurationError as error:
        return "\n".join(error.problems)
    return ""


@pytest.mark.parametrize("file", ["", "user = 'o'\npassword_file = 'smtp'\n"], ids=["open", "login"])
def test_a_mail_server_is_named_with_few_keys(tmp_path: Path, file: str) -> None:
    (tmp_path / "smtp").write_text("secret\n")
    (tmp_path / "smtp").chmod(0o600)
    assert problems(tmp_path, HEAD + SMTP + file) == ""
    smtp = reparse(HEAD + SMTP).notifications.smtp
    assert smtp is not None
    assert (smtp.port, smtp.starttls, smtp.sender) == (587, True, "o@example.com")


def test_mail_that_nobody_can_send_is_refused_with_the_keys_to_write(tmp_path: Path) -> None:
    told = problems(tmp_path, HEAD + "redundancy = { mail = true }\n")
    assert "8: node[1].redundancy.mail: no mail server is named: write [notifications.smtp] with host = " in told
    assert all(key in told for key in ("password_file", "from = ", "to = ", "docs/mail.md"))
    assert problems(tmp_path, HEAD + "redundancy = { mail = true }\n" + SMTP) == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(("mail.example", "mail.example:25"), "smtp.host: 'mail.example:25'", id="port-in-host"),
        pytest.param(("from", "port = 0\nfrom"), "smtp.port: 1 to 65535", id="port"),
        pytest.param(("from", 'user = "o"\nfrom'), "smtp.password_file: missing key", id="no-password"),
        pytest.param(("from", 'password_file = "smtp"\nfrom'), "smtp.user: missing key", id="no-user"),
        pytest.param(("from", f"{LOGIN}starttls = false\nfrom"), "in the open", id="open-password"),
        pytest.param(("o@example.com", "Me <o@example.com>"), "smtp.from: 'Me <o@example.com>'", id="display-name"),
        pytest.param(("a@example.com", "a@b.c\\nBcc: x@y.z"), "smtp.to[0]: 'a@b.c\\x0aBcc: x@y.z'", id="injection"),
        pytest.param(('["a@example.com"]', "[]"), "smtp.to: 1 to 20 addresses", id="nobody"),
        pytest.param(('["a@example.com"]', '["a@b.c", "A@b.c"]'), "smtp.to[1]: 'A@b.c' stands there twice", id="twice"),
        pytest.param(("host", "hots"), "did you mean 'host'", id="a-slip"),
    ],
)
def test_what_cannot_be_is_told_with_its_key(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert said in problems(tmp_path, HEAD + SMTP.replace(*change))


def test_only_nodes_that_may_send_need_the_password(tmp_path: Path) -> None:
    text = HEAD + SMTP + 'user = "o"\npassword_file = "smtp"\n'
    assert problems(tmp_path, text, "unit1") == ""
    assert "notifications.smtp.password_file" in problems(tmp_path, text, "fr")
    site = reparse(text)
    assert (sends_mail(site, "unit1"), sends_mail(site, "fr")) == (False, True)
    alone = reparse(HEAD.partition('[[node]]\nname = "fr"')[0] + SMTP)
    assert sends_mail(alone, "unit1")
    assert sends_mail(reparse(HEAD.replace('"unit1"', '"unit1"\nredundancy = { mail = true }') + SMTP), "unit1")


def test_a_running_node_takes_up_another_server() -> None:
    change = difference(reparse(HEAD), reparse(HEAD + SMTP), "fr")
    assert change.lines() == ["notifications: changed"]
