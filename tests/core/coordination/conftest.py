from __future__ import annotations

from collections.abc import Iterator

import pytest
from peers import natsd
from peers.natsd import Voters


@pytest.fixture(scope="session")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voters]:
    """One voter, for all tests of this process."""
    with natsd.running(tmp_path_factory.mktemp("one") / "fleet", 1) as voters:
        yield voters


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voters]:
    """Three voters, for all tests of this process; who ends one starts it again."""
    with natsd.running(tmp_path_factory.mktemp("three") / "fleet", 3) as voters:
        yield voters
