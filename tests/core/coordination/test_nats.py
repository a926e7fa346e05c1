from __future__ import annotations

from collections.abc import Iterator

import pytest
from conformance.coordination import CoordinationContract, Session
from peers import natsd
from peers.natsd import Voters

from core.coordination.base import Coordination
from core.coordination.nats import NatsCoordination

pytestmark = pytest.mark.skipif(natsd.SERVER is None, reason=natsd.MISSING)


def sessions_on(voters: Voters) -> Iterator[Session]:
    voters.anew()
    opened: list[NatsCoordination] = []

    def begin() -> Coordination:
        opened.append(voters.open(natsd.OPERATOR))
        return opened[-1]

    yield begin
    for store in opened:
        store.close()


class TestOneVoter(CoordinationContract):
    @pytest.fixture
    def session(self, one: Voters) -> Iterator[Session]:
        yield from sessions_on(one)


class TestThreeVoters(CoordinationContract):
    @pytest.fixture
    def session(self, three: Voters) -> Iterator[Session]:
        yield from sessions_on(three)
