"""Pictures for tests, good and hostile, made by code."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image


def picture_bytes(
    size: tuple[int, int] = (64, 48),
    *,
    kind: str = "JPEG",
    mode: str = "RGB",
    color: Any = None,
    **options: Any,
) -> bytes:
    """A picture of one colour, brick red unless told otherwise."""
    color = {"RGB": (178, 60, 40), "RGBA": (178, 60, 40, 0)}.get(mode, 200) if color is None else color
    out = BytesIO()
    Image.new(mode, size, color).save(out, kind, **options)
    return out.getvalue()


def exif(
    *,
    taken: str = "2026:11:20 09:39:05",
    offset: str = "",
    lng: Any = (118.0, 19.0, 12.5),
    lat: Any = (32.0, 18.0, 4.25),
    west: bool = False,
    orientation: int = 1,
) -> Image.Exif:
    """Metadata as a phone writes it."""
    data = Image.Exif()
    data[ExifTags.Base.Orientation] = orientation
    data[ExifTags.Base.Make] = "SECRETPHONE"
    details: dict[int, Any] = {ExifTags.Base.DateTimeOriginal: taken}
    if offset:
        details[ExifTags.Base.OffsetTimeOriginal] = offset
    data._ifds[ExifTags.IFD.Exif] = details
    data._ifds[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLongitudeRef: "W" if west else "E",
        ExifTags.GPS.GPSLongitude: lng,
        ExifTags.GPS.GPSLatitudeRef: "N",
        ExifTags.GPS.GPSLatitude: lat,
    }
    return data


def heic_bytes(size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    """What an iPhone takes."""
    import pillow_heif  # noqa: PLC0415

    pillow_heif.register_heif_opener()
    return picture_bytes(size, kind="HEIF", **options)


def huge_png(width: int, height: int) -> bytes:
    """A PNG whose header promises a size that its few bytes do not hold."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )
