"""Receipts: only these make a delivery proven, and triggers then count down what is pending for its picture."""

from __future__ import annotations

from dataclasses import dataclass

from core.catalogue import standins
from core.catalogue.deliveries import Delivery, Priority, get
from core.catalogue.store import Catalogue
from core.errors import ObjectDiffers
from core.values import Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The proof that a copy is whole at a destination under its name."""

    destination: str
    rendition: str
    remote: str
    required: bool
    level: int
    size: int
    sha256: Sha256
    at: int  # milliseconds since the epoch


def prove(catalogue: Catalogue, number: int, level: int, size: int, sha256: Sha256, at: int) -> bool:
    """Write down a receipt (`at` in milliseconds); return whether the delivery is now proven at the wanted level.

    A weaker receipt than is wanted leaves it sent; a stronger one than is there replaces it. Raise ObjectDiffers
    when the receipt is for other bytes, NoSuchThing when the delivery was withdrawn.
    """
    delivery = get(catalogue, number)
    expected = (delivery.size or size, delivery.sha256 or sha256)
    if expected != (size, sha256):
        raise ObjectDiffers(f"{delivery.remote}: the receipt is for other bytes than were sent")
    with catalogue.transaction():
        receipt = {"delivery": number, "level": level, "size": size, "sha256": bytes.fromhex(sha256), "at": at}
        catalogue.insert("receipt", receipt, _STRONGER)
        enough = level >= delivery.level or delivery.state == "proven"
        catalogue.run(
            "UPDATE delivery SET state = ?, size = ?, offset = ?, resume = NULL, next_try = 0, error = NULL, "
            "message = NULL, transient = NULL WHERE id = ?",
            ("proven" if enough else "sent", size, size, number),
        )
        if delivery.rendition:
            catalogue.run("UPDATE delivery SET sha256 = ? WHERE id = ?", (bytes.fromhex(sha256), number))
        if enough:
            standins.settle(catalogue, delivery)
        if enough and delivery.priority == Priority.LIVE:
            _forget_older_live(catalogue, delivery)
    return enough


_STRONGER = (
    "ON CONFLICT DO UPDATE SET level = excluded.level, size = excluded.size, sha256 = excluded.sha256, "
    "at = excluded.at, sum = excluded.sum WHERE excluded.level > level"
)


def _forget_older_live(catalogue: Catalogue, delivery: Delivery) -> None:
    """Drop what a newer picture under the same name made untrue."""
    catalogue.run(
        "DELETE FROM delivery WHERE destination = ? AND remote = ? AND priority = 1 AND at < ? AND state <> 'sending'",
        (delivery.destination, delivery.remote, delivery.at),
    )


ALTERED = ObjectDiffers.__name__
BEGUN = b""  # a resume state that begins anew, and says that what lies there is ours to replace


def disprove(catalogue: Catalogue, number: int, error: str, message: str) -> bool:
    """Take a receipt back, because the copy was found missing or altered; return whether it is delivered again.

    It is queued anew from its first byte; of a picture that has left this node there is nothing to send, and the
    delivery goes. One that has no receipt is left as it is.
    """
    with catalogue.transaction():
        if catalogue.run("DELETE FROM receipt WHERE delivery = ?", (number,)) == 0:
            return False
        gone = "DELETE FROM delivery WHERE id = ? AND (SELECT p.gone FROM picture p WHERE p.id = picture) <> 0"
        if catalogue.run(gone, (number,)):
            return False
        catalogue.run(
            "UPDATE delivery SET state = 'queued', offset = 0, resume = ?, attempts = 0, next_try = 0, "
            "error = ?, message = ?, transient = 1 WHERE id = ?",
            (BEGUN if error == ALTERED else None, error, message, number),
        )
    return True


def of_picture(catalogue: Catalogue, picture: int) -> list[Receipt]:
    """Return the receipts of a picture and its renditions: where its copies are."""
    rows = catalogue.rows(
        "SELECT d.destination, d.rendition, d.remote, d.required, r.level, r.size, r.sha256, r.at "
        "FROM delivery d JOIN receipt r ON r.delivery = d.id WHERE d.picture = ? "
        "ORDER BY d.rendition, d.destination, d.remote",
        (picture,),
    )
    return [
        Receipt(**{**dict(row), "required": bool(row["required"]), "sha256": Sha256(row["sha256"].hex())})
        for row in rows
    ]
