"""Devices that answer version 2c wrong, late, endlessly or not at all, and somebody who answers in their place."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from peers.rudeagent import Agent, Asked, Script, answering
from peers.snmpd import free_port, v2c

from core.errors import ProbeError, ProbeGarbled, ProbeRefused, ProbeUnanswered
from core.probes.ber import OCTETS, Oid, integer, oid, parse_oid, wrap
from core.probes.message import GET_BULK, GET_NEXT, Value
from core.probes.rows import MOST_BYTES
from core.probes.snmp import reading

UPTIME = parse_oid("1.3.6.1.2.1.1.3.0")
TABLE = parse_oid("1.3.6.1.4.1.6574")
END = wrap(0x82, b"")
SHORT = 0.3  # seconds


def get(host: str, seconds: float = SHORT, wanted: Oid = UPTIME) -> Value:
    with reading(host, v2c(), seconds) as session:
        return session.get([wanted])[0]


def walk(host: str, seconds: float = 5.0) -> list[Value]:
    with reading(host, v2c(), seconds) as session:
        return session.walk(TABLE)


def always(*datagrams: bytes) -> Script:
    return lambda asked: datagrams


GARBAGE = [
    pytest.param(b"", "cut off", id="nothing"),
    pytest.param(b"\x30", "cut off", id="one-byte"),
    pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", "type 0x48 where 0x30 belongs", id="another-protocol"),
    pytest.param(bytes(1000), "belongs", id="zeros"),
    pytest.param(b"\x30\x84\xff\xff\xff\xff", "cut off", id="claims-4-GB"),
    pytest.param(b"\x30\x80\x02\x01\x01\x00\x00", "length", id="indefinite-length"),
    pytest.param(b"\x30\xff" + b"\x01" * 127, "length", id="length-of-127-bytes"),
    pytest.param(b"\x30\x03\x02\x01\x03", "version number 3", id="version-3"),
    pytest.param(b"\x30\x02\x02\x00", "integer of 0 bytes", id="empty-integer"),
    pytest.param(b"\x30" * 60_000, "type 0x30 where 0x02 belongs", id="nothing-but-sequences"),
]


@pytest.mark.parametrize(("datagram", "says"), GARBAGE)
def test_garbage_is_told_as_what_it_is(datagram: bytes, says: str) -> None:
    with answering(lambda agent: always(datagram)) as agent:
        with pytest.raises(ProbeGarbled, match=f"not SNMP as it should be: .*{says}"):
            get(agent.host)


def test_an_answer_cut_off_at_any_byte_is_never_believed() -> None:
    def script(agent: Agent) -> Script:
        def answer(asked: Asked) -> Iterator[bytes]:
            whole = asked.answer((UPTIME, wrap(0x43, b"\x01\x02\x03")))
            yield whole[: len(agent.asked)]

        return answer

    with answering(script) as agent:
        for _ in range(len(Asked(0, 1 << 30, 0, [], b"s3cret-c0mmunity").answer((UPTIME, bytes(5)))) - 1):
            with pytest.raises(ProbeGarbled, match="cut off"):
                get(agent.host)


def test_an_answer_to_another_request_is_passed_over() -> None:
    def answer(asked: Asked) -> Iterator[bytes]:
        yield asked.answer((UPTIME, integer(1)), number=asked.id ^ 1)
        yield asked.answer((UPTIME, integer(2)))

    with answering(lambda agent: answer) as agent:
        assert get(agent.host).value == 2


def test_what_another_port_sends_is_not_heard() -> None:
    def script(agent: Agent) -> Script:
        def answer(asked: Asked) -> Iterator[bytes]:
            agent.intrude(asked.answer((UPTIME, integer(1))))
            agent.intrude(b"garbage")
            yield asked.answer((UPTIME, integer(2)))

        return answer

    with answering(script) as agent:
        assert get(agent.host).value == 2


def test_a_request_that_got_lost_is_sent_again() -> None:
    def script(agent: Agent) -> Script:
        return lambda asked: [asked.answer((UPTIME, integer(len(agent.asked))))] if len(agent.asked) > 1 else []

    with answering(script) as agent:
        assert get(agent.host, 5.0).value == 2
        assert agent.asked[0] == agent.asked[1]


def test_rows_are_fewer_when_asked_again_for_long_answers_may_never_get_through() -> None:
    def small_ones_only(asked: Asked) -> list[bytes]:
        return [asked.answer((TABLE, END))] if asked.rows < 20 else []

    with answering(lambda agent: small_ones_only) as agent:
        assert walk(agent.host) == []
        assert [asked.rows for asked in agent.asked] == [25, 12]


def test_silence_ends_at_the_deadline() -> None:
    with answering(lambda agent: always()) as agent:
        start = time.monotonic()
        with pytest.raises(ProbeUnanswered, match="no answer"):
            get(agent.host)
        assert SHORT <= time.monotonic() - start < SHORT + 1


def test_answers_to_others_without_end_do_not_move_the_deadline() -> None:
    def script(agent: Agent) -> Script:
        def answer(asked: Asked) -> Iterator[bytes]:
            until = time.monotonic() + 2 * SHORT
            while time.monotonic() < until:
                time.sleep(SHORT / 10)  # a drip
                yield asked.answer((UPTIME, integer(1)), number=asked.id ^ 1)

        return answer

    with answering(script) as agent:
        start = time.monotonic()
        with pytest.raises(ProbeUnanswered, match="no answer"):
            get(agent.host)
        assert time.monotonic() - start < 2 * SHORT


def test_nobody_listening_is_told_at_once() -> None:
    start = time.monotonic()
    with pytest.raises(ProbeUnanswered, match="nothing listens there"):
        get(f"127.0.0.1:{free_port()}", 30.0)
    assert time.monotonic() - start < 10


def test_a_table_that_turns_back_is_left() -> None:
    def answer(asked: Asked) -> list[bytes]:
        return [asked.answer(*[((*TABLE, 1, n), integer(n)) for n in (1, 2, 2)])]

    with answering(lambda agent: answer) as agent:
        with pytest.raises(ProbeGarbled, match="does not go forward"):
            walk(agent.host)


def test_a_table_without_end_is_left_when_it_is_too_much() -> None:
    def answer(asked: Asked) -> list[bytes]:
        after = asked.oids[0][len(TABLE) :] or (0,)
        return [asked.answer(((*TABLE, after[0] + 1), wrap(OCTETS, b"x" * 60_000)))]

    with answering(lambda agent: answer) as agent:
        with pytest.raises(ProbeGarbled, match="more than 384 kB of answers"):
            walk(agent.host)
        assert len(agent.asked) == MOST_BYTES // 60_000 + 1


def test_a_device_for_which_an_answer_is_too_big_is_asked_for_less() -> None:
    def answer(asked: Asked) -> list[bytes]:
        if asked.kind == GET_BULK:
            return [asked.answer(status=1)]
        following = asked.oids[0][len(TABLE) :] or (0,)
        value = END if following[0] == 3 else integer(following[0])
        return [asked.answer(((*TABLE, following[0] + 1), value))]

    with answering(lambda agent: answer) as agent:
        assert [value.value for value in walk(agent.host)] == [0, 1, 2]
        assert [asked.rows for asked in agent.asked if asked.kind == GET_BULK] == [25, 12, 6, 3]
        assert agent.asked[-1].kind == GET_NEXT


def test_single_values_that_are_too_big_together_are_asked_for_apart() -> None:
    def answer(asked: Asked) -> list[bytes]:
        return [
            asked.answer(status=1) if len(asked.oids) > 2 else asked.answer(*[(n, integer(n[-1])) for n in asked.oids])
        ]

    with answering(lambda agent: answer) as agent, reading(agent.host, v2c(), 5.0) as session:
        wanted = [(*TABLE, n) for n in range(7)]
        assert [(value.oid, value.value) for value in session.get(wanted)] == [(name, name[-1]) for name in wanted]


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [(5, ProbeGarbled, "error 5"), (16, ProbeRefused, "may not read that"), (-7, ProbeGarbled, "error -7")],
)
def test_an_error_of_the_device_is_told(status: int, kind: type[ProbeError], says: str) -> None:
    with answering(lambda agent: lambda asked: [asked.answer(status=status)]) as agent:
        for read in (get, walk):
            with pytest.raises(kind, match=says):
                read(agent.host)


def test_an_agent_of_version_1_behind_a_proxy_ends_a_table_in_its_own_way() -> None:
    with answering(lambda agent: lambda asked: [asked.answer(status=2)]) as agent:
        assert walk(agent.host) == []


@pytest.mark.parametrize("rows", [[], [((*UPTIME, 1), integer(1))], [(UPTIME, integer(1))] * 2], ids=len)
def test_an_answer_about_something_else_is_not_believed(rows: list[tuple[Oid, bytes]]) -> None:
    with answering(lambda agent: lambda asked: [asked.answer(*rows)]) as agent:
        with pytest.raises(ProbeGarbled, match="something else"):
            get(agent.host)


def test_a_walk_answered_without_a_row_is_garbled() -> None:
    with answering(lambda agent: lambda asked: [asked.answer()]) as agent:
        with pytest.raises(ProbeGarbled, match="without values"):
            walk(agent.host)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(wrap(0x99, b"1"), id="unknown-type"),
        pytest.param(wrap(0x41, b"\x01" + bytes(4)), id="counter-of-33-bits"),
        pytest.param(wrap(0x46, bytes(10)), id="counter-of-ten-bytes"),
        pytest.param(wrap(0x46, b""), id="counter-of-no-bytes"),
        pytest.param(wrap(0x40, b"\x7f"), id="address-of-one-byte"),
        pytest.param(wrap(0x06, b"\x2b\x86"), id="identifier-cut-off"),
        pytest.param(wrap(0x06, b"\x2b" + b"\xff" * 9 + b"\x7f"), id="identifier-too-large"),
        pytest.param(wrap(0x06, b"\x01" * 200), id="identifier-too-long"),
        pytest.param(b"", id="no-value"),
    ],
)
def test_a_value_that_cannot_be_is_not_believed(value: bytes) -> None:
    with answering(lambda agent: lambda asked: [asked.answer((UPTIME, value))]) as agent:
        with pytest.raises(ProbeGarbled, match="not SNMP as it should be"):
            get(agent.host)


def test_a_counter_whose_leading_zero_was_forgotten_is_still_a_large_one() -> None:
    with answering(lambda agent: lambda asked: [asked.answer((UPTIME, wrap(0x46, b"\xff" * 8)))]) as agent:
        assert get(agent.host).value == 2**64 - 1


def test_a_device_over_ipv6_is_reached() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as line:
        try:
            line.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        with pytest.raises(ProbeUnanswered, match="::1, UDP port"):
            get(f"[::1]:{line.getsockname()[1]}", 0.05)
        assert b"s3cret-c0mmunity" in line.recv(65_535)
    assert oid(UPTIME) == bytes.fromhex("06082b06010201010300")
