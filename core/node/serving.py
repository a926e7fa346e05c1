"""What people ask on the control socket: each verb's effect, decided in the loop's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from core.catalogue import copies, deliveries, overrides, states
from core.catalogue.overrides import Override
from core.control.auditpage import audit_page
from core.control.request import Request
from core.control.verbs import VERBS
from core.errors import BadRequest, NoSuchThing, OverlapseError
from core.intake.entries import OverrideEntry
from core.node.cameras.measuring import telemetry_key
from core.node.cameras.pauses import PAUSE, RESUME
from core.node.desks import Desks
from core.node.fleet.periods import rows
from core.node.keeping.outlook import ALLOWED, ANNOUNCED, CONFIRMED
from core.node.reload import Reload
from core.node.sending.disproving import Disproved
from core.retention.forecast import show_instant
from core.status.fleet import fleet_page
from core.status.pictures import picture_rows
from core.status.views import event_rows, ledger_page, queue_rows
from core.values import milliseconds_of

Answer = dict[str, Any]
DAY = timedelta(days=1)
FOREVER = timedelta(days=3650)
CONFIRMED_FOR = timedelta(hours=1)  # that an operator's word on a large plan holds


class Serving:
    """Answers requests; one that takes longer answers later, everything else at once."""

    def __init__(self, desks: Desks, reread: Callable[[Reload], None], stop: Callable[[bool], None]) -> None:
        self._desks = desks
        self._reread = reread
        self._stop = stop
        self._shots = count()
        self._verbs: Mapping[str, Callable[[Request], Answer | None]] = {
            "who": _who,
            "status": lambda request: self._desks.reporting.document(),
            "fleet": self._fleet,
            "ledger": self._ledger,
            "queue": self._queue,
            "events": lambda request: {"events": event_rows(self._catalogue, request.args.get("limit", 100))},
            "audit-log": self._audit_log,
            "telemetry": self._telemetry,
            "retention-plan": self._plan,
            "camera": lambda request: self._desks.attending.show(request.args["camera"]),
            "pictures": self._pictures,
            "preview": lambda request: self._desks.previewing.show(request),
            "capture": self._capture,
            "recover": self._recover,
            "import": self._errand,
            "restore": self._errand,
            "errand": lambda request: self._desks.errands.state(),
            "errand-stop": self._errand_stop,
            "pause": self._pause,
            "resume": self._resume,
            "retry": self._retry,
            "prioritise": self._prioritise,
            "deliver-again": self._deliver_again,
            "audit": self._audit,
            "charge": self._charge,
            "order": lambda request: self._desks.ordering.give(request),
            "orders": self._orders,
            "mail": lambda request: self._desks.mailing.state(),
            "mail-test": lambda request: self._desks.mailing.test(request.who.user),
            "mail-retry": lambda request: {"messages": self._desks.mailing.retry(request.args.get("message"))},
            "mail-drop": lambda request: self._desks.mailing.drop(request.args["message"], request.who.user),
            **self._of_redundancy(),
            "destination-pause": self._destination_pause,
            "destination-resume": self._destination_resume,
            "link-rung": self._link_rung,
            "link-release": self._link_release,
            "acknowledge": self._note,
            "acknowledge-announce": self._acknowledge,
            "reload": self._reload,
            "retention-apply": self._retention_apply,
            "thin-allow": self._thin_allow,
            "restart": self._restart_node,
            "stop": self._stop_node,
        }

    def _of_redundancy(self) -> Mapping[str, Callable[[Request], Answer | None]]:
        return {
            "redundancy": lambda request: self._desks.assigning.show(request),
            "redundancy-load": lambda request: self._desks.assigning.load(request),
            "redundancy-candidates": lambda request: self._desks.assigning.candidates(request),
            "redundancy-export": lambda request: self._desks.assigning.export(request),
            "redundancy-assign": lambda request: self._desks.assigning.assign(request),
            "redundancy-mode": lambda request: self._desks.assigning.mode(request),
            "redundancy-import": lambda request: self._desks.assigning.import_(request),
            "redundancy-drop": lambda request: self._desks.assigning.drop(request),
            "redundancy-apply": lambda request: self._desks.assigning.apply(request),
            "redundancy-handover": lambda request: self._desks.by_hand.handover(request),
            "redundancy-handback": lambda request: self._desks.by_hand.handback(request),
            "redundancy-rehearse": lambda request: self._desks.by_hand.rehearse(request),
        }

    @property
    def verbs(self) -> frozenset[str]:
        """The verbs that have an effect here."""
        return frozenset(self._verbs)

    def handle(self, request: Request) -> None:
        """Do what is asked and answer; an error of ours is the answer, too."""
        try:
            answer = self._verbs[request.verb](request)
        except OverlapseError as error:
            request.refuse(error)
            return
        if answer is not None:
            request.done(answer)

    @property
    def _catalogue(self) -> Any:
        return self._desks.context.catalogue

    def _fleet(self, request: Request) -> Answer:
        """Give the documents of all nodes, or of one; as many as an answer holds, the rest from `next` on."""
        desks, name = self._desks, request.args.get("node")
        ours = desks.reporting.document()
        ours["heard"] = ours["at"]
        documents = {ours["node"]: ours, **desks.checkins.documents()}
        if name is not None and name not in documents:
            raise NoSuchThing(f"nothing was heard of a node {name}; it was of: {', '.join(documents)}")
        return fleet_page([documents[name]] if name else documents.values(), request.args.get("since", 0))

    def _ledger(self, request: Request) -> Answer:
        now = self._desks.context.now()
        begin, end = request.args.get("since", now - DAY), request.args.get("until", now)
        limit = request.args.get("limit", 1000)
        page = ledger_page(self._catalogue, request.args.get("camera"), begin, end, limit)
        periods = rows(self._catalogue, request.args.get("camera"), begin.timestamp(), end.timestamp())
        return page | {"failovers": periods} if periods else page

    def _queue(self, request: Request) -> Answer:
        name = request.args.get("destination")
        found = queue_rows(self._catalogue, name, request.args.get("limit", 200))
        places = self._desks.delivering.stations
        if name is not None and not found and name not in places:
            raise NoSuchThing(f"there is no destination {name}; there are: {', '.join(places) or 'none'}")
        return {"deliveries": [self._as_it_is(row) for row in found]} | self._desks.reporting.transfers()

    def _as_it_is(self, row: Answer) -> Answer:
        """Add to a row of the queue what the catalogue does not know: how far it is now, what holds it back."""
        delivering, name = self._desks.delivering, row["destination"]
        station = delivering.stations.get(name)
        sending = None if station is None else station.sending.get(row["id"])
        if sending is not None:
            return row | {"offset": max(row["offset"], sending.granted)}
        held = "paused" if station is not None and station.is_paused(self._desks.context.now()) else None
        held = held or delivering.linking.why_not(name, row["class"])
        return row if held is None or row["state"] != "queued" else row | {"held": held}

    def _telemetry(self, request: Request) -> Answer:
        names = [request.args["camera"]] if "camera" in request.args else list(self._desks.shooting.posts)
        return {"cameras": {name: states.get(self._catalogue, telemetry_key(name)) for name in names}}

    def _audit_log(self, request: Request) -> Answer:
        limit, path = request.args.get("limit", 100), self._desks.context.folders.audit
        return audit_page(path, limit, request.args.get("before"))

    def _plan(self, request: Request) -> Answer:
        return self._desks.retaining.plan().to_json()

    def _capture(self, request: Request) -> Answer:
        """Take the order; a shot may last longer than an answer, so an event with its number tells what came of it."""
        order = self._order_of(request)
        self._desks.shooting.capture(request.args["camera"], order)
        return {"order": order}

    def _recover(self, request: Request) -> Answer:
        """Do the next rung; the shot after it is told like one by hand."""
        return self._desks.attending.recover(request.args["camera"], self._order_of(request), request.who.user)

    def _order_of(self, request: Request) -> str:
        return f"{request.who.user}-{self._desks.context.now_ms()}-{next(self._shots)}"

    def _pictures(self, request: Request) -> Answer:
        name = request.args["camera"]
        if self._desks.context.camera(name) is None:
            raise NoSuchThing(f"there is no camera {name}")
        return {"pictures": picture_rows(self._catalogue, name, request.args.get("limit", 24))}

    def _orders(self, request: Request) -> Answer:
        given, received = self._desks.ordering.memory.rows(), self._desks.obeying.memory.rows()
        return {"node": self._desks.context.node.name, "given": given, "received": received}

    def _errand(self, request: Request) -> Answer:
        """Take the order; the verb `errand` tells how far it has come."""
        return self._desks.errands.order(request.verb, dict(request.args), request.who.user)

    def _errand_stop(self, request: Request) -> Answer:
        return self._desks.errands.end()

    def _pause(self, request: Request) -> Answer:
        self._override(request, PAUSE, request.args["until"], request.args["reason"])
        return {"camera": request.args["camera"], "until": request.args["until"].isoformat()}

    def _resume(self, request: Request) -> Answer:
        self._override(request, RESUME, None, "")
        return {"camera": request.args["camera"]}

    def _override(self, request: Request, what: str, until: datetime | None, why: str) -> None:
        context, camera = self._desks.context, request.args["camera"]
        if camera not in self._desks.shooting.posts:
            raise NoSuchThing(f"this node drives no camera {camera}")
        order = Override(
            camera=camera,
            at=context.now_ms(),
            what=what,
            who=request.who.user,
            until=None if until is None else milliseconds_of(until),
            why=why,
        )
        line = OverrideEntry(camera=camera, at=order.at, what=what, who=order.who, until=order.until, why=why)
        told = f"by {order.who}: {why}" if why else f"by {order.who}"
        self._desks.writer.write(
            [line], lambda: overrides.add(context.catalogue, order), then=lambda: context.tell(what, camera, told)
        )

    def _retry(self, request: Request) -> Answer:
        if "delivery" in request.args:
            count = deliveries.retry(self._catalogue, None, request.args["delivery"])
            self._desks.delivering.look(self._desks.delivering.stations)
            return {"deliveries": count}
        return {"deliveries": self._desks.delivering.retry(request.args["destination"])}

    def _prioritise(self, request: Request) -> Answer:
        wanted = request.args["class"]
        was = self._desks.delivering.prioritise(request.args["delivery"], deliveries.Priority[wanted.upper()])
        told = f"{was.name}: {was.priority.name.lower()} -> {wanted}, by {request.who.user}"
        self._desks.context.tell("delivery prioritised", was.destination, told)
        return {"delivery": was.id, "was": was.priority.name.lower(), "class": wanted}

    def _deliver_again(self, request: Request) -> Answer:
        """Take receipts back that an operator found untrue: line first, then the catalogue."""
        name, why = request.args["destination"], f"by {request.who.user}: {request.args['reason']}"
        context, done = self._desks.context, Disproved(self._desks.context, name, why)
        done.look(request.args["pictures"])
        self._desks.writer.write(done.lines, done.commit)
        self._desks.delivering.look([name])
        context.tell("delivered again", name, f"{len(done.lines)} receipts taken back {why}")
        return {"again": len(done.lines), "gone": done.gone, "unknown": done.unknown}

    def _audit(self, request: Request) -> Answer:
        """Look at copies; what came of it stands in the status document and among the events."""
        delivering, number = self._desks.delivering, request.args.get("delivery")
        if number is not None and not copies.is_copy(self._catalogue, number):
            return {"copies": 0}  # it was taken back, or replaced by a newer live picture, since somebody looked
        name = request.args["destination"] if number is None else deliveries.get(self._catalogue, number).destination
        count = delivering.audit(name, number)
        self._desks.context.tell("audit", name, f"{count} copies are looked at now, by {request.who.user}")
        return {"copies": count}

    def _charge(self, request: Request) -> Answer:
        """Count what a comparison by hand cost: it asks for no grant, so what comes next waits for it."""
        name, delivering = request.args["destination"], self._desks.delivering
        if name not in delivering.stations:
            raise NoSuchThing(f"there is no destination {name}; there are: {', '.join(delivering.stations) or 'none'}")
        delivering.linking.spent(delivering.stations[name].destination, "audit", request.args["bytes"])
        return {"destination": name}

    def _destination_pause(self, request: Request) -> Answer:
        name = request.args["destination"]
        until = request.args.get("until", self._desks.context.now() + FOREVER)
        self._desks.delivering.pause(name, until)
        self._desks.context.tell("destination paused", name, f"by {request.who.user}: {request.args['reason']}")
        return {"destination": name, "until": until.isoformat()}

    def _destination_resume(self, request: Request) -> Answer:
        name = request.args["destination"]
        self._desks.delivering.pause(name, None)
        self._desks.context.tell("destination resumed", name, f"by {request.who.user}")
        return {"destination": name}

    def _link_rung(self, request: Request) -> Answer:
        args, linking = request.args, self._desks.delivering.linking
        why = f"{args['reason']} ({request.who.user})"
        linking.order(args["link"], args["rung"], args["until"], why)
        return {"link": args["link"], "rung": args["rung"], "until": args["until"].isoformat()}

    def _link_release(self, request: Request) -> Answer:
        self._desks.delivering.linking.release(request.args["link"])
        return {"link": request.args["link"]}

    def _note(self, request: Request) -> Answer:
        """Note who is at a problem; the document carries it to the hub, and that tells Nagios and Icinga 2."""
        desks, args = self._desks, request.args
        node, verdicts = args.get("node", desks.context.node.name), desks.reporting.document().get("verdicts", [])
        return desks.noted.add(args["service"], node, request.who.user, args["reason"], verdicts, args.get("until"))

    def _acknowledge(self, request: Request) -> Answer:
        self._desks.context.tell(
            "loss acknowledged",
            self._desks.context.node.name,
            f"by {request.who.user}: {request.args.get('reason', '')}",
        )
        return {}

    def _reload(self, request: Request) -> None:
        self._reread(Reload(request.reply))

    def _retention_apply(self, request: Request) -> Answer:
        """Delete what the plan names, an implausibly large one among them; with a digest only that very plan."""
        context, wanted = self._desks.context, request.args.get("plan")
        outlook = self._desks.retaining.plan()
        if wanted is not None and wanted != outlook.digest:
            raise OverlapseError(
                f"nothing was deleted: plan {wanted} is not the plan any more; look at it again with "
                "`overlapse retention --dry-run`"
            )
        if outlook.confirmed is not None:
            states.put(self._catalogue, CONFIRMED, milliseconds_of(context.now() + CONFIRMED_FOR))
        done = self._desks.retaining.carry_out()
        return {"gone": len(done.gone), "left": done.left, "freed": done.freed}

    def _thin_allow(self, request: Request) -> Answer:
        """Let the loss that was announced, or is announced by this, go on at once until then, and wait again after."""
        context, until = self._desks.context, request.args["until"]
        if until <= context.now():
            raise BadRequest("until: it is past already")
        if states.get(self._catalogue, ANNOUNCED) is None:
            states.put(self._catalogue, ANNOUNCED, context.now_ms())
        states.put(self._catalogue, ALLOWED, milliseconds_of(until))
        told = f"until {show_instant(until)} by {request.who.user}: {request.args['reason']}"
        context.tell("thinning allowed", context.node.name, told)
        self._desks.retaining.look()
        return {"until": until.isoformat()}

    def _stop_node(self, request: Request) -> Answer:
        self._desks.context.tell("stop", self._desks.context.node.name, f"by {request.who.user}")
        self._stop(False)
        return {}

    def _restart_node(self, request: Request) -> Answer:
        self._desks.context.tell("restart", self._desks.context.node.name, f"by {request.who.user}")
        self._stop(True)
        return {}


def _who(request: Request) -> Answer:
    may = [verb.name for verb in VERBS.values() if request.who.role >= verb.role]
    return {"user": request.who.user, "role": request.who.role.word, "verbs": may}
