"""The queue: what goes next, what waits, what is proven, and what a newer live picture makes needless."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core.catalogue import check, deliveries, live, pictures, receipts
from core.catalogue import ready as queued
from core.catalogue.deliveries import Priority
from core.catalogue.store import Catalogue
from core.errors import NoSuchThing, ObjectDiffers
from core.values import Sha256

Add = Callable[..., tuple[int, list[int]]]


@pytest.fixture(autouse=True)
def _undamaged(catalogue: Catalogue) -> Iterator[None]:
    yield
    assert check.damage(catalogue, deep=True) == []


def ready(catalogue: Catalogue, destination: str = "nas", now: int = 0) -> int | None:
    found = queued.next_ready(catalogue, destination, now)
    return None if found is None else found.id


def drained(catalogue: Catalogue, destination: str = "nas") -> list[int]:
    order = []
    while (number := ready(catalogue, destination)) is not None:
        order.append(number)
        deliveries.start(catalogue, number)
    return order


def test_the_archive_goes_by_priority_and_then_oldest_first(catalogue: Catalogue, shots: Any, add: Add) -> None:
    queued = {}
    for slot in (2, 0, 1):
        raw, jpeg = shots.delivery(priority=Priority.RAW), shots.delivery(remote="b", priority=Priority.JPEG)
        _, queued[slot] = add(slot, raw, jpeg)
    jpegs_then_raws = [queued[slot][nth] for nth in (1, 0) for slot in (0, 1, 2)]
    assert drained(catalogue) == jpegs_then_raws


def test_live_pictures_go_before_the_archive_and_newest_first(catalogue: Catalogue, shots: Any, add: Add) -> None:
    _, (archive,) = add(0, shots.delivery())
    _, (first,) = add(1, shots.delivery(remote="one.jpg", priority=Priority.LIVE))
    _, (second,) = add(2, shots.delivery(remote="two.jpg", priority=Priority.LIVE))
    assert drained(catalogue) == [second, first, archive]


def test_a_newer_live_picture_drops_the_one_that_waits(catalogue: Catalogue, shots: Any, add: Add) -> None:
    wanted = shots.delivery(remote="north.jpg", priority=Priority.LIVE)
    _, (old,) = add(0, wanted)
    _, (other,) = add(0, shots.delivery(remote="south.jpg", priority=Priority.LIVE), camera="south")
    _, (new,) = add(1, wanted)
    assert drained(catalogue) == [new, other]
    with pytest.raises(NoSuchThing):
        deliveries.get(catalogue, old)
    _, late = add(0, wanted, camera="late")
    assert late == [], "an older picture never takes the name back"


def test_a_live_picture_waits_for_its_look_and_leaves_the_last_good_one_alone(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    wanted = shots.delivery(remote="north.jpg", priority=Priority.LIVE)
    _, (good,) = add(0, wanted)
    broken, (never,) = add(1, wanted, seen=False)
    assert ready(catalogue) == good, "nobody knows yet whether the newer one is whole"
    live.stay_back(catalogue, broken)
    assert drained(catalogue) == [good]
    with pytest.raises(NoSuchThing):
        deliveries.get(catalogue, never)
    picture, (whole,) = add(2, wanted, seen=False)
    assert ready(catalogue) is None
    live.go_live(catalogue, picture)
    assert drained(catalogue) == [whole]


def test_pictures_seen_out_of_order_leave_the_newest_whole_one(catalogue: Catalogue, shots: Any, add: Add) -> None:
    wanted = shots.delivery(remote="north.jpg", priority=Priority.LIVE)
    first, _ = add(0, wanted, seen=False)
    second, (newest,) = add(1, wanted, seen=False)
    live.go_live(catalogue, second)
    live.go_live(catalogue, first)
    assert drained(catalogue) == [newest]


def test_what_is_known_to_be_broken_never_takes_a_live_name(catalogue: Catalogue, shots: Any) -> None:
    wanted = shots.delivery(remote="north.jpg", priority=Priority.LIVE)
    kept = {}
    for slot, verdict in enumerate(("whole", "whole", "broken")):
        picture = pictures.insert(catalogue, shots.picture(slot))
        pictures.set_view(catalogue, picture, verdict)
        kept[slot] = deliveries.enqueue(catalogue, picture, [wanted])
    assert kept[2] == []
    waiting = [one.id for one in deliveries.queue(catalogue, "nas")]
    assert waiting == kept[1], "a rebuild asks for the newest whole one, and not for a year of them"


def test_a_live_picture_on_its_way_is_not_pulled_away(catalogue: Catalogue, shots: Any, add: Add) -> None:
    wanted = shots.delivery(remote="north.jpg", priority=Priority.LIVE)
    _, (old,) = add(0, wanted)
    deliveries.start(catalogue, old)
    _, (new,) = add(1, wanted)
    assert deliveries.get(catalogue, old).state == "sending"
    proved(catalogue, old)
    proved(catalogue, new)
    with pytest.raises(NoSuchThing):  # its receipt is for a name that holds another picture now
        deliveries.get(catalogue, old)


def test_a_live_picture_that_failed_never_follows_the_newer_one(catalogue: Catalogue, shots: Any, add: Add) -> None:
    wanted = shots.delivery(remote="north.jpg", priority=Priority.LIVE)
    _, (old,) = add(0, wanted)
    deliveries.start(catalogue, old)
    _, (new,) = add(1, wanted)
    deliveries.fail(catalogue, old, "DestinationUnreachable", "", True, 1)
    assert ready(catalogue, now=5) == new
    deliveries.start(catalogue, new)
    assert ready(catalogue, now=5) is None, "its receipt is not there yet, and the name is taken"


def test_of_what_takes_one_name_in_the_same_second_the_later_stays(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, _ = add(0, shots.delivery())
    pictures.set_view(catalogue, picture, "whole")
    for number in range(3):
        page = shots.delivery(remote="index.html", priority=Priority.LIVE, rendition=f"page.{number}.index.html")
        deliveries.enqueue(catalogue, picture, [page])
        deliveries.made(catalogue, picture, page.rendition, "p", 10, Sha256(str(number) * 64))
    found = [one.rendition for one in deliveries.queue(catalogue, "nas") if one.rendition]
    assert found == ["page.2.index.html"]


def proved(catalogue: Catalogue, number: int, level: int = 2) -> bool:
    found = deliveries.get(catalogue, number)
    assert found.size is not None
    assert found.sha256 is not None
    return receipts.prove(catalogue, number, level, found.size, found.sha256, 1000)


def test_a_live_picture_proves_nothing_about_its_original(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, (wanted,) = add(0, shots.delivery(priority=Priority.LIVE, required=True))
    proved(catalogue, wanted)
    assert not pictures.by_id(catalogue, picture).proven


def test_destinations_do_not_see_each_other(catalogue: Catalogue, shots: Any, add: Add) -> None:
    _, (nas, fr) = add(0, shots.delivery("nas"), shots.delivery("fr"))
    deliveries.fail(catalogue, nas, "DestinationUnreachable", "no route", True, 10**15)
    assert (ready(catalogue, "nas"), ready(catalogue, "fr")) == (None, fr)
    assert (queued.next_due(catalogue, "nas"), queued.next_due(catalogue, "fr")) == (10**15, None)


def test_a_failed_delivery_waits_and_takes_its_place_again(catalogue: Catalogue, shots: Any, add: Add) -> None:
    _, (old,) = add(0, shots.delivery())
    _, (new,) = add(1, shots.delivery())
    deliveries.start(catalogue, old)
    deliveries.progress(catalogue, old, 4096, b"partial")
    deliveries.fail(catalogue, old, "DestinationUnreachable", "cut", True, 5000)
    assert (ready(catalogue, now=4999), ready(catalogue, now=5000)) == (new, old)
    found = deliveries.get(catalogue, old)
    assert (found.offset, found.resume, found.attempts, found.transient) == (4096, b"partial", 1, True)
    assert (found.error, found.message) == ("DestinationUnreachable", "cut")


def test_only_a_failure_of_its_own_counts(catalogue: Catalogue, shots: Any, add: Add) -> None:
    _, (number,) = add(0, shots.delivery())
    for _ in range(7):
        deliveries.fail(catalogue, number, "DestinationUnreachable", "cut", True, 5000, its_own=False)
    assert deliveries.get(catalogue, number).attempts == 0
    deliveries.fail(catalogue, number, "ObjectDiffers", "locked", True, 5000)
    assert deliveries.get(catalogue, number).attempts == 1


def test_what_was_on_its_way_at_a_stop_goes_on_where_it_was(catalogue: Catalogue, shots: Any, add: Add) -> None:
    _, (number,) = add(0, shots.delivery())
    assert deliveries.start(catalogue, number)
    assert not deliveries.start(catalogue, number), "nothing is sent by two at once"
    deliveries.progress(catalogue, number, 77, b"state")
    assert deliveries.resume_all(catalogue) == 1
    again = queued.next_ready(catalogue, "nas", 0)
    assert again is not None
    assert (again.offset, again.resume) == (77, b"state")


def test_a_weaker_receipt_than_is_wanted_leaves_it_sent(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, (number,) = add(0, shots.delivery(level=3))
    deliveries.start(catalogue, number)
    deliveries.sent(catalogue, number)
    assert not proved(catalogue, number, 1)
    assert [one.id for one in deliveries.awaiting_proof(catalogue, "nas")] == [number]
    assert proved(catalogue, number, 3)
    assert proved(catalogue, number, 2), "a weaker proof later takes nothing back"
    (receipt,) = receipts.of_picture(catalogue, picture)
    assert (receipt.level, receipt.destination, receipt.remote, receipt.at) == (3, "nas", "a.jpg", 1000)
    assert deliveries.awaiting_proof(catalogue, "nas") == []


def test_a_receipt_for_other_bytes_is_refused(catalogue: Catalogue, shots: Any, add: Add) -> None:
    _, (number,) = add(0, shots.delivery())
    for size, sha256 in ((1, shots.picture().sha256), (6_000_000, Sha256("0" * 64))):
        with pytest.raises(ObjectDiffers):
            receipts.prove(catalogue, number, 3, size, sha256, 1000)
    assert deliveries.get(catalogue, number).state == "queued"


def test_a_copy_found_altered_is_sent_again(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, (number,) = add(0, shots.delivery())
    proved(catalogue, number)
    receipts.disprove(catalogue, number, "ObjectDiffers", "the audit read other bytes")
    assert ready(catalogue) == number
    assert not pictures.by_id(catalogue, picture).proven


def test_enqueuing_again_only_ever_wants_more(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, (number,) = add(0, shots.delivery(level=2, required=False))
    proved(catalogue, number)
    assert deliveries.enqueue(catalogue, picture, [shots.delivery(level=1)]) == []
    assert pictures.by_id(catalogue, picture).proven, "now required, and proven already"
    deliveries.enqueue(catalogue, picture, [shots.delivery(level=3, required=False)])
    found = deliveries.get(catalogue, number)
    assert (found.state, found.level, found.required) == ("sent", 3, True)
    assert not pictures.by_id(catalogue, picture).proven


def test_a_rendition_is_ready_once_it_is_made_and_not_before(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, (number,) = add(0, shots.delivery(rendition="web", priority=Priority.THUMBNAIL))
    assert ready(catalogue) is None
    assert [one.id for one in deliveries.unmade(catalogue)] == [number]
    assert deliveries.made(catalogue, picture, "web", "renditions/web/a.jpg", 5000, Sha256("a" * 64)) == 1
    found = queued.next_ready(catalogue, "nas", 0)
    assert found is not None
    assert (found.path, found.size, found.sha256) == ("renditions/web/a.jpg", 5000, "a" * 64)
    assert deliveries.unmade(catalogue) == []


def test_a_rendition_made_anew_resumes_only_when_its_bytes_are_the_same(
    catalogue: Catalogue, shots: Any, add: Add
) -> None:
    picture, (number,) = add(0, shots.delivery(rendition="web"))
    deliveries.made(catalogue, picture, "web", "w.jpg", 5000, Sha256("a" * 64))
    deliveries.progress(catalogue, number, 100, b"partial")
    deliveries.unmake(catalogue, picture, "web")
    assert ready(catalogue) is None
    deliveries.made(catalogue, picture, "web", "w.jpg", 5000, Sha256("a" * 64))
    assert deliveries.get(catalogue, number).offset == 100
    deliveries.made(catalogue, picture, "web", "w.jpg", 5001, Sha256("b" * 64))
    found = deliveries.get(catalogue, number)
    assert (found.offset, found.resume) == (0, None)


def test_an_original_lies_under_its_own_name(catalogue: Catalogue, shots: Any, add: Add) -> None:
    _, (number,) = add(0, shots.delivery())
    found = deliveries.get(catalogue, number)
    assert found.path == "pictures/north/2026/11/21/north_20261121T120000Z_unit1_1-7.jpg"
    assert found.sha256 == shots.picture().sha256


def test_a_refused_delivery_waits_for_an_operator(catalogue: Catalogue, shots: Any, add: Add) -> None:
    _, (number,) = add(0, shots.delivery())
    deliveries.refuse(catalogue, number, "HostKeyMismatch", "another key")
    assert (ready(catalogue, now=10**15), queued.next_due(catalogue, "nas")) == (None, None)
    assert deliveries.retry(catalogue, "fr") == 0
    assert deliveries.retry(catalogue, number=number) == 1
    assert ready(catalogue) == number
    assert deliveries.get(catalogue, number).error is None


def test_the_number_of_a_withdrawn_delivery_is_never_given_again(catalogue: Catalogue, shots: Any, add: Add) -> None:
    _, (number,) = add(0, shots.delivery())
    deliveries.withdraw(catalogue, [number])
    _, (other,) = add(1, shots.delivery())
    assert other != number


def test_withdrawing_a_required_delivery_counts_it_out(catalogue: Catalogue, shots: Any, add: Add) -> None:
    picture, (nas, fr) = add(0, shots.delivery("nas"), shots.delivery("fr"))
    proved(catalogue, nas)
    assert deliveries.withdraw(catalogue, [nas, fr]) == 1, "a receipt is never thrown away"
    known = pictures.by_id(catalogue, picture)
    assert (known.required, known.pending, known.proven) == (1, 0, True)


def test_status_needs_no_scan(catalogue: Catalogue, shots: Any, add: Add) -> None:
    numbers = [add(slot, shots.delivery())[1][0] for slot in range(4)]
    proved(catalogue, numbers[0])
    deliveries.start(catalogue, numbers[1])
    deliveries.refuse(catalogue, numbers[2], "X", "")
    assert {(one.state, one.n, one.bytes) for one in deliveries.tally(catalogue)} == {
        ("proven", 1, 6_000_000),
        ("sending", 1, 6_000_001),
        ("refused", 1, 6_000_002),
        ("queued", 1, 6_000_003),
    }
    assert deliveries.backlog(catalogue, "nas") == (2, 12_000_004)
    assert deliveries.oldest(catalogue, "nas") == shots.noon + 600
    assert [one.id for one in deliveries.queue(catalogue, "nas", 2)] == numbers[1:3]
    assert deliveries.oldest(catalogue, "fr") is None


def plans(catalogue: Catalogue, ask: Callable[[], object]) -> list[str]:
    """Return how SQLite answers each query of `ask`."""
    asked: list[str] = []
    catalogue._connection.set_trace_callback(asked.append)
    ask()
    catalogue._connection.set_trace_callback(None)
    queries = [sql for sql in asked if sql.startswith(("SELECT", "UPDATE", "DELETE"))]
    assert queries
    return [row["detail"] for sql in queries for row in catalogue.rows("EXPLAIN QUERY PLAN " + sql)]


def test_the_next_delivery_is_found_by_the_partial_index(catalogue: Catalogue, shots: Any, add: Add) -> None:
    add(0, shots.delivery())
    found = plans(catalogue, lambda: queued.next_ready(catalogue, "nas", 5))
    assert list(dict.fromkeys(found)) == [  # the same for each class
        "SEARCH delivery USING INDEX delivery_waiting (destination=? AND next_try>? AND next_try<?)",
        "SEARCH d USING INDEX delivery_ready (destination=? AND priority>?)",
        "SEARCH d USING INDEX delivery_ready (destination=? AND priority=?)",
        "SEARCH p USING INTEGER PRIMARY KEY (rowid=?)",
        "SEARCH a USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
    ]


def test_no_question_of_the_loop_scans_a_table_or_sorts(catalogue: Catalogue, shots: Any, add: Add) -> None:
    _, (number, wanted) = add(0, shots.delivery(), shots.delivery(remote="live.jpg", priority=Priority.LIVE))

    def ask() -> None:
        queued.next_due(catalogue, "nas")
        deliveries.unmade(catalogue)
        deliveries.awaiting_proof(catalogue, "nas")
        deliveries.queue(catalogue, "nas")
        deliveries.oldest(catalogue, "nas")
        deliveries.backlog(catalogue, "nas")
        deliveries.resume_all(catalogue)
        proved(catalogue, number)
        proved(catalogue, wanted)
        deliveries.enqueue(catalogue, 1, [shots.delivery("fr"), shots.delivery("fr", priority=Priority.LIVE)])
        receipts.of_picture(catalogue, 1)

    small = "delivery_sending", "delivery_unmade"  # partial: only what is not done yet is in them
    found = [line for line in plans(catalogue, ask) if line.startswith("SCAN") or "TEMP B-TREE" in line]
    assert [line for line in found if not line.endswith(small)] == []
