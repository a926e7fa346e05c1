"""Failures and returns of servers as things: told once each, by event and by mail, and kept with what they cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.catalogue import pictures, states
from core.coordination.periods import Period, SlotCopies, begun, counted, ended
from core.coordination.protocol.messages import Mail, Withdraw
from core.coordination.protocol.records import NodePlan, Owner
from core.coordination.protocol.state import State
from core.node.context import Context
from core.node.fleet.owning import Owning
from core.node.fleet.periods import KEY, of_camera, periods
from core.node.telling.mailing import Mailing
from core.notify.words import Handed, Switch, failure, returned
from core.schedule.slots import Timetable
from core.units import show_duration
from core.values import seconds_of, utc

Json = dict[str, Any]
SETTLE = 15.0  # seconds in which all cameras of a failure change hands
COUNT = 60.0  # seconds between two countings
OPEN_FOR = 7 * 86_400.0  # seconds after its end in which late pictures may still fill a period's slots
KEPT = 200  # periods
SHOWN = 10  # of them in the status document
TOLD = "failovers/told"
REMEMBERED = 200  # cases
NEVER = float("inf")


@dataclass
class Case:
    """A failure or return that is about to be told. `due`: monotonic."""

    due: float
    cameras: set[str] = field(default_factory=set)


@dataclass
class Failovers:
    """Watches who owns what, and tells. `mailing` takes the mails that are this node's."""

    context: Context
    owning: Owning
    mailing: Mailing
    _seen: dict[str, Owner] = field(default_factory=dict)  # camera -> its owner as it was seen last
    _cases: dict[str, Case] = field(default_factory=dict)
    _count_at: float = 0.0

    def begin(self) -> None:
        """Have mails go both ways between the protocol and the outbox."""
        self.owning.on_mail = self._mail
        self.mailing.on_sent = self._sent

    # Periods.

    def tick(self) -> None:
        """Take note of new owners, tell what has settled, and count what was lost and filled."""
        state = self.owning.known()
        if state is None:
            return
        for camera, lease in state.leases.items():
            if lease.owner is not None and self._seen.get(camera) != lease.owner:
                self._seen[camera] = lease.owner
                self._owned(state, camera, lease.owner)
        now = self.context.monotonic()
        for case in [one for one, waiting in self._cases.items() if waiting.due <= now]:
            self._tell(state, case, self._cases.pop(case).cameras)
        if now >= self._count_at:
            self._count_at = now + COUNT
            self._count()

    def wake(self) -> float:
        """Return the monotonic time at which something is due."""
        return min((one.due for one in self._cases.values()), default=NEVER)

    def rows(self) -> list[Json]:
        """Return the last periods, the oldest first."""
        return [one.to_json() for one in periods(self.context.catalogue)[-SHOWN:]]

    def _owned(self, state: State, camera: str, owner: Owner) -> None:
        for period in of_camera(self.context.catalogue, camera):
            over = ended(period, owner)
            if over != period:
                self._keep(self._counted(over))
        since = self.owning.since(camera) if owner.node == state.me else 0.0
        new = begun(camera, owner, since or None)
        known = {one.case for one in of_camera(self.context.catalogue, camera)}
        if new is not None and new.case not in known:
            self._keep(new)
            self._forget_old()
        plan = state.cameras.get(camera)
        author = owner.node if owner.why == "failure" else plan.backup if plan is not None else None
        is_case = owner.why in ("failure", "back") and owner.case
        if is_case and author == state.me and owner.case not in states.get(self.context.catalogue, TOLD, []):
            due = self.context.monotonic() + SETTLE
            self._cases.setdefault(owner.case, Case(due)).cameras.add(camera)

    def _count(self) -> None:
        now = self.context.now().timestamp()
        for period in periods(self.context.catalogue):
            if period.end is None or now - period.end < OPEN_FOR:
                again = self._counted(period)
                if again != period:
                    self._keep(again)

    def _counted(self, period: Period) -> Period:
        """Return a period with its slots counted, as far as this node has their pictures."""
        camera = self.context.camera(period.camera)
        if camera is None:
            return period
        site = self.context.site.site
        table = Timetable(camera, site.zone, site.latitude, site.longitude)
        end = period.end if period.end is not None else self.context.now().timestamp() - SETTLE
        if end <= period.begin:
            return period
        have: dict[int, int] = {}
        found = pictures.between(self.context.catalogue, period.camera, int(period.begin), int(end) + 1)
        for slot, _ in {(one.slot, (one.name.node, one.name.fence)) for one in found if one.slot is not None}:
            have[slot] = have.get(slot, 0) + 1
        return counted(period, self._copies(period, table, end, have))

    @staticmethod
    def _copies(period: Period, table: Timetable, end: float, have: Mapping[int, int]) -> Iterator[SlotCopies]:
        for slot in table.slots(utc(period.begin), utc(end)):
            at = seconds_of(slot.at)
            yield SlotCopies(at, have.get(at, 0), filled=at <= period.taken)

    def _keep(self, period: Period) -> None:
        states.put(self.context.catalogue, f"{KEY}{period.camera}/{period.case}", period.to_json())

    def _forget_old(self) -> None:
        for old in periods(self.context.catalogue)[:-KEPT]:
            states.forget(self.context.catalogue, f"{KEY}{old.camera}/{old.case}")

    # Telling.

    def _tell(self, state: State, case: str, cameras: Iterable[str]) -> None:
        """Record one event for a failure or a return; the mail is the protocol's to give to somebody."""
        told = states.get(self.context.catalogue, TOLD, [])
        states.put(self.context.catalogue, TOLD, [*told, case][-REMEMBERED:])
        switch, names = self._switch(state, case, sorted(cameras)), ", ".join(sorted(cameras))
        if case.endswith(".down"):
            lost = sum(one.lost for one in switch.cameras)
            dark = show_duration(switch.dark.total_seconds())
            text = f"{switch.to} shoots {names}; dark for {dark}, {lost} slots lost so far. Next: {switch.after}"
            self.context.tell("server failed", switch.origin, text)
        else:
            self.context.tell("server returned", switch.to, f"it shoots {names} again, from {switch.origin}")

    def _mail(self, order: Mail | Withdraw) -> None:
        """Have the outbox take a mail, or take it back."""
        if isinstance(order, Withdraw):
            self.mailing.withdraw(_key(order.case))
            return
        state = self.owning.state
        switch = self._switch(state, order.case, order.cameras, order)
        cause = failure(switch) if order.what == "down" else returned(switch)
        if self.mailing.notice(cause) is None and self.mailing.smtp is not None and not self.mailing.holds(cause.key):
            self.owning.sent(order.case)  # it went before this node was started anew

    def _sent(self, key: str) -> None:
        """The mail server took a message: the protocol notes it for all."""
        case = _case(key)
        if case is not None and self.owning.known() is not None:
            self.owning.sent(case)

    def _switch(self, state: State, case: str, cameras: Iterable[str], order: Mail | None = None) -> Switch:
        """Return what is to be said of a failure or return."""
        node, _, rest = case.partition(".")
        session, _, what = rest.rpartition(".")
        found = {one.camera: one for one in periods(self.context.catalogue) if one.camera in cameras}
        ours = [one for one in found.values() if what == "back" or one.case == case]
        owners = [lease.owner for name in cameras if (lease := state.leases.get(name)) and lease.owner]
        now = self.context.now().timestamp()
        at = min((one.taken for one in ours), default=min((float(one.at) for one in owners), default=now))
        if what == "back":
            at = max((one.end or one.taken for one in ours), default=at)
        by = {one.by for one in ours} or {one.node for one in owners if one.node != node} or {"another node"}
        other, site = " and ".join(sorted(by)), self.context.site.site
        down = what == "down"
        dark_from = min((one.begin for one in ours), default=at) if down else at
        return Switch(
            site=site.name,
            zone=site.zone,
            origin=node if down else other,
            to=other if down else node,
            session=session,
            why=self._why(down, order),
            dark_from=utc(min(dark_from, at)),
            at=utc(at),
            cameras=[_handed(name, found.get(name)) for name in cameras],
            after=self._after(state, node, down, sorted(by)),
        )

    @staticmethod
    def _why(down: bool, order: Mail | None) -> str:
        why = "nothing was heard of it any more" if down else "it renews its session in time and reaches its cameras"
        if order is not None and order.folded:
            why += f"; {len(order.folded)} earlier switches, too fast after each other, are told with this one"
        if order is not None and order.overdue:
            why += "; another node was to tell this and did not"
        return why

    @staticmethod
    def _after(state: State, node: str, down: bool, by: list[str]) -> str:
        if not down:
            return "nothing to do; pictures that wait at either node fill holes as they come"
        if all(state.nodes.get(one, NodePlan()).autoback for one in by):
            return f"look after {node}; it gets its cameras back by itself once it is healthy for a while"
        return f"look after {node}, then give its cameras back: overlapse redundancy handback CAMERA"


def _handed(camera: str, period: Period | None) -> Handed:
    if period is None:
        return Handed(camera=camera)
    return Handed(camera=camera, lost=period.lost + period.filled, filled=period.filled)


def _key(case: str) -> str:
    """Return the key under which the outbox knows a case (core.notify.words)."""
    rest, _, what = case.rpartition(".")
    return f"{'failed' if what == 'down' else 'returned'}.{rest}"


def _case(key: str) -> str | None:
    """Return the case of a key of the outbox, None: it is about something else."""
    what, _, rest = key.partition(".")
    ends = {"failed": "down", "returned": "back"}
    return f"{rest}.{ends[what]}" if what in ends else None
