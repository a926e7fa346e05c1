"""What is decoded is as small as the renditions allow, and no smaller."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from core.processing.decode import PillowDecoder, Pyramid, StrictDecoder, read_header, strict_is_installed
from core.processing.plan import MARGIN, View, aim, needed, plan_decode, scale_for
from core.processing.steps import render
from core.processing.wire import Crop, Facts, Legend, Order, Resize, Rotate, Verb

Studio = Any
D = (5184, 3456)
TEXT = Legend("x", "bottom", 0, 20, None, False, False, "#ffffff")


def order(*steps: Verb) -> Order:
    return Order("web", steps, 85, "4:2:0", False)


@pytest.mark.parametrize(
    ("steps", "scale"),
    [
        pytest.param((Resize(1920, 1280, "fit"),), 2, id="live-picture"),
        pytest.param((Resize(640, 427, "fit"),), 4, id="small"),
        pytest.param((Resize(320, 320, "fit"),), 8, id="thumbnail"),
        pytest.param((Resize(4000, 3000, "fit"),), 1, id="nearly-full-size"),
        pytest.param((), 1, id="no-step-at-all"),
        pytest.param((Crop(48, 32, 5088, 3392),), 1, id="full-size-crop"),
        pytest.param((TEXT, Resize(640, 427, "fit")), 1, id="an-overlay-before-the-resize"),
        pytest.param((Crop(0, 0, 1300, 900), Resize(640, 427, "fit")), 1, id="a-small-part"),
        pytest.param((Crop(0, 0, 3456, 3456), Rotate(90), Resize(640, 640, "fill"), TEXT), 4, id="cut-and-turned"),
        pytest.param((Resize(640, 10_000, "fit"),), 4, id="bound-by-its-width"),
        pytest.param((Resize(320, 1728, "exact"),), 1, id="distorted-needs-its-larger-side"),
    ],
)
def test_one_recipe_is_decoded_at_the_scale_it_needs(steps: tuple[Verb, ...], scale: int) -> None:
    assert needed(*D, steps) == scale


def test_one_decode_serves_the_most_demanding_recipe() -> None:
    small, live, full = order(Resize(640, 427, "fit")), order(Resize(1920, 1280, "fit")), order()
    assert plan_decode(*D, [small]) == 4
    assert plan_decode(*D, [small, live]) == 2
    assert plan_decode(*D, [live, full, small]) == 1


def test_nothing_asked_is_decoded_at_an_eighth_for_the_verdict() -> None:
    assert plan_decode(*D, []) == 8


def test_a_recipe_that_cannot_be_made_asks_for_nothing() -> None:
    assert plan_decode(*D, [order(Crop(6000, 0, 10, 10)), order(Resize(640, 427, "fit"))]) == 4


def test_the_margin_is_kept_exactly() -> None:
    assert scale_for((2600, 2600), (1000, 1000)) == 2
    assert scale_for((2599, 2599), (1000, 1000)) == 1
    assert pytest.approx(1.3) == MARGIN


def test_four_quarter_turns_are_none() -> None:
    view = View(0, 0, 800, 600)
    for _ in range(4):
        view = view.rotate(90)
    assert view == View(0, 0, 800, 600)


def test_fill_takes_the_middle_of_the_shape_it_needs() -> None:
    assert aim(View(0, 0, 900, 300), Resize(100, 100, "fill")) == (View(300, 0, 300, 300), (100, 100))


def ssim(one: Image.Image, other: Image.Image) -> float:
    """Return the mean structural similarity of two grey pictures over windows of 7x7 (Wang et al., 2004)."""
    a, b = one.convert("L"), other.convert("L")
    total, count = 0.0, 0
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    for x in range(0, a.width - 7, 14):
        for y in range(0, a.height - 7, 14):
            box = (x, y, x + 7, y + 7)
            first, second = ImageStat.Stat(a.crop(box)), ImageStat.Stat(b.crop(box))
            pairs = zip(a.crop(box).tobytes(), b.crop(box).tobytes(), strict=True)
            ma, mb = first.mean[0], second.mean[0]
            covariance = sum(p * q for p, q in pairs) / 49 - ma * mb
            top = (2 * ma * mb + c1) * (2 * covariance + c2)
            total += top / ((ma * ma + mb * mb + c1) * (first.var[0] + second.var[0] + c2))
            count += 1
    return total / count


DECODERS = ["pillow", "strict"] if strict_is_installed() else ["pillow"]


@pytest.mark.parametrize("width", [923, 893, 700, 461, 445, 398, 230, 150])
@pytest.mark.parametrize("decoder", DECODERS)
def test_a_scaled_decode_looks_like_a_full_one(studio: Studio, width: int, decoder: str) -> None:
    """Sound shortcuts keep an SSIM of 0.985 to LANCZOS of the full decode, at every scale and just past each margin."""
    data = studio.jpeg(studio.photo(2400, 1600), quality=92, subsampling="4:2:2")
    height = round(width / 1.5)
    with Image.open(io.BytesIO(data)) as whole:
        expected = whole.resize((width, height), Image.Resampling.LANCZOS)
    verb = Resize(width, height, "exact")
    scale = needed(2400, 1600, [verb])
    chosen = PillowDecoder() if decoder == "pillow" else StrictDecoder()
    pixels = chosen.decode(read_header(data), data, scale)
    made = render(Pyramid(pixels, scale, 2400, 1600), order(verb), Facts("c", "s", 0, "UTC"), studio.folder)
    assert ssim(expected, made) >= 0.985
    from_full = PillowDecoder().decode(read_header(data), data, 1)
    shared = render(Pyramid(from_full, 1, 2400, 1600), order(verb), Facts("c", "s", 0, "UTC"), studio.folder)
    assert ssim(expected, shared) >= 0.985


def test_the_similarity_tells_unsound_shortcuts_from_sound_ones(studio: Studio) -> None:
    photo = studio.photo(1200, 800)
    expected = photo.resize((450, 300), Image.Resampling.LANCZOS)
    assert ssim(expected, expected) == pytest.approx(1.0)
    assert ssim(expected, photo.resize((450, 300), Image.Resampling.NEAREST)) < 0.985
    assert ssim(expected, photo.reduce(4).resize((450, 300), Image.Resampling.BICUBIC)) < 0.985
    assert ssim(expected, ImageChops.offset(expected, 1, 0)) < 0.985
