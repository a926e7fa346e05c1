"""Which part of a picture a recipe needs, and how small it may be decoded: arithmetic only.

A JPEG can be decoded at 1/2, 1/4 or 1/8 in its transform, for less than the whole costs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from core.processing.wire import Crop, Order, Resize, Rotate, Verb

SCALES = (8, 4, 2)
MARGIN = 1.3
"""A decode at 1/s may feed an output smaller by s x MARGIN: nearer to s it falls below SSIM 0.985 of a full decode."""

Size = tuple[int, int]


class View(NamedTuple):
    """A box of the picture in its own pixels, and by how many quarter turns clockwise it is seen turned."""

    x: int
    y: int
    width: int
    height: int
    turns: int = 0

    @property
    def size(self) -> Size:
        """Width and height as seen."""
        return self.turned((self.width, self.height))

    def turned(self, size: Size) -> Size:
        """Return a size as seen from one in the picture's own pixels, and the other way round."""
        return (size[1], size[0]) if self.turns % 2 else size

    def rotate(self, degrees: int) -> View:
        """Return the view turned clockwise."""
        return self._replace(turns=(self.turns + degrees // 90) % 4)

    def crop(self, box: Crop) -> View:
        """Return what of `box`, in pixels as seen, lies inside the view; raise ValueError when nothing does."""
        width, height = self.size
        left, top = min(max(box.x, 0), width), min(max(box.y, 0), height)
        right, bottom = min(box.x + box.width, width), min(box.y + box.height, height)
        if right <= left or bottom <= top:
            raise ValueError(f"the crop lies outside the picture of {width}x{height}")
        return self._inside(left, top, right - left, bottom - top)

    def _inside(self, x: int, y: int, width: int, height: int) -> View:
        """Turn a box as seen back to where it lies in the picture."""
        seen_width, seen_height = self.size
        x, y = (
            (x, y),
            (y, seen_width - x - width),
            (seen_width - x - width, seen_height - y - height),
            (seen_height - y - height, x),
        )[self.turns]
        return View(self.x + x, self.y + y, *self.turned((width, height)), self.turns)


def aim(view: View, step: Resize) -> tuple[View, Size]:
    """Return the part of `view` that `step` shows and the size, as seen, that it is shown at."""
    width, height = view.size
    if step.mode == "exact":
        return view, (step.width, step.height)
    if step.mode == "fit":
        factor = max(width / step.width, height / step.height, 1.0)
        return view, (max(1, round(width / factor)), max(1, round(height / factor)))
    factor = min(width / step.width, height / step.height)
    kept_width, kept_height = max(1, round(step.width * factor)), max(1, round(step.height * factor))
    middle = Crop((width - kept_width) // 2, (height - kept_height) // 2, kept_width, kept_height)
    return view.crop(middle), (step.width, step.height)


def scale_for(shown: Size, size: Size) -> int:
    """Return the s of the smallest decode, 1/s, that is good enough to bring `shown` to `size`."""
    factor = min(shown[0] / size[0], shown[1] / size[1])
    return next((scale for scale in SCALES if factor >= scale * MARGIN), 1)


def needed(width: int, height: int, steps: Iterable[Verb]) -> int:
    """Return the s at which a picture of this size may be decoded for `steps`: 1 unless a resize comes in time."""
    view = View(0, 0, width, height)
    for step in steps:
        if isinstance(step, Crop):
            view = view.crop(step)
        elif isinstance(step, Rotate):
            view = view.rotate(step.degrees)
        elif isinstance(step, Resize):
            view, size = aim(view, step)
            return scale_for(view.size, size)
        else:
            return 1
    return 1


def plan_decode(width: int, height: int, recipes: Iterable[Order]) -> int:
    """Return the s of the one decode, 1/s, that serves all `recipes`; a recipe that cannot be made asks nothing."""
    return min((_wanted(width, height, recipe) for recipe in recipes), default=SCALES[0])


def _wanted(width: int, height: int, recipe: Order) -> int:
    try:
        return needed(width, height, recipe.steps)
    except ValueError:
        return SCALES[0]
