"""Which interface is meant, which counters are read, and what passed between two readings."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from core.errors import NoSuchReading
from core.probes.ber import Oid
from core.probes.counters import HC_IN, HC_OUT, IF_DESCR, IF_NAME, IN, OUT, UPTIME, WRAP, Counter, counter, find, passed
from core.probes.message import Value

DAYS = 86_400.0


class Router:
    """A device with these columns: {column: {index: value}}."""

    def __init__(self, **columns: dict[int, int | bytes]) -> None:
        places = {"name": IF_NAME, "descr": IF_DESCR, "hc_in": HC_IN, "hc_out": HC_OUT, "rx": IN, "tx": OUT}
        self._rows = {(*places[word], n): value for word, rows in columns.items() for n, value in rows.items()}

    def get(self, oids: Sequence[Oid]) -> list[Value]:
        return [self._value(oid) for oid in oids]

    def walk(self, root: Oid) -> list[Value]:
        return [self._value(oid) for oid in sorted(self._rows) if oid[: len(root)] == root]

    def close(self) -> None:
        pass

    def _value(self, oid: Oid) -> Value:
        if oid == UPTIME:
            return Value(oid, "TimeTicks", 4200)
        value = self._rows.get(oid)
        if value is None:
            return Value(oid, "noSuchInstance")
        if isinstance(value, bytes):
            return Value(oid, "OctetString", value)
        return Value(oid, "Counter64" if oid[:-1] in (HC_IN, HC_OUT) else "Counter32", value)


NAMES: dict[int, int | bytes] = {1: b"lo", 2: b"eth0", 7: b"wwan0\0"}


def test_a_name_is_looked_for_among_ifname_then_ifdescr_and_last_it_may_be_an_index() -> None:
    router = Router(name=NAMES, descr={1: b"Loopback", 2: b"lo", 7: b"Sierra Wireless LTE", 9: b"no name"})
    assert find(router, "wwan0") == (7, "wwan0")  # the zero at its end is not a part of it
    assert find(router, "lo") == (1, "lo")
    assert find(router, "Sierra Wireless LTE") == (7, "Sierra Wireless LTE")
    assert find(router, "7") == (7, "wwan0")
    assert find(router, "9") == (9, "no name")


def test_an_interface_that_is_called_by_a_number_goes_before_the_index() -> None:
    assert find(Router(name={1: b"2", 2: b"1"}), "2") == (1, "2")


def test_a_name_that_two_interfaces_have_is_not_guessed() -> None:
    with pytest.raises(NoSuchReading, match=r"several interfaces are called 'ppp'; write an index: 3 or 4"):
        find(Router(name={3: b"ppp", 4: b"ppp"}), "ppp")


def test_a_device_with_hundreds_of_interfaces_is_not_told_whole() -> None:
    names: dict[int, int | bytes] = {n: b"vlan%d" % n for n in range(1, 401)}
    with pytest.raises(NoSuchReading, match=r"vlan24 \(index 24\) and 376 more$"):
        find(Router(name=names), "wwan0")


def test_wide_counters_are_read_where_they_count() -> None:
    wide = {7: 10**12}
    router = Router(name=NAMES, hc_in=dict(wide), hc_out={7: 5}, rx={7: 3}, tx={7: 4})
    assert counter(router, "wwan0") == Counter("wwan0", 7, 10**12, 5, 64, 42.0)


@pytest.mark.parametrize("hc", [{}, {7: 0}], ids=["not-there", "never-counting"])
def test_narrow_counters_are_read_where_the_wide_ones_are_of_no_use(hc: dict[int, int | bytes]) -> None:
    router = Router(name=NAMES, hc_in=dict(hc), hc_out=dict(hc), rx={7: 3}, tx={7: 4})
    assert counter(router, "wwan0") == Counter("wwan0", 7, 3, 4, 32, 42.0)


def test_an_interface_without_counters_is_told() -> None:
    with pytest.raises(NoSuchReading, match="interface wwan0 has no counters of bytes that we may read"):
        counter(Router(name=NAMES), "wwan0")


def reading(rx: int, tx: int, bits: int = 64, uptime: float | None = 1000.0, interface: str = "wwan0") -> Counter:
    return Counter(interface, 7, rx, tx, bits, uptime)


@pytest.mark.parametrize(
    ("before", "now", "bytes_passed"),
    [
        pytest.param(reading(100, 50), reading(130, 60), 40, id="both-grew"),
        pytest.param(reading(100, 50), reading(100, 50), 0, id="nothing-passed"),
        pytest.param(reading(100, 50), reading(30, 10, uptime=5.0), 40, id="restarted"),
        pytest.param(reading(100, 50), reading(130, 60, uptime=5.0), 40, id="only-its-snmp-restarted"),
        pytest.param(reading(100, 50), reading(30, 60), 40, id="wide-counters-never-wrap"),
        pytest.param(reading(WRAP - 10, 50, 32), reading(20, 60, 32), 40, id="one-wrapped"),
        pytest.param(reading(WRAP - 10, WRAP - 1, 32), reading(20, 9, 32), 40, id="both-wrapped"),
        pytest.param(reading(WRAP - 10, 50, 32), reading(20, 60, 32, uptime=5.0), 30, id="narrow-and-restarted"),
        pytest.param(reading(WRAP - 10, 50, 32, None), reading(20, 60, 32, None), 40, id="uptime-not-told"),
        pytest.param(reading(WRAP - 10, 50, 32, 497 * DAYS), reading(20, 60, 32, 9.0), 40, id="uptime-began-anew"),
        pytest.param(reading(100, 50, 32), reading(130, 60, 64), None, id="other-counters"),
        pytest.param(reading(100, 50), reading(130, 60, interface="eth1"), None, id="other-interface"),
    ],
)
def test_what_passed_between_two_readings(before: Counter, now: Counter, bytes_passed: int | None) -> None:
    assert passed(before._asdict(), now) == bytes_passed
