"""What a link carries, measured while it is busy: bytes of files a second, headers not counted. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field

SAMPLE = 30.0  # busy seconds that make one sample
KEPT = 60  # samples


@dataclass
class Goodput:
    """Samples of what was carried in the time in which at least one granted chunk was on its way."""

    samples: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    _out: dict[Hashable, int] = field(default_factory=dict)
    _since: float = 0.0  # monotonic: from when the busy time is not yet counted
    _busy: float = 0.0
    _moved: int = 0

    def given(self, who: Hashable, size: int, now: float) -> None:
        """Note that a transfer may send `size` bytes from now on."""
        if not self._out:
            self._since = now
        self._out[who] = size

    def came(self, who: Hashable, now: float, whole: bool = True) -> None:
        """Note that a transfer sent what it was given, or ended without."""
        size = self._out.pop(who, None)
        if size is None:
            return
        self._moved += size if whole else 0
        self._busy += now - self._since
        self._since = now
        if self._busy >= SAMPLE:
            self.samples.append(self._moved / self._busy)
            self._busy, self._moved = 0.0, 0
