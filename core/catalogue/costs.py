"""What a shot of a camera weighs: bytes kept of it, and bytes sent."""

from __future__ import annotations

from core.catalogue.store import Catalogue


def per_shot(catalogue: Catalogue, camera: str, node: str, since: int) -> tuple[int, int]:
    """Return the bytes kept and the bytes sent for a shot of `camera` by `node`, of slots from `since` (seconds) on."""
    taken = "camera = ? AND node = ? AND at >= ?"
    found = catalogue.rows(
        f"SELECT COUNT(DISTINCT at) AS shots, COALESCE(SUM(size), 0) AS kept FROM picture WHERE {taken}",  # noqa: S608
        (camera, node, since),
    )[0]
    if not found["shots"]:
        return 0, 0
    sent = catalogue.value(
        "SELECT COALESCE(SUM(d.size), 0) FROM delivery d JOIN picture p ON p.id = d.picture "
        "WHERE p.camera = ? AND p.node = ? AND p.at >= ?",
        (camera, node, since),
    )
    return round(found["kept"] / found["shots"]), round(int(sent or 0) / found["shots"])
