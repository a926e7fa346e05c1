"""What is staged and what it comes to; and the nodes to choose a backup from, with what speaks against each."""

from __future__ import annotations

from datetime import datetime

from console.feed.snapshot import Answer, Json, Snapshot
from console.pages import say
from console.pages.facts import fact
from console.pages.redundancy import assigned
from console.pages.servers import load_lines
from console.widgets.looks import Text
from console.widgets.table import Column, Row

COLUMNS = (
    Column(key="fit", label="FIT", width=4),
    Column(key="node", label="BACKUP", width=14),
    Column(key="now", label="NOW", width=4, right=True),
    Column(key="worst", label="AT WORST", width=9, right=True),
    Column(key="cpu", label="CPU", width=5, right=True, from_width=60),
    Column(key="why", label="WHY NOT, AND WHAT TO KNOW", width=4, grows=True),
)
FIELDS = ("node", "why", "kind", "fit")
NOBODY = "none"
PARTS = (("Change", "effects", "strong"), ("REFUSED", "refused", "crit"), ("Know", "warnings", "warn"))


def staged_of(snapshot: Snapshot, site: str) -> Json:
    """Return what is staged at a site; empty: nothing, as far as is known."""
    found: Json = assigned(snapshot, site).get("staged") or {}
    return found


def heading(snapshot: Snapshot) -> Text:
    """Return in one line what is staged anywhere; "": nothing."""
    for view in snapshot.sites:
        if found := staged_of(snapshot, view.site):
            count, until = len(found.get("effects", ())), say.clock(found.get("until"), snapshot.at)
            return (f"* STAGED until {until}: {count} changes, see w", "warn")
    return ""


def lines(found: Json, now: datetime) -> list[Text]:
    """Return what is staged, and what it comes to when it is applied."""
    if not found:
        return ["Nothing is staged. b on a camera or a server, and the switches of a server, stage edits."]
    made: list[Text] = [[("Staged", "strong"), f" by {found.get('by')}, until {say.clock(found.get('until'), now)}"]]
    for name, key, look in (*PARTS, ("Failure", "dark", "plain")):
        made += [line for text in found.get(key, ()) for line in fact(name, (str(text), look))]
    for load in found.get("load", ()):
        made += ["", [(str(load.get("node")), "strong")], *load_lines(load)]
    return made


def switch(found: Json, node: str, key: str, now: bool) -> bool:
    """Return how a switch of a node would be: as what is staged makes it, else as it is now."""
    return bool(((found.get("nodes") or {}).get(node) or {}).get(key, now))


def brief(found: Json, most: int = 300) -> str:
    """Return what is staged in a sentence that fits on the page before it is applied."""
    said = "; ".join(str(text) for _, key, _ in PARTS for text in found.get(key, ()))
    return said if len(said) <= most else f"{said[:most]}... ({len(found.get('effects', ()))} changes in all)"


def candidates(answer: Answer | None) -> list[tuple[Row, dict[str, str]]]:
    """Return the nodes to choose from, those that are fit first, and at the end nobody."""
    if answer is None or not answer.said:
        return []
    none: dict[str, Text] = {"fit": "yes", "node": NOBODY, "why": "nobody shoots them when their primary fails"}
    rows = [_candidate(one) for one in answer.said.get("nodes", [])]
    return [*rows, (Row(NOBODY, none), {"node": NOBODY, "fit": "yes"})]


def _candidate(one: Json) -> tuple[Row, dict[str, str]]:
    fit, worst = bool(one.get("fit")), (one.get("load") or {}).get("worst") or {}
    plain = {"node": str(one.get("node")), "kind": str(one.get("kind")), "fit": "yes" if fit else "no"}
    plain |= {"why": "; ".join(map(str, one.get("refused") or one.get("warnings") or ()))}
    cells: dict[str, Text] = {key: plain[key] for key in ("node", "why")}
    cells |= {"fit": "yes" if fit else ("NO", "bad"), "now": str(one.get("now") or "-")}
    cells |= {"worst": f"{worst['cameras']} cams", "cpu": f"{worst['cpu_share']:.0%}"} if worst else {}
    return Row(plain["node"], cells), plain


def against(answer: Answer | None, node: str) -> list[Text]:
    """Return all that speaks against a node, and what is to be known of it; empty: it is fit."""
    found = [] if answer is None else answer.said.get("nodes", [])
    one = next((each for each in found if each.get("node") == node and not each.get("fit")), None)
    if one is None:
        return []
    head: list[Text] = [(f"{node} cannot stand by for them:", "strong")]
    said = [("Because", key) for key in one.get("refused", ())] + [("Know", key) for key in one.get("warnings", ())]
    return [*head, *(line for name, text in said for line in fact(name, str(text)))]
