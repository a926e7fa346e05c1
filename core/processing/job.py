"""The resident image child: one job a picture, one decode for its verdict, statistics and all renditions."""

from __future__ import annotations

import io
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from core.errors import ChildError, ConfigurationError, PictureBroken, StorageError
from core.processing.decode import (
    MAX_PIXELS,
    Decoder,
    PillowDecoder,
    Pyramid,
    StrictDecoder,
    decode,
    read_header,
    strict_is_installed,
)
from core.processing.look import Statistics, column, statistics
from core.processing.plan import plan_decode
from core.processing.steps import render
from core.processing.store import keep, storage
from core.processing.wire import THUMBNAIL, Facts, Order, Resize, Rotate, order_from_json

if TYPE_CHECKING:
    from core.worker import Talk

Json = dict[str, Any]

MEMORY = 1_500_000_000  # bytes of address space: 200 megapixels at full size take 800 MB
CPU = 120  # seconds for one job; the slowest unit needs five for 24 megapixels
MEMORY_SPENT = "it needs more memory than an image child may have"
NO_PREVIEW = "this RAW has no preview that can be found to make it from"
SEGMENT = 65_527  # bytes of an EXIF block that one segment of a JPEG holds beside its length and its word
EXIF_WORD = b"Exif\0\0"
FEW = 80  # pixels that are left of a picture decoded at 1/8, for which it is
SMALL = Order(THUMBNAIL, (Resize(320, 320, "fit"),), 70, "4:2:0", False)


class Job(NamedTuple):
    """One picture and what is asked of it: also its `column` in the strip of a day, and a sidecar of its `shot`."""

    path: Path
    raw: bool
    orders: tuple[Order, ...]
    out: Path
    stem: str
    facts: Facts
    base: Path
    max_pixels: int
    column: bool
    shot: Json | None


class Picture(NamedTuple):
    """A picture that was decoded whole."""

    pyramid: Pyramid
    exif: bytes | None
    icc: bytes | None


class Checked(NamedTuple):
    """The bytes of a JPEG, those of a RAW's preview, or None when there are none; and what could not be checked."""

    data: bytes | None
    note: str = ""


class ImageService:
    """Serves `process`, `preview`: a picture for a terminal, and `page`: the files of a web page.

    `strict`: decode by simplejpeg, default when it is installed; `confine`: limit the process; `decoder`: another one.
    """

    def __init__(self, strict: bool | None = None, confine: bool = True, decoder: Decoder | None = None) -> None:
        self._strict, self._confine, self._decoder = strict, confine, decoder

    def handle(self, op: str, args: Json, talk: Talk | None = None) -> Json:
        """Do one job; raise OriginalLost, StorageError, or ChildError for a request that is not understood."""
        if self._confine:
            _confine()
        if op == "page":
            from core.processing.page import make  # only a site with a web page pays for it

            return make(args)
        if op == "preview":
            return self._preview(args)
        if op != "process":
            raise ChildError(f"the image child does not know {op!r}")
        job = _job(args)
        try:
            checked = _check(job)
            picture = self._decode(job, checked.data) if checked.data is not None else None
        except PictureBroken as error:
            return _with_sidecar(job, _verdict("broken", str(error)), None)
        if picture is None:
            failed = [_failure(order.name, NO_PREVIEW) for order in job.orders if order.name != THUMBNAIL]
            return _with_sidecar(job, {**_verdict("whole", checked.note), "failed": failed}, None)
        return _with_sidecar(job, _process(job, picture), picture.exif)

    def close(self) -> None:
        """Hold nothing."""

    def _preview(self, args: Json) -> Json:
        """Return a picture for a terminal; raise PictureBroken, also for a RAW without a preview."""
        from core.processing.small import small  # only who looks pays for it

        data = _bytes(Path(args["path"]), args["kind"] == "raw").data
        if data is None:
            raise PictureBroken(NO_PREVIEW)
        header = read_header(data, MAX_PIXELS)
        width, height = header.size
        image = decode(self._chosen(), header, data, 8 if min(width, height) >= 8 * FEW else 1)
        return {
            **small(image, *(int(args[key]) for key in ("columns", "rows", "colours", "most"))),
            "size": [width, height],
        }

    def _decode(self, job: Job, data: bytes) -> Picture:
        header = read_header(data, job.max_pixels)
        width, height = header.size
        exif, icc = header.info.get("exif"), header.info.get("icc_profile")
        scale = plan_decode(width, height, job.orders)
        pixels = decode(self._chosen(), header, data, scale)
        return Picture(Pyramid(pixels, scale, width, height), exif, icc)

    def _chosen(self) -> Decoder:
        if self._decoder is None:
            strict = strict_is_installed() if self._strict is None else self._strict
            self._decoder = StrictDecoder() if strict else PillowDecoder()
        return self._decoder


def _confine() -> None:
    """Limit what hostile pictures can take: memory for good, processor time anew for each job (SIGXCPU ends us)."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or hard > MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    until = int(used.ru_utime + used.ru_stime) + CPU
    resource.setrlimit(resource.RLIMIT_CPU, (until if hard == resource.RLIM_INFINITY else min(until, hard), hard))


def _job(args: Json) -> Job:
    try:
        orders = tuple(order_from_json(recipe) for recipe in args["recipes"])
        return Job(
            Path(args["path"]),
            args["kind"] == "raw",
            (*orders, SMALL) if args.get("thumbnail") else orders,
            Path(args["out"]),
            args["stem"],
            Facts(**args["facts"]),
            Path(args["base"]),
            args.get("max_pixels", MAX_PIXELS),
            bool(args.get("column")),
            args.get("shot"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ChildError(f"a job that is not understood: {type(error).__name__}: {error}") from error


def _check(job: Job) -> Checked:
    """Return what is to be decoded; raise PictureBroken when the file itself shows damage."""
    return _bytes(job.path, job.raw)


def _bytes(path: Path, raw: bool) -> Checked:
    with storage(path):
        if not raw:
            return Checked(path.read_bytes())
        from core.processing.raw import preview  # only a RAW pays for it

        with path.open("rb") as file:
            return Checked(*preview(file.fileno()))


def _verdict(verdict: str, why: str = "") -> Json:
    """Return the answer for a picture of which nothing was decoded."""
    return {
        "verdict": verdict,
        "why": why,
        "width": 0,
        "height": 0,
        "stats": {},
        "thumbnail": None,
        "renditions": [],
        "failed": [],
        "preview": False,
    }


def _process(job: Job, picture: Picture) -> Json:
    pyramid = picture.pyramid
    made, failed = _renditions(job, picture)
    seen: Statistics = statistics(pyramid.level(8))
    if job.column:
        seen["column"] = column(pyramid.level(8))
    thumbnail = made.pop(THUMBNAIL, None)
    return {
        **_verdict("whole"),
        "width": pyramid.width,
        "height": pyramid.height,
        "stats": seen,
        "thumbnail": thumbnail,
        "renditions": [made[order.name] for order in job.orders if order.name in made],
        "failed": failed,
        "preview": job.raw,
    }


def _renditions(job: Job, picture: Picture) -> tuple[dict[str, Json], list[Json]]:
    """Make all renditions, the largest first: the smaller ones then live in the memory that it leaves.

    One that cannot be made, or that the disk does not take, says nothing against the picture, nor stops the others.
    """
    made, failed = dict[str, Json](), list[Json]()
    size = picture.pyramid.width, picture.pyramid.height
    for order in sorted(job.orders, key=lambda order: plan_decode(*size, (order,))):
        try:
            made[order.name] = _make(job, order, picture)
        except (ConfigurationError, StorageError, MemoryError) as error:
            failed.append(_failure(order.name, str(error) or MEMORY_SPENT, isinstance(error, StorageError)))
    return made, failed


def _failure(recipe: str, why: str, again: bool = False) -> Json:
    """Return what is told of a rendition that was not made; `again`: it may be made later, with no one editing."""
    return {"recipe": recipe, "why": why, "again": again}


def _with_sidecar(job: Job, answer: Json, exif: bytes | None) -> Json:
    """Add the sidecar of a shot, where one is asked for: of a broken picture too."""
    if job.shot is None:
        return answer
    from core.processing.sidecar import xmp

    name = str(job.shot["recipe"])
    try:
        made = keep(job.out, f"{job.stem}.{name}", xmp(job.shot, answer["verdict"], exif))
    except StorageError as error:
        return {**answer, "failed": [*answer["failed"], _failure(name, str(error), again=True)]}
    return {**answer, "renditions": [*answer["renditions"], {"recipe": name, **made}]}


def _make(job: Job, order: Order, picture: Picture) -> Json:
    """Make one rendition; raise ConfigurationError or StorageError."""
    image = render(picture.pyramid, order, job.facts, job.base)
    data = _encode(image, _options(order, picture))
    return {
        "recipe": order.name,
        **keep(job.out, f"{job.stem}.{order.name}.jpg", data),
        "width": image.width,
        "height": image.height,
    }


def _options(order: Order, picture: Picture) -> dict[str, Any]:
    """Return how to encode. The colour profile stays, without it the colours are others; EXIF only when asked for."""
    options: dict[str, Any] = {"quality": order.quality, "subsampling": order.subsampling, "comment": b""}
    if picture.icc:
        options["icc_profile"] = picture.icc
    if order.exif and picture.exif:
        options["extra"] = _segments(_exif(picture.exif, order))
    return options


def _exif(exif: bytes, order: Order) -> bytes:
    if not any(isinstance(step, Rotate) for step in order.steps):
        return exif
    from core.processing.tiff import upright

    return upright(exif)


def _segments(exif: bytes) -> bytes:
    """Return an EXIF block as segments of a JPEG: several for a long one, which readers join again."""
    body = exif.removeprefix(EXIF_WORD)
    pieces = (body[at : at + SEGMENT] for at in range(0, len(body), SEGMENT))
    return b"".join(
        b"\xff\xe1" + (2 + len(EXIF_WORD) + len(piece)).to_bytes(2, "big") + EXIF_WORD + piece for piece in pieces
    )


def _encode(image: Image.Image, options: dict[str, Any]) -> bytes:
    """Return the JPEG; raise ConfigurationError when it cannot be one.

    In memory first: written to a file by Pillow itself, what a full disk cuts off its last bytes goes unnoticed.
    """
    target = io.BytesIO()
    target.name = "rendition.jpg"  # tells Pillow the format; told outright it would import five
    try:
        image.save(target, **options)
    except (OSError, ValueError, OverflowError) as error:
        raise ConfigurationError(f"{image.width}x{image.height} cannot be encoded: {error}") from error
    return target.getvalue()
