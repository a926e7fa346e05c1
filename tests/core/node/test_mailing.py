"""Mail of a real node to a real SMTP server: a test that says what happened, and a kill between the two commits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from peers.certificates import certificate
from peers.node import Site, overlapse, running
from peers.smtpd import PASSWORD, USER, Smtpd
from peers.smtpd import running as smtpd_running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Smtpd]:
    with smtpd_running(tmp_path / "smtpd") as made:
        yield made


def quay(folder: Path, table: str) -> Site:
    site = Site(folder / "quay")
    site.camera(every=None)
    site.tables["mail"] = table
    site.write()
    return site


def test_a_test_mail_says_what_happened_whether_the_node_runs_or_not(tmp_path: Path) -> None:
    shown = certificate(tmp_path / "certificate")
    with smtpd_running(tmp_path / "smtpd", shown, auth=True) as server:
        more = f'user = "{USER}"\npassword_file = "smtp"\nca_file = "{shown.authority}"\n'
        site = quay(tmp_path, server.table(more=more, starttls=True))
        (site.folder / "smtp").write_text(PASSWORD)
        (site.folder / "smtp").chmod(0o600)
        alone = overlapse("mail", "test", "--site", site.file)
        assert alone.status == 0, alone.err
        assert alone.out.splitlines()[1:3] == ["STARTTLS, its certificate is verified", f"logged in as {USER}"]
        with running(site):
            assert overlapse("mail", "test", "--site", site.file).out.splitlines()[1:] != []
            (site.folder / "smtp").write_text("wrong")
            failed = overlapse("mail", "test", "--site", site.file)
            assert failed.status == 1
            assert f"127.0.0.1:{server.port} refuses user or password: 535" in failed.err
            assert "test from unit1" in overlapse("mail", "--site", site.file).out
        assert [letter["Subject"] for letter in server.letters()] == ["[quay] test from unit1"] * 2


def test_a_kill_between_the_servers_word_and_ours_doubles_one_message_under_its_own_id(
    server: Smtpd, tmp_path: Path
) -> None:
    site = quay(tmp_path, server.table())
    server.answer(hold=True)  # it has the message, and says so later
    with running(site) as node:
        number = site.ask("mail-test")["message"]
        node.until(server.files, "the server has the message")
        node.kill()
    assert f"{number[:12]}  waits" in overlapse("mail", "--site", site.file).out
    assert f"{number[:12]}  would be dropped" in overlapse("mail", "drop", number, "--dry-run", "--site", site.file).out
    assert overlapse("mail", "drop", number, "--site", site.file).status == 1, "the node does not run"
    server.answer()
    with running(site) as node:
        node.until(lambda: site.ask("mail")["ended"], "the server says that it has it")
    letters = server.letters()
    assert [letter["Message-ID"] for letter in letters] == [f"<{number}.overlapse@example.com>"] * 2
    assert len({letter.as_bytes() for letter in letters}) == 1
    assert "nothing waits" in overlapse("mail", "--site", site.file).out
