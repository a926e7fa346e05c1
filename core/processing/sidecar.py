"""An XMP sidecar: what is known of a shot, for the programs of photographers.

XMP specification part 1 (ISO 16684-1) for the shape, part 2 and CIPA DC-010 for the properties that others have; what
only this node knows stands in a namespace of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

from PIL import Image

from core.processing.decode import FAULTS
from core.text import safe

Json = dict[str, Any]

SPACES: Mapping[str, str] = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "overlapse": "urn:overlapse:shot:1#",
}
PACKET = "W5M0MpCehiHzreSzNTczkc9d"  # by which XMP packets are recognised, the same for all
EXIF_FOLDER = 0x8769


def xmp(shot: Json, verdict: str, exif: bytes | None) -> bytes:
    """Return the sidecar of a shot.

    `shot`: camera, site, node, zone, program; time, slot (seconds since the epoch; slot None: an extra); index,
    outcome, trusted; latitude, longitude (or None); originals: name, kind, size, sha256. `exif`: the block that the
    camera wrote into the picture.
    """
    at = datetime.fromtimestamp(shot["time"], ZoneInfo(shot["zone"])).isoformat(timespec="milliseconds")
    values = _written(exif)
    known = {
        "xmp:CreateDate": at,
        "xmp:CreatorTool": shot["program"],
        "photoshop:DateCreated": at,
        "exif:DateTimeOriginal": at,
        **_place(shot["latitude"], shot["longitude"]),
        **_settings(values),
        **_own(shot, verdict),
    }
    spaces = " ".join(f"xmlns:{name}={quoteattr(space)}" for name, space in SPACES.items())
    said = "\n   ".join(f"{key}={quoteattr(safe(value, 500))}" for key, value in known.items())
    return (
        f'<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="{PACKET}"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        f'  <rdf:Description rdf:about="" {spaces}\n   {said}>\n'
        f"{''.join(_lists(shot, _read(_count, values.get(ISO))))}"
        '  </rdf:Description>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>\n'
    ).encode()


def _own(shot: Json, verdict: str) -> dict[str, str]:
    """Return what this node knows of the shot, by its own names."""
    own = {
        "Camera": shot["camera"],
        "Site": shot["site"],
        "Node": shot["node"],
        "Outcome": shot["outcome"],
        "ClockTrusted": str(shot["trusted"]),
        "Verdict": verdict,
    }
    if shot["slot"] is not None:
        slot = datetime.fromtimestamp(shot["slot"], ZoneInfo(shot["zone"])).isoformat()
        own |= {"Slot": slot, "SlotIndex": str(shot["index"])}
    return {f"overlapse:{key}": value for key, value in own.items()}


def _lists(shot: Json, iso: str) -> Iterator[str]:
    """Yield what has several values, or may have."""
    if iso:
        yield f"   <exif:ISOSpeedRatings><rdf:Seq><rdf:li>{iso}</rdf:li></rdf:Seq></exif:ISOSpeedRatings>\n"
    words = "".join(f"<rdf:li>{escape(shot[key])}</rdf:li>" for key in ("camera", "site"))
    yield f"   <dc:subject><rdf:Bag>{words}</rdf:Bag></dc:subject>\n"
    yield "   <overlapse:Originals><rdf:Bag>\n"
    for one in shot["originals"]:
        said = {"Name": one["name"], "Kind": one["kind"], "Size": str(one["size"]), "SHA256": one["sha256"]}
        fields = "".join(f"<overlapse:{key}>{escape(safe(value))}</overlapse:{key}>" for key, value in said.items())
        yield f'    <rdf:li rdf:parseType="Resource">{fields}</rdf:li>\n'
    yield "   </rdf:Bag></overlapse:Originals>\n"


def _place(latitude: float | None, longitude: float | None) -> dict[str, str]:
    """Return the coordinates as XMP has them: degrees, minutes with a fraction, hemisphere."""
    if latitude is None or longitude is None:
        return {}
    return {
        "exif:GPSLatitude": _degrees(latitude, "NS"),
        "exif:GPSLongitude": _degrees(longitude, "EW"),
    }


def _degrees(value: float, sides: str) -> str:
    ten_thousandths = round(abs(value) * 600_000)
    return f"{ten_thousandths // 600_000},{ten_thousandths % 600_000 / 10_000:.4f}{sides[value < 0]}"


def _fraction(value: Any) -> str:
    """Return a rational as XMP has it; raise ArithmeticError, TypeError or ValueError for one that is none."""
    numerator, denominator = int(value.numerator), int(value.denominator)
    if denominator == 0:
        raise ValueError("no number")
    return f"{numerator}/{denominator}"


def _words(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return safe(value.strip("\0 "), 100)


def _count(value: Any) -> str:
    return str(int(value[0] if isinstance(value, tuple) else value))


_READ: Mapping[int, tuple[str, Callable[[Any], str]]] = {  # EXIF 2.32, table 8
    0x010F: ("tiff:Make", _words),
    0x0110: ("tiff:Model", _words),
    0x829A: ("exif:ExposureTime", _fraction),
    0x829D: ("exif:FNumber", _fraction),
    0x8822: ("exif:ExposureProgram", _count),
    0x9204: ("exif:ExposureBiasValue", _fraction),
    0x9207: ("exif:MeteringMode", _count),
    0x920A: ("exif:FocalLength", _fraction),
    0xA434: ("aux:Lens", _words),
    0xA431: ("aux:SerialNumber", _words),
}
ISO = 0x8827


def _written(exif: bytes | None) -> Mapping[int, Any]:
    """Return what the camera wrote into the picture, by tag; nothing when it cannot be read."""
    if not exif:
        return {}
    try:
        block = Image.Exif()
        block.load(exif)
        return {**block, **block.get_ifd(EXIF_FOLDER)}
    except FAULTS:
        return {}


def _settings(values: Mapping[int, Any]) -> dict[str, str]:
    """Return how the camera was set; what cannot be read is left out."""
    return {name: said for tag, (name, read) in _READ.items() if (said := _read(read, values.get(tag)))}


def _read(read: Callable[[Any], str], value: Any) -> str:
    try:
        return "" if value is None else read(value)
    except (*FAULTS, AttributeError):
        return ""
