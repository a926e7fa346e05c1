"""What site.toml may say of whose orders a node obeys."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.site.load import load, reparse
from core.site.model.nodes import Obeys

HEAD = 'version = 1\nsite = { name = "harbour", zone = "UTC", data = "data", clock = "host" }\n'
NODES = """[[node]]
name = "unit1"
obeys = [{ node = "fr", key_file = "one" }]
[[node]]
name = "unit2"
obeys = [{ node = "fr", key_file = "two", role = "admin" }]
check_in = "10m"
[[node]]
name = "fr"
kind = "cloud"
[[node]]
name = "ca"
kind = "cloud"
"""


def problems(folder: Path, text: str, node: str | None = None) -> str:
    for name, secret in (("one", "1" * 64), ("two", "2" * 64), ("short", "3" * 31)):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    (folder / "site.toml").write_text(HEAD + text)
    try:
        load(folder / "site.toml", node=node)
    except ConfigurationError as error:
        return "\n".join(error.problems)
    return ""


def test_a_node_says_whom_it_obeys_and_nobody_is_the_default(tmp_path: Path) -> None:
    assert problems(tmp_path, NODES) == ""
    unit1, unit2, fr, _ = reparse(HEAD + NODES).node
    assert unit1.obeys == (Obeys(node="fr", key_file="one", role="operate"),)
    assert unit2.obeys[0].role == "admin"
    assert (unit1.check_in, unit2.check_in, fr.obeys) == (timedelta(minutes=5), timedelta(minutes=10), ())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(('"fr", key_file = "one"', '"frr", key_file = "one"'), "did you mean 'fr'", id="slip"),
        pytest.param(('"fr", key_file = "one"', '"unit1", key_file = "one"'), "is the node itself", id="itself"),
        pytest.param(('"two"', '"one"'), "node 'unit1' has the same secret", id="one-secret-for-two"),
        pytest.param(('"one"', '"short"'), "too short to keep anybody out; type: openssl rand", id="short"),
        pytest.param(('"one"', '"none"'), "no such file", id="missing"),
        pytest.param(('"one" }', '"one" }, { node = "fr", key_file = "two" }'), "stands there twice", id="twice"),
        pytest.param(('role = "admin"', 'role = "root"'), "role", id="role"),
        pytest.param(('"10m"', '"0s"'), "check_in", id="check-in"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert said in problems(tmp_path, NODES.replace(*change))


def test_the_secret_is_needed_at_both_ends_and_nowhere_else(tmp_path: Path) -> None:
    text = NODES.replace('"one"', '"none"')
    assert "node[0].obeys[0].key_file" in problems(tmp_path, text, "unit1")
    assert "node[0].obeys[0].key_file" in problems(tmp_path, text, "fr")
    assert problems(tmp_path, text, "unit2") == problems(tmp_path, text, "ca") == ""
