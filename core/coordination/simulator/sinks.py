"""Where pictures go in a simulated fleet: a hub that takes them in, in any order, and live names that grow newer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from core.coordination.protocol.ingest import Ranks, admit, record_of
from core.coordination.protocol.records import CameraPlan
from core.errors import FenceRefused
from core.values import Fence, PictureName, utc


@dataclass(frozen=True, slots=True)
class HubRules:
    """The safeguards where pictures arrive, all of them on; switched off only to show what each is good for."""

    check_sink: bool = True  # R11: a live name refuses a stale owner
    by_fence: bool = True  # R11: the record picture goes by fence, and not by arrival
    own_names: bool = True  # S9: node and fence are in the name, so that no picture takes another's place


@dataclass
class Hub:
    """All that was ever shot, all that arrived, and the live picture of each camera."""

    plans: Mapping[str, CameraPlan]
    rules: HubRules
    shot: dict[tuple[str, float], list[PictureName]] = field(default_factory=lambda: defaultdict(list))
    arrived: dict[PictureName, PictureName] = field(default_factory=dict)  # name -> whose picture lies there
    records: dict[tuple[str, float], PictureName] = field(default_factory=dict)
    live: dict[str, Fence] = field(default_factory=dict)  # as the place itself keeps it
    highest: dict[str, Fence] = field(default_factory=dict)  # as it should be
    stale: list[str] = field(default_factory=list)  # what a live name took from an owner that was none any more

    def shoot(self, camera: str, slot: float, node: str, fence: Fence) -> PictureName:
        """Note a shot; return the picture's name."""
        name = PictureName(camera, utc(slot), node, fence, "jpg")
        self.shot[camera, slot].append(name)
        return name

    def write_live(self, name: PictureName) -> None:
        """Put a picture under its camera's live name, unless it is stale."""
        highest = max(self.highest.get(name.camera, name.fence), name.fence)
        if self.rules.check_sink:
            try:
                self.live = admit(self.live, name.camera, name.fence)
            except FenceRefused:
                return
        if name.fence < highest:
            self.stale.append(f"{name.camera}: live took {name.fence} after {highest}")
        self.highest[name.camera] = highest

    def take_in(self, name: PictureName, slot: float) -> None:
        """Take a picture in, and choose the record picture of its slot anew."""
        place = name if self.rules.own_names else PictureName(name.camera, name.at, "x", Fence(0, 0), "jpg")
        self.arrived[place] = name
        held = self.records.get((name.camera, slot))
        if held is None or not self.rules.by_fence:
            self.records[name.camera, slot] = name
        else:
            self.records[name.camera, slot] = record_of((held, name), self.ranks(name.camera))

    def ranks(self, camera: str) -> Ranks:
        """Return the order of a camera's nodes."""
        return Ranks(self.plans[camera].candidates)

    def missing(self) -> Iterator[PictureName]:
        """Yield what was shot and is not there under its name."""
        there = set(self.arrived.values())
        for names in self.shot.values():
            yield from (name for name in names if name not in there)

    def wrong(self) -> Iterator[str]:
        """Yield the slots whose record picture is not the one that the rule names."""
        for (camera, slot), names in self.shot.items():
            record, wanted = self.records.get((camera, slot)), record_of(names, self.ranks(camera))
            if record != wanted:
                yield f"{camera}: slot {slot:.0f} has {record} for its record and not {wanted}"
