"""What a picture looks like, in a few numbers: enough to see a dark, blurred, frozen or moved view."""

from __future__ import annotations

from base64 import b64encode
from zlib import crc32

from PIL import Image, ImageFilter, ImageStat

Statistics = dict[str, float | str]

HASH_SIDE = 8
COLUMN = 16  # colours of a column
ACROSS = 4  # zones across and down
BLACK, WHITE = 16, 239  # luminance up to which, and above which, a pixel shows nothing
FLAT = 3  # luminance by which a zone varies at most that shows nothing: a blown-out sky, a night
LAPLACE = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)


def statistics(image: Image.Image) -> Statistics:
    """Return the view statistics of a picture decoded at 1/8.

    `mean` luminance and `contrast` (its standard deviation), 0 to 255; `sharpness`, the standard deviation of its
    Laplacian; `hash`, 64 bits in hexadecimal that say where an 8x8 reduction grows brighter to the right: a small
    Hamming distance means the same view; `dark` and `bright`, the shares of pixels that show nothing; `zones`, four
    hexadecimal digits each for 4x4 zones, which tell whether every pixel of it is the same as in another picture: what
    a sensor sees never is. 0000: a zone with nothing in it.
    """
    grey = image.convert("L") if image.mode != "RGBX" else image.convert("RGB").convert("L")
    light = ImageStat.Stat(grey)
    edges = ImageStat.Stat(_inner(grey.filter(LAPLACE)))
    counts, pixels = grey.histogram(), max(1, grey.width * grey.height)
    return {
        "mean": round(light.mean[0], 1),
        "contrast": round(light.stddev[0], 1),
        "sharpness": round(edges.stddev[0], 2),
        "hash": difference_hash(grey),
        "dark": round(sum(counts[: BLACK + 1]) / pixels, 3),
        "bright": round(sum(counts[WHITE + 1 :]) / pixels, 3),
        "zones": zones(grey),
    }


def zones(grey: Image.Image) -> str:
    """Return the sums of a grey picture's 4x4 zones, row by row; one that is smaller than that has none."""
    width, height = grey.width // ACROSS, grey.height // ACROSS
    if not width or not height:
        return ""
    return "".join(
        _zone(grey.crop((x * width, y * height, (x + 1) * width, (y + 1) * height)))
        for y in range(ACROSS)
        for x in range(ACROSS)
    )


def _zone(part: Image.Image) -> str:
    low, high = part.getextrema()
    if float(high) - float(low) <= FLAT:  # type: ignore[arg-type]  # of a grey picture two numbers
        return "0000"
    return f"{max(1, crc32(part.tobytes()) & 0xFFFF):04x}"


def column(image: Image.Image) -> str:
    """Return the picture as one column of COLUMN colours, from top to bottom: bytes of RGB in base64.

    A day of them side by side is a keogram: it shows light, weather and nights at a glance, for a few bytes each.
    """
    rgb = image if image.mode == "RGB" else image.convert("RGB")
    return b64encode(rgb.resize((1, COLUMN), Image.Resampling.BOX).tobytes()).decode()


def _inner(image: Image.Image) -> Image.Image:
    """Cut off the border, which a kernel leaves as it was; a picture of two pixels or fewer is all border."""
    if min(image.size) <= 2:
        return image
    return image.crop((1, 1, image.width - 1, image.height - 1))


def difference_hash(grey: Image.Image) -> str:
    """Return the 8x8 difference hash of a grey picture as 16 hexadecimal digits, row by row."""
    small = grey.resize((HASH_SIDE + 1, HASH_SIDE), Image.Resampling.BOX).tobytes()
    bits = 0
    for row in range(HASH_SIDE):
        for column in range(HASH_SIDE):
            at = row * (HASH_SIDE + 1) + column
            bits = bits << 1 | (small[at] < small[at + 1])
    return f"{bits:016x}"
