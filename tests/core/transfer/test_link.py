"""Grants: whose bytes go first, and how many a second."""

from core.transfer.link import LinkGrants


def test_without_a_rate_everybody_sends_at_once() -> None:
    link = LinkGrants()
    link.ask("a", 1000, "raw", 0.0)
    link.ask("b", 1000, "jpeg", 0.0)
    assert link.grants(0.0) == [("b", 1000), ("a", 1000)]


def test_a_live_picture_overtakes_a_raw_that_waits_longer() -> None:
    link = LinkGrants(rate=1000)
    link.ask("first", 4000, "raw", 0.0)
    assert link.grants(0.0) == [("first", 4000)]
    link.ask("first", 4000, "raw", 0.1)
    link.ask("live", 500, "live", 3.0)
    assert link.grants(3.0) == []
    assert link.grants(link.wake(3.0)) == [("live", 500)]


def test_the_mean_rate_is_kept() -> None:
    link, now, sent = LinkGrants(rate=1000), 0.0, 0
    while now < 600:
        link.ask("raw", 32_000, "raw", now)
        now = link.wake(now)
        sent += sum(size for _, size in link.grants(now))
    assert now * 1000 <= sent <= now * 1000 + 32_000


def test_what_a_link_does_not_carry_is_given_nothing_and_wakes_nobody() -> None:
    link = LinkGrants(carries=frozenset({"status", "live"}))
    link.ask("a", 1, "raw", 0.0)
    assert link.grants(1.0) == []
    assert link.wake(1.0) == float("inf")
    link.ask("b", 1, "live", 2.0)
    assert link.grants(2.0) == [("b", 1)]


def test_who_waits_for_what_is_not_carried_any_more_is_shut_out() -> None:
    link = LinkGrants(rate=1)
    link.ask("a", 1, "raw", 0.0)
    link.ask("b", 1, "live", 0.0)
    link.carries = frozenset({"live"})
    link.shut_out()
    link.carries = frozenset({"raw", "live"})
    assert link.grants(9.0) == [("b", 1)]


def test_who_ended_waits_no_more() -> None:
    link = LinkGrants(rate=1)
    link.ask("a", 1, "raw", 0.0)
    link.forget("a")
    assert link.grants(9.0) == []


def test_what_goes_without_a_grant_delays_the_next_one_so_that_the_rate_is_kept() -> None:
    link = LinkGrants(rate=1000)
    assert link.wake(0.0) == float("inf")
    link.grants(0.0)
    link.spend(5000)
    link.ask("a", 100, "jpeg", 0.0)
    assert link.grants(4.0) == []
    assert link.grants(link.wake(4.0)) == [("a", 100)]
    free = LinkGrants()
    free.spend(10**9)
    free.ask("a", 100, "jpeg", 0.0)
    assert free.grants(0.0) == [("a", 100)]
