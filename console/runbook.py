"""What to do about an alarm: likely cause, safe steps, their price, whether somebody must go there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """About one kind of alarm. `steps`: (what to do, what it costs)."""

    cause: str
    steps: tuple[tuple[str, str], ...]
    visit: str


BOOK = {
    "camera": Advice(
        "battery or mains of the camera, its cable, a hung body, a full card, a lens that finds no focus",
        (
            ("look at the causes and the telemetry on the camera's screen", "nothing"),
            ("wait one slot: the recovery ladder goes on by itself, to power where it can switch it", "one slot"),
            ("take one shot now (c): its error tells more than a slot's", "one picture on the link"),
            ("pause it with an end (p) while somebody works there: its slots are excused", "the slots until then"),
        ),
        "when power does not come back, the lens is dirty or has moved, or the card is full",
    ),
    "transfer": Advice(
        "the destination is down or full, its password or host key has changed, or the link is too slow for the day",
        (
            ("read the error in words on the destination's screen", "nothing"),
            ("try again now (t) once the other end is mended", "one attempt, some kB"),
            (
                "set a lower rung (l) when a day does not fit: the table there says what each one carries",
                "later pictures",
            ),
            ("pause a destination (p) that is under repair: pictures queue, nothing is lost", "buffer"),
        ),
        "no: nothing is lost while the buffer lasts; look at its days",
    ),
    "link": Advice(
        "no coverage, a SIM without credit, the month's budget, a modem that hangs",
        (
            ("see whether other nodes on this network are silent, too", "nothing"),
            ("look at the month: at its end the rung goes down by itself", "nothing"),
            ("set the rung to status (l) to keep the last bytes for what matters", "pictures wait"),
        ),
        "when the modem needs its power cut and nothing there can do that",
    ),
    "storage": Advice(
        "pictures are not delivered and pile up, a disk fails, or something else fills the file system",
        (
            ("see what goes next and why on the storage screen", "nothing"),
            ("mend deliveries first: what is proven makes room by itself", "bytes on the link"),
            ("acknowledge an announced loss (:acknowledge-announce): it changes no date", "nothing"),
        ),
        "when a disk or a RAID is degraded: before the next one fails",
    ),
    "redundancy": Advice(
        "a node that owns a camera is silent, a backup cannot take over, or the engine is not reached",
        (
            ("see on the redundancy screen who holds what and what the backup lacks", "nothing"),
            ("leave owners alone while the engine is away: they go on shooting", "nothing"),
        ),
        "no",
    ),
    "nas": Advice(
        "a disk of the NAS or its volume is degraded or full, or it does not answer",
        (
            ("read on the NAS itself which disk it is", "nothing"),
            ("pause its destination (p) while it is repaired: pictures queue", "buffer"),
        ),
        "to change a disk: before the next one fails",
    ),
    "firewall": Advice(
        "a rule was changed, the tunnel is down, or the firewall itself has no power",
        (
            ("see which flow is not as site.toml expects it", "nothing"),
            ("have whoever keeps the firewall undo the last change", "nothing"),
        ),
        "when it has no power, or no way in is left",
    ),
    "node": Advice(
        "power, the link, a clock that is not trusted, a worker that is stuck, or the program has ended",
        (
            ("silent is not down: its buffer goes on; look at how many days it holds", "nothing"),
            ("read the events of the last hour", "some kB"),
            ("order a restart (:restart) when a worker is stuck for long", "slots of about a minute"),
        ),
        "when it is silent for longer than its buffer lasts less the way there",
    ),
}
NOT_KNOWN = Advice("not known", (("read the line of the check, and the events", "nothing"),), "not known")


def advice(check: str) -> Advice:
    """Return what is known about alarms of a check."""
    return BOOK.get(check, NOT_KNOWN)
