"""The words of snmp.conf, as operators write them well and badly."""

from __future__ import annotations

import pytest
from peers.snmpd import AUTH, PRIV, v2c, v3

from core.errors import ConfigurationError
from core.probes.credentials import parse

V3 = "defVersion 3\n"
NAME = "defSecurityName unit1\n"
LEVEL = "defSecurityLevel authPriv\n"
AUTHENTICATION = "defAuthType SHA\ndefAuthPassphrase s3cret-auth\n"
PRIVACY = "defPrivType AES\ndefPrivPassphrase s3cret-priv\n"


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refusal:
        parse(text)
    return refusal.value.problems


def test_a_community_is_enough_for_version_2c() -> None:
    told = parse("# the router\n\n\tdefversion\t2C\nDEFCOMMUNITY  two words # and this\n")
    assert (told.version, told.community) == ("2c", b"two words # and this")


def test_quotes_are_taken_off_and_put_on_again_as_net_snmp_wants_them() -> None:
    told = parse(v3())
    assert (told.words["defAuthPassphrase"], told.words["defPrivPassphrase"]) == (AUTH, PRIV)
    assert parse(told.conf()).words == told.words
    assert '\ndefAuthPassphrase "auth \\"pass\\\\phrase\\" #1"\n' in told.conf()


def test_each_level_needs_what_it_uses_and_no_more() -> None:
    head = f"{V3}{NAME}"
    assert parse(f"{head}defSecurityLevel noauthnopriv").words["defSecurityLevel"] == "noAuthNoPriv"
    assert parse(f"{head}defSecurityLevel authNoPriv\n{AUTHENTICATION}").version == "3"
    assert parse(f"{head}{LEVEL}{AUTHENTICATION}{PRIVACY}").version == "3"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("", 'write "defVersion 3" or "defVersion 2c"', id="empty"),
        pytest.param("defCommunity public", 'write "defVersion 3" or "defVersion 2c"', id="no-version"),
        pytest.param("defVersion 2c", 'write "defCommunity public"', id="no-community"),
        pytest.param("defVersion 1\ndefCommunity x", "line 1: write one of 2c, 3", id="version-1"),
        pytest.param("defVersion", "line 1: defVersion has no value", id="no-value"),
        pytest.param(v2c() + "defComunity x", "line 3: did you mean defCommunity?", id="misspelled"),
        pytest.param("s3cret", "line 1: write one of defVersion, defCommunity", id="only-the-secret"),
        pytest.param(v2c() + v2c(), "line 3: defVersion stands in line 1 already", id="twice"),
        pytest.param('defVersion 2c\ndefCommunity "s3cret', "line 2: closing quote is missing", id="open-quote"),
        pytest.param('defVersion 2c\ndefCommunity "s3cret" x', "line 2: follows the closing", id="after-the-quote"),
        pytest.param("defVersion 2c\ndefCommunity s3c\x07ret", "line 2: control character", id="control-character"),
        pytest.param("defVersion 2c\ndefCommunity " + "s3cret" * 50, "line 2: at most 255 bytes", id="too-long"),
        pytest.param(f"{V3}{LEVEL}", 'write "defSecurityName overlapse"', id="no-user"),
        pytest.param(f"{V3}{NAME}", 'write "defSecurityLevel authPriv"', id="no-level"),
        pytest.param(f"{V3}defSecurityLevel all", "line 2: write one of noAuthNoPriv, au", id="level"),
        pytest.param(f"{V3}{NAME}{LEVEL}{PRIVACY}", 'write "defAuthType SHA"', id="no-auth-type"),
        pytest.param(f"{V3}{NAME}{LEVEL}{AUTHENTICATION}", 'write "defPrivPassphrase ..."', id="no-privacy"),
        pytest.param("defAuthPassphrase s3cret", "line 1: at least 8 characters", id="short-passphrase"),
        pytest.param("defPrivType ROT13", "line 1: write one of AES,", id="cipher"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_never_with_the_secret(text: str, told: str) -> None:
    found = problems(text)
    line, _, says = told.rpartition(": ")
    assert any(problem.startswith(line) and says in problem for problem in found), found
    assert "s3cret" not in "".join(found)


def test_every_problem_is_told_at_once() -> None:
    assert len(problems(f"{V3}foo\n{LEVEL}defAuthType SHA\ndefAuthPassphrase short\n")) == 5


def test_a_line_with_a_fault_is_not_called_missing_too() -> None:
    assert problems('defVersion 2c\ndefCommunity "x') == ["line 2: defCommunity: the closing quote is missing"]


def test_credentials_do_not_show_what_they_hold() -> None:
    assert "s3cret" not in repr(parse(v2c())) + str(parse(v2c()))
