from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from PIL import Image

from cases.pictures import MAX_BYTES, MAX_SIDE, Claims, believable, read_picture
from governance.common.errors import DomainError, Invalid, TooLarge, UnsupportedType
from tests.factories.pictures import exif, heic_bytes, huge_png, picture_bytes

AT = datetime(2026, 11, 20, 2, 24, tzinfo=UTC)


def read(data: bytes):
    return read_picture(BytesIO(data), at=AT)


def kept(picture) -> Image.Image:
    image = Image.open(BytesIO(picture.content))
    image.load()
    return image


def near(found, expected, tolerance=12):
    return all(abs(a - b) <= tolerance for a, b in zip(found, expected, strict=True))


class TestGood:
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_every_known_type_becomes_a_jpeg(self, kind):
        picture = read(picture_bytes(kind=kind))
        assert kept(picture).format == "JPEG"
        assert (picture.width, picture.height) == kept(picture).size == (64, 48)
        assert near(kept(picture).getpixel((30, 20)), (178, 60, 40))

    def test_heic_is_read(self):
        picture = read(heic_bytes())
        assert (kept(picture).format, kept(picture).size) == ("JPEG", (64, 48))
        assert near(kept(picture).getpixel((30, 20)), (178, 60, 40))

    def test_a_large_one_is_made_smaller(self):
        picture = read(picture_bytes((5000, 2500)))
        assert (picture.width, picture.height) == kept(picture).size == (MAX_SIDE, MAX_SIDE // 2)
        assert Image.open(BytesIO(picture.thumbnail)).size == (480, 240)

    def test_a_small_one_keeps_its_size(self):
        picture = read(picture_bytes((1, 1)))
        assert kept(picture).size == Image.open(BytesIO(picture.thumbnail)).size == (1, 1)

    def test_it_stands_upright(self):
        left_red = Image.new("RGB", (80, 40), (0, 0, 255))
        left_red.paste((255, 0, 0), (0, 0, 40, 40))
        out = BytesIO()
        left_red.save(out, "JPEG", exif=exif(orientation=6), quality=95)
        upright = kept(read(out.getvalue()))
        assert upright.size == (40, 80)
        assert near(upright.getpixel((20, 10)), (255, 0, 0))
        assert near(upright.getpixel((20, 70)), (0, 0, 255))

    def test_what_is_transparent_becomes_white(self):
        assert kept(read(picture_bytes(kind="PNG", mode="RGBA"))).getpixel((5, 5)) == (255, 255, 255)

    @pytest.mark.parametrize(
        ("kind", "mode", "color", "expected"),
        [
            ("PNG", "L", 200, (200, 200, 200)),
            ("PNG", "1", 1, (255, 255, 255)),
            ("PNG", "I;16", 200 * 256, (200, 200, 200)),
            ("PNG", "LA", (200, 255), (200, 200, 200)),
            ("JPEG", "CMYK", (0, 0, 0, 0), (255, 255, 255)),
        ],
    )
    def test_other_ways_to_store_colour(self, kind, mode, color, expected):
        assert near(kept(read(picture_bytes(kind=kind, mode=mode, color=color))).getpixel((5, 5)), expected)

    def test_an_animation_gives_its_first_picture(self):
        red, blue = Image.new("RGB", (20, 20), (255, 0, 0)), Image.new("RGB", (20, 20), (0, 0, 255))
        out = BytesIO()
        red.save(out, "WEBP", save_all=True, append_images=[blue], duration=100)
        assert near(kept(read(out.getvalue())).getpixel((5, 5)), (255, 0, 0))

    def test_two_readings_keep_the_same_bytes(self):
        data = picture_bytes((300, 200))
        assert read(data).sha256 == read(data).sha256


class TestClaims:
    def test_time_and_place_are_claims_and_nothing_else_is_kept(self):
        picture = read(picture_bytes(exif=exif()))
        assert picture.claims == Claims(datetime(2026, 11, 20, 1, 39, 5, tzinfo=UTC), 118.3201389, 32.3011806)
        for content in (picture.content, picture.thumbnail):
            assert not Image.open(BytesIO(content)).getexif()
            assert b"SECRETPHONE" not in content
            assert b"Exif" not in content

    def test_the_cameras_own_offset_counts(self):
        claims = read(picture_bytes(exif=exif(offset="+00:00"))).claims
        assert claims.at == datetime(2026, 11, 20, 9, 39, 5, tzinfo=UTC)

    def test_west_is_negative(self):
        assert read(picture_bytes(exif=exif(west=True))).claims.lng == -118.3201389

    def test_heic_claims_too(self):
        claims = read(heic_bytes(exif=exif().tobytes())).claims
        assert claims.at == datetime(2026, 11, 20, 1, 39, 5, tzinfo=UTC)
        assert claims.lat == 32.3011806

    @pytest.mark.parametrize(
        "odd",
        [
            {"taken": "yesterday"},
            {"taken": "0000:00:00 00:00:00"},
            {"taken": "2026:11:20 09:39:05", "offset": "+99:00"},
            {"taken": "2031:01:01 00:00:00"},
            {"taken": "1970:01:01 00:00:00"},
        ],
    )
    def test_a_time_that_cannot_be_says_nothing(self, odd):
        picture = read(picture_bytes(exif=exif(**odd)))
        assert picture.claims.at is None
        assert picture.claims.lat == 32.3011806

    @pytest.mark.parametrize("lng", [(200.0, 0.0, 0.0), (118.0, 19.0), ()])
    def test_a_place_off_the_earth_says_nothing(self, lng):
        claims = read(picture_bytes(exif=exif(lng=lng))).claims
        assert (claims.lng, claims.lat) == (None, None)

    def test_without_metadata_there_are_no_claims(self):
        assert read(picture_bytes()).claims == Claims()

    def test_a_clock_somewhat_fast_is_believed(self):
        assert believable(AT + timedelta(hours=3), AT) == AT + timedelta(hours=3)
        assert believable(AT + timedelta(days=2), AT) is None
        assert believable(None, AT) is None


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


class TestHostile:
    @pytest.mark.parametrize(
        "data",
        [
            b"just text, whatever its name says",
            SVG,
            b"<?xml version='1.0'?>" + SVG,
            b"<!doctype html><script>alert(1)</script>",
            b"%PDF-1.7\n",
            b"PK\x03\x04" + b"\0" * 100,
            b"MZ" + b"\0" * 100,
            picture_bytes(kind="GIF"),
            picture_bytes(kind="BMP"),
            picture_bytes(kind="TIFF"),
            b"\0",
        ],
    )
    def test_what_is_no_photo_is_refused_by_its_content(self, data):
        with pytest.raises(UnsupportedType) as refusal:
            read(data)
        assert (refusal.value.field, refusal.value.http_status) == ("photo", 415)

    def test_a_hundred_megapixels_are_never_decoded(self):
        data = huge_png(10_000, 10_000)
        tracemalloc.start()
        with pytest.raises(TooLarge) as refusal:
            read(data)
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert refusal.value.http_status == 413
        assert peak < 10_000_000

    def test_a_real_picture_of_a_hundred_megapixels_is_refused(self):
        with pytest.raises(TooLarge):
            read(picture_bytes((10_000, 10_000), kind="PNG", mode="1", color=0))

    @pytest.mark.parametrize("size", [(60_001, 1000), (65_000, 65_000), (2**31 - 1, 2**31 - 1)])
    def test_no_size_gets_through(self, size):
        with pytest.raises(DomainError):
            read(huge_png(*size))

    def test_sixty_megapixels_are_taken(self):
        picture = read(picture_bytes((10_000, 6_000), mode="L", quality=30))
        assert (picture.width, picture.height) == (2560, 1536)

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    @pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
    def test_a_truncated_one_is_refused(self, kind, share):
        noise = Image.effect_noise((400, 300), 80).convert("RGB")
        out = BytesIO()
        noise.save(out, kind)
        data = out.getvalue()
        with pytest.raises(Invalid) as refusal:
            read(data[: int(len(data) * share)])
        assert refusal.value.code == "damaged_picture"

    def test_a_truncated_heic_is_refused(self):
        data = heic_bytes((400, 300))
        with pytest.raises(Invalid):
            read(data[: len(data) // 2])

    def test_a_header_without_a_picture_is_refused(self):
        with pytest.raises(Invalid):
            read(b"\xff\xd8\xff\xe0" + b"\0" * 50)

    def test_what_hangs_behind_a_picture_is_gone(self):
        picture = read(picture_bytes() + b"<script>alert(1)</script>PK\x03\x04")
        assert b"<script>" not in picture.content
        assert b"PK\x03\x04" not in picture.content

    def test_comments_inside_are_gone(self):
        picture = read(picture_bytes(comment=b"<?php system('id'); ?>"))
        assert b"<?php" not in picture.content

    def test_broken_metadata_does_no_harm(self):
        picture = read(picture_bytes(exif=b"Exif\0\0" + b"II*\0\xff\xff\xff\xff" + b"\xff" * 40))
        assert picture.claims == Claims()

    def test_an_empty_file_is_refused(self):
        with pytest.raises(Invalid):
            read(b"")

    def test_more_than_20_mb_is_refused_unread(self):
        with pytest.raises(TooLarge):
            read(b"\xff\xd8\xff" + b"\0" * MAX_BYTES)

    def test_the_error_names_the_field_that_was_asked_for(self):
        with pytest.raises(UnsupportedType) as refusal:
            read_picture(BytesIO(b"text"), at=AT, field="after_photos")
        assert refusal.value.field == "after_photos"
