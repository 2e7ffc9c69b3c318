"""Reading pictures that nobody vouches for: what is kept of one is decoded, drawn anew, and free of metadata.

Nothing is believed: not the name, not the declared type, not the size in the header until it is checked, and
nothing is decoded before that. A picture's own time and place come out as claims.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from threading import BoundedSemaphore
from typing import IO, Any, Final

import filetype
import pillow_heif
from django.utils.translation import gettext_lazy as _
from PIL import ExifTags, Image, ImageOps

from cases.deadlines import CHINA
from governance.common.errors import Invalid, TooLarge, UnsupportedType

MAX_BYTES: Final = 20 * 1024 * 1024
#: A whole form with one picture: known before any of it is read.
MAX_FORM_BYTES: Final = MAX_BYTES + 64 * 1024
MAX_PIXELS: Final = 60_000_000
#: Longest side of what is kept, and of its thumbnail, in pixels.
MAX_SIDE: Final = 2560
THUMBNAIL_SIDE: Final = 480
QUALITY: Final = 85
THUMBNAIL_QUALITY: Final = 78

#: What is read, by the type that the content shows. An animation gives its first picture.
_FORMATS: Final = {
    "image/jpeg": ("JPEG", "MPO"),
    "image/png": ("PNG",),
    "image/webp": ("WEBP",),
    "image/heic": ("HEIF",),
    "image/heif": ("HEIF",),
}
#: Sixty million pixels take some 250 MB while they are drawn: so many at a time in one process.
_DRAWING = BoundedSemaphore(2)
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=1)

EMPTY = _("The file is empty. Please take the picture again.")
_TOO_BIG = _("A picture may have at most %(limit)d MB; this one has more.")
TOO_MANY_PIXELS = _("A picture may have at most %(limit)d megapixels; this one has more.")
NOT_A_PICTURE = _("This is not a picture that can be read. Please send a photo as JPEG, PNG, WebP or HEIC.")
DAMAGED = _("This picture is damaged or incomplete. Please take it again.")

pillow_heif.register_heif_opener(thumbnails=False)
# Pillow itself then refuses twice as much before our own check comes to it.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


@dataclass(frozen=True)
class Claims:
    """What a picture, or the phone that took it, says of its time and place; never taken for a fact."""

    at: datetime | None = None
    lng: float | None = None
    lat: float | None = None


@dataclass(frozen=True)
class Picture:
    """A picture as it is kept: two JPEGs without metadata."""

    content: bytes
    thumbnail: bytes
    width: int
    height: int
    sha256: str
    claims: Claims


def read_picture(file: IO[bytes], *, at: datetime, field: str = "photo") -> Picture:
    """Decode an uploaded file and draw it anew, upright and no larger than `MAX_SIDE`.

    Raises TooLarge (bytes, megapixels), UnsupportedType (no picture of a known type) or Invalid (damaged),
    each with `field`. `at` bounds the time that the picture may claim.
    """
    data = _bytes_of(file, field)
    kind = filetype.guess_mime(data[:8192])
    if kind not in _FORMATS:
        raise UnsupportedType(NOT_A_PICTURE, field=field)
    with _DRAWING:
        return _drawn(data, _FORMATS[kind], at, field)


def too_big(field: str) -> TooLarge:
    """The refusal of more than `MAX_BYTES`."""
    return TooLarge(_TOO_BIG % {"limit": MAX_BYTES // 1024 // 1024}, field=field)


def _bytes_of(file: IO[bytes], field: str) -> bytes:
    file.seek(0)
    data = file.read(MAX_BYTES + 1)
    if not data:
        raise Invalid(EMPTY, field=field)
    if len(data) > MAX_BYTES:
        raise too_big(field)
    return data


def _drawn(data: bytes, formats: tuple[str, ...], at: datetime, field: str) -> Picture:
    opened = _decoded(lambda: Image.open(BytesIO(data), formats=formats), field)
    _check_size(opened.width * opened.height, field)
    claims = _claims_of(opened, at)
    kept = _fitted(_decoded(lambda: _upright(opened), field), MAX_SIDE)
    content = _jpeg(kept, QUALITY)
    thumbnail = _jpeg(_fitted(kept, THUMBNAIL_SIDE), THUMBNAIL_QUALITY)
    sha256 = hashlib.sha256(content).hexdigest()
    return Picture(content, thumbnail, kept.width, kept.height, sha256, claims)


def _decoded(step: Callable[[], Image.Image], field: str) -> Image.Image:
    """The step's picture; whatever a decoder trips over is told as one clear error."""
    try:
        return step()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(field) from error
    except Exception as error:  # decoders leak OSError, SyntaxError, ValueError, struct.error, EOFError, …
        raise Invalid(DAMAGED, field=field, code="damaged_picture") from error


def _check_size(pixels: int, field: str) -> None:
    if pixels > MAX_PIXELS:
        raise _too_many_pixels(field)
    if pixels == 0:
        raise Invalid(DAMAGED, field=field, code="damaged_picture")


def _too_many_pixels(field: str) -> TooLarge:
    return TooLarge(TOO_MANY_PIXELS % {"limit": MAX_PIXELS // 1_000_000}, field=field)


def _upright(image: Image.Image) -> Image.Image:
    """Decoded (a large JPEG straight to a smaller size), turned as its orientation says, on white, in RGB."""
    if image.format in ("JPEG", "MPO"):
        image.draft("RGB", (MAX_SIDE, MAX_SIDE))
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value / 256).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")


def _fitted(image: Image.Image, side: int) -> Image.Image:
    """A copy that holds pixels only, no larger than `side`."""
    fitted = Image.new("RGB", image.size)
    fitted.paste(image)
    fitted.thumbnail((side, side), Image.Resampling.LANCZOS)
    return fitted


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
    return out.getvalue()


def _claims_of(image: Image.Image, at: datetime) -> Claims:
    """What the picture's EXIF says; anything odd in it says nothing."""
    try:
        exif = image.getexif()
        details, position = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    except Exception:  # metadata is written by anybody
        return Claims()
    lng = _degrees(position, ExifTags.GPS.GPSLongitude, ExifTags.GPS.GPSLongitudeRef, "W", 180)
    lat = _degrees(position, ExifTags.GPS.GPSLatitude, ExifTags.GPS.GPSLatitudeRef, "S", 90)
    if lng is None or lat is None:
        lng = lat = None
    taken = _moment(
        details.get(ExifTags.Base.DateTimeOriginal), details.get(ExifTags.Base.OffsetTimeOriginal)
    )
    return Claims(believable(taken, at), lng, lat)


def _moment(text: Any, offset: Any) -> datetime | None:
    """EXIF's `2026:11:20 09:39:05`, in China's time where no offset is given."""
    try:
        if offset:
            return datetime.strptime(f"{text} {str(offset).strip()}", "%Y:%m:%d %H:%M:%S %z")
        return datetime.strptime(str(text), "%Y:%m:%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError:
        return None


def believable(taken: datetime | None, at: datetime) -> datetime | None:
    """A claimed time, unless no camera can have written it: decades ago, or after the upload."""
    try:
        return taken if taken is not None and _EARLIEST <= taken <= at + _AHEAD else None
    except (TypeError, OverflowError):
        return None


def _degrees(position: dict[int, Any], value: int, reference: int, negative: str, most: int) -> float | None:
    try:
        degrees, minutes, seconds = (float(part) for part in position[value])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    found = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(found) or not 0 <= found <= most:
        return None
    return round(-found if str(position.get(reference, "")).strip().upper() == negative else found, 7)
