from __future__ import annotations

from collections.abc import Iterator

import pytest
from peers import natsd
from peers.natsd import Voters


@pytest.fixture(scope="session")
def voter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voters]:
    """One voter, for all tests of this process."""
    with natsd.running(tmp_path_factory.mktemp("one") / "fleet", 1) as voters:
        yield voters


@pytest.fixture(scope="session")
def three_voters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Voters]:
    """Three voters, for all tests of this process; who ends one starts it again."""
    with natsd.running(tmp_path_factory.mktemp("three") / "fleet", 3) as voters:
        yield voters


@pytest.fixture
def one(voter: Voters) -> Iterator[Voters]:
    """One voter, without sessions."""
    yield voter
    voter.hang_up()


@pytest.fixture
def three(three_voters: Voters) -> Iterator[Voters]:
    """Three voters, without sessions."""
    yield three_voters
    three_voters.hang_up()
