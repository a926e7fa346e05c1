"""Make a rendition: the verbs of a recipe in the order listed, on one decoded picture."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from core.errors import ConfigurationError
from core.processing.decode import Pyramid
from core.processing.legend import legend, watermark
from core.processing.plan import Size, View, aim, scale_for
from core.processing.wire import Crop, Facts, Legend, Order, Resize, Rotate, Verb, Watermark

SMOOTH = 1.34
"""From this much smaller on a cheaper filter will do for a decode at 1/1 or 1/2: SSIM over 0.985, 0.6 of the cost."""

TURNS = (
    None,
    Image.Transpose.ROTATE_270,  # Pillow counts counter-clockwise
    Image.Transpose.ROTATE_180,
    Image.Transpose.ROTATE_90,
)


def _filter(scale: int, ratio: float) -> Image.Resampling:
    """Return the cheapest sound filter for a picture decoded at 1/`scale` and to be made smaller by `ratio`."""
    sound = scale <= 2 and ratio >= SMOOTH
    return Image.Resampling.HAMMING if sound else Image.Resampling.BICUBIC


class Canvas:
    """The picture on its way through a recipe.

    Crops and turns only move the view; pixels are made by a resize, an overlay or the end, and the picture that all
    recipes share is never altered.
    """

    def __init__(self, pyramid: Pyramid, facts: Facts, base: Path) -> None:
        self._pyramid, self._facts, self._base = pyramid, facts, base
        self._view = View(0, 0, pyramid.width, pyramid.height)
        self._ours = False

    def apply(self, step: Verb) -> None:
        """Do one step; raise ConfigurationError when this picture, or a file it needs, does not allow it."""
        if isinstance(step, Crop):
            self._view = self._crop(step)
        elif isinstance(step, Rotate):
            self._view = self._view.rotate(step.degrees)
        elif isinstance(step, Resize):
            self._resize(step)
        elif isinstance(step, Watermark):
            watermark(self._drawable(), step, self._base)
        elif isinstance(step, Legend):
            legend(self._drawable(), step, self._facts, self._base)

    def image(self) -> Image.Image:
        """Return the picture as it is now."""
        base, view = self._pyramid.level(1), self._view
        box = (view.x, view.y, view.x + view.width, view.y + view.height)
        return self._turned(base if box == (0, 0, *base.size) else base.crop(box))

    def _crop(self, step: Crop) -> View:
        try:
            return self._view.crop(step)
        except ValueError as error:
            raise ConfigurationError(str(error)) from error

    def _resize(self, step: Resize) -> None:
        self._view, size = aim(self._view, step)
        if size != self._view.size or self._pyramid.scale > 1:
            self._take(self._turned(self._scaled(size)))

    def _scaled(self, size: Size) -> Image.Image:
        view = self._view
        by = max(self._pyramid.scale, scale_for(view.size, size))
        box = (view.x / by, view.y / by, (view.x + view.width) / by, (view.y + view.height) / by)
        target = view.turned(size)
        ratio = min((box[2] - box[0]) / target[0], (box[3] - box[1]) / target[1])
        return self._pyramid.level(by).resize(target, _filter(by, ratio), box=box)

    def _turned(self, image: Image.Image) -> Image.Image:
        turn = TURNS[self._view.turns]
        return image if turn is None else image.transpose(turn)

    def _drawable(self) -> Image.Image:
        image = self.image()
        if image is self._pyramid.level(1) and not self._ours:
            image = image.copy()
        self._take(image)
        return image

    def _take(self, image: Image.Image) -> None:
        self._pyramid, self._ours = Pyramid.of(image), True
        self._view = View(0, 0, image.width, image.height)


def render(pyramid: Pyramid, order: Order, facts: Facts, base: Path) -> Image.Image:
    """Return the rendition that `order` asks for; raise ConfigurationError when it cannot be made of this picture."""
    canvas = Canvas(pyramid, facts, base)
    for step in order.steps:
        canvas.apply(step)
    return canvas.image()
