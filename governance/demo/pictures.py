"""Small flat pictures drawn by code: what was found, and what it looks like afterwards.

Each scene is drawn once, before and after; many attachments share the stored files.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, ImageDraw

from cases.pictures import Picture, read_picture

SIZE: Final = (960, 720)
_HORIZON: Final = 400
_FOLDER: Final = "cases/demo"
_DRAWN_AT: Final = datetime(2025, 1, 1, tzinfo=UTC)

Draw = ImageDraw.ImageDraw
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class StoredPicture:
    """A picture whose files lie in the storage."""

    file: str
    thumbnail: str
    sha256: str
    size: int
    width: int
    height: int


def store_pictures() -> dict[tuple[str, bool], StoredPicture]:
    """Draw and store every scene: (scene, is it afterwards) → picture. Stored again only where missing."""
    return {(scene, after): _store(_drawn(scene, after)) for scene in SCENES for after in (False, True)}


@cache
def _drawn(scene: str, after: bool) -> Picture:
    """The scene as an upload would be kept; drawn once a process."""
    drawn = io.BytesIO()
    draw_scene(scene, after=after).save(drawn, "JPEG", quality=88)
    drawn.seek(0)
    return read_picture(drawn, at=_DRAWN_AT)


def _store(picture: Picture) -> StoredPicture:
    names = []
    for suffix, content in (("", picture.content), ("-s", picture.thumbnail)):
        name = f"{_FOLDER}/{picture.sha256[:32]}{suffix}.jpg"
        if not default_storage.exists(name):
            default_storage.save(name, ContentFile(content))
        names.append(name)
    return StoredPicture(
        names[0], names[1], picture.sha256, len(picture.content), picture.width, picture.height
    )


def draw_scene(scene: str, *, after: bool) -> Image.Image:
    """One scene, with what is wrong or put right."""
    image = Image.new("RGB", SIZE, "#c9d6dd")
    SCENES[scene](ImageDraw.Draw(image), after)
    return image


def _wall(draw: Draw) -> None:
    """A brick wall behind a pavement."""
    draw.rectangle((0, 0, 960, _HORIZON), fill="#cdc3b2")
    for row in range(10):
        y = row * 42
        draw.line((0, y, 960, y), fill="#bdb19d", width=3)
        for column in range(9):
            x = column * 120 + (60 if row % 2 else 0)
            draw.line((x, y, x, y + 42), fill="#bdb19d", width=3)
    _pavement(draw)


def _pavement(draw: Draw, colour: str = "#8f9091") -> None:
    draw.rectangle((0, _HORIZON, 960, 720), fill=colour)
    draw.rectangle((0, _HORIZON, 960, _HORIZON + 14), fill="#6f7173")


def _town(draw: Draw) -> None:
    """Sky, houses, a street."""
    draw.rectangle((0, 0, 960, 260), fill="#cfdfe8")
    for x, top, colour in (
        (20, 120, "#c8ad84"),
        (220, 60, "#b9c4cc"),
        (640, 90, "#c6b79c"),
        (800, 150, "#a9b8bf"),
    ):
        draw.rectangle((x, top, x + 170, _HORIZON), fill=colour)
        for row in range(top + 24, _HORIZON - 40, 60):
            for column in range(x + 18, x + 150, 50):
                draw.rectangle((column, row, column + 28, row + 34), fill="#7f97a6")
    _pavement(draw)


def _cone(draw: Draw, x: float, y: float) -> None:
    draw.polygon([(x, y), (x - 34, y + 110), (x + 34, y + 110)], fill="#e0562c")
    draw.polygon([(x - 13, y + 42), (x + 13, y + 42), (x + 21, y + 68), (x - 21, y + 68)], fill="#f5f2ec")
    draw.rectangle((x - 46, y + 108, x + 46, y + 122), fill="#b8431f")


def _hole(draw: Draw, after: bool) -> None:
    draw.rectangle((0, 0, 960, 720), fill="#9a9b9a")
    draw.polygon([(0, 250), (960, 130), (960, 190), (0, 320)], fill="#b9b8b3")
    draw.line((0, 322, 960, 192), fill="#6e6f6f", width=8)
    frame = [(300, 400), (640, 360), (700, 520), (330, 570)]
    draw.polygon(frame, fill="#5b5c5d" if after else "#1b1c1d")
    if after:
        for step in range(1, 8):
            x = 300 + step * 42
            draw.line((x, 396 - step * 5, x + 34, 562 - step * 7), fill="#2f3031", width=12)
    else:
        draw.polygon([(330, 430), (610, 398), (640, 470), (350, 500)], fill="#0c0c0d")
        _cone(draw, 780, 330)
    draw.line([*frame, frame[0]], fill="#3c3d3e", width=10)


def _bin(draw: Draw, x: float, colour: str, dark: str) -> None:
    draw.polygon([(x, 300), (x + 130, 300), (x + 116, 540), (x + 14, 540)], fill=colour)
    draw.rectangle((x - 8, 270, x + 138, 304), fill=dark)
    draw.ellipse((x + 12, 528, x + 44, 560), fill="#2d2f30")
    draw.ellipse((x + 86, 528, x + 118, 560), fill="#2d2f30")


def _rubbish(draw: Draw, after: bool) -> None:
    _wall(draw)
    _bin(draw, 560, "#3d7d5a", "#2c5f43")
    _bin(draw, 730, "#43719b", "#32587b")
    if after:
        for x in (120, 320, 500):
            draw.line((x, 620, x + 150, 600), fill="#a9abac", width=10)
        draw.rectangle((170, 200, 400, 330), fill="#f3efe6")
        draw.rectangle((170, 200, 400, 216), fill="#a31f1f")
        for y in (244, 270, 296):
            draw.line((196, y, 370, y), fill="#70716f", width=7)
        return
    for box, colour in (
        ((90, 430, 250, 600), "#23272b"), ((210, 460, 350, 610), "#6e9c72"),
        ((330, 440, 480, 610), "#e4e0d2"), ((440, 480, 570, 620), "#2d3136"),
        ((600, 170, 700, 280), "#2d3136"),
    ):  # fmt: skip
        _bag(draw, box, colour)
    draw.polygon([(80, 600), (230, 580), (250, 650), (100, 670)], fill="#b98a4e")


def _bag(draw: Draw, box: Box, colour: str) -> None:
    left, top, right, bottom = box
    middle = (left + right) / 2
    draw.ellipse(box, fill=colour)
    draw.polygon([(middle - 22, top - 22), (middle + 22, top - 22), (middle, top + 26)], fill=colour)
    draw.ellipse((left + 22, top + 30, left + 62, bottom - 60), fill=_lighter(colour))


def _lighter(colour: str) -> str:
    parts = [min(255, int(colour[i : i + 2], 16) + 22) for i in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def _lamp(draw: Draw, after: bool) -> None:
    draw.rectangle((0, 0, 960, 720), fill="#26303c")
    for x, top in ((30, 240), (210, 180), (640, 220), (800, 280)):
        draw.rectangle((x, top, x + 160, 520), fill="#323f4d")
        for row in range(top + 30, 500, 62):
            for column in range(x + 20, x + 140, 56):
                lit = (row * 7 + column) % 5 == 0
                draw.rectangle((column, row, column + 26, row + 30), fill="#e5c37a" if lit else "#3d4c5c")
    draw.rectangle((0, 520, 960, 720), fill="#1d242c")
    if after:
        draw.polygon([(560, 132), (300, 720), (860, 720)], fill="#5f5a40")
        draw.ellipse((330, 620, 830, 760), fill="#857a4d")
    draw.rectangle((470, 110, 486, 640), fill="#8b97a3")
    draw.line((478, 114, 590, 104), fill="#8b97a3", width=14)
    draw.rounded_rectangle((556, 98, 640, 134), 12, fill="#ffe9a8" if after else "#59636e")


def _road(draw: Draw, after: bool) -> None:
    draw.rectangle((0, 0, 960, 220), fill="#b7b4ab")
    draw.rectangle((0, 220, 960, 720), fill="#a8a49a")
    rng = random.Random(3)
    for row in range(9):
        for column in range(11):
            x, y = column * 96 - (row % 2) * 48, 220 + row * 58
            tone = rng.choice(("#b9b2a3", "#b3ab9b", "#beb7a9"))
            broken = not after and 3 < column < 8 and 2 < row < 6
            if broken:
                shift = rng.randint(-16, 16)
                draw.polygon(
                    [(x + shift, y + 6), (x + 70, y + shift), (x + 84, y + 40), (x + 12, y + 46)],
                    fill="#7d766a",
                )
            else:
                draw.rectangle((x + 3, y + 3, x + 92, y + 54), fill=tone)
    draw.rectangle((0, 190, 960, 224), fill="#8b8a86")
    if not after:
        draw.polygon([(430, 430), (640, 400), (700, 500), (520, 560)], fill="#5f594f")


def _water(draw: Draw, after: bool) -> None:
    _town(draw)
    if after:
        draw.ellipse((420, 560, 560, 612), fill="#55595c")
        draw.ellipse((434, 566, 546, 606), fill="#6d7275")
        for x in (120, 640):
            draw.line((x, 640, x + 210, 624), fill="#7f8182", width=9)
        return
    draw.ellipse((120, 500, 860, 700), fill="#6d8797")
    draw.ellipse((230, 530, 720, 660), fill="#86a0af")
    for x, height in ((440, 170), (486, 230), (532, 150)):
        draw.ellipse((x, 590 - height, x + 26, 600), fill="#b8ccd6")
    _cone(draw, 800, 420)


def _tree(draw: Draw, after: bool) -> None:
    _town(draw)
    draw.rectangle((448, 230, 498, 560), fill="#7a5a3c")
    for box in ((330, 60, 560, 270), (420, 30, 640, 250), (360, 140, 620, 320)):
        draw.ellipse(box, fill="#5f8f58")
    draw.ellipse((380, 545, 570, 590), fill="#6d5b48")
    if not after:
        draw.line((180, 640, 700, 560), fill="#7a5a3c", width=26)
        for x, y in ((220, 560), (330, 570), (560, 520), (640, 540)):
            draw.ellipse((x, y, x + 130, y + 92), fill="#6f9d62")


def _street(draw: Draw, after: bool) -> None:
    _town(draw)
    draw.rectangle((60, 300, 420, 410), fill="#8e5b46")
    draw.rectangle((60, 270, 420, 306), fill="#b9443a")
    count = 2 if after else 7
    for number in range(count):
        _bike(draw, 80 + number * (120 if not after else 420), 540 if after else 520 + (number % 2) * 60)
    if after:
        for x in range(80, 900, 130):
            draw.line((x, 500, x - 40, 640), fill="#eceae4", width=7)


def _bike(draw: Draw, x: float, y: float) -> None:
    for left in (x, x + 96):
        draw.ellipse((left, y, left + 62, y + 62), outline="#2b2f33", width=9)
    draw.line((x + 31, y + 31, x + 62, y - 14, x + 118, y - 14, x + 127, y + 31), fill="#3b78a8", width=10)
    draw.line((x + 118, y - 14, x + 110, y - 46), fill="#2b2f33", width=8)
    draw.rectangle((x + 40, y - 28, x + 82, y - 16), fill="#2b2f33")


def _poster(draw: Draw, after: bool) -> None:
    _wall(draw)
    draw.rectangle((240, 60, 720, 380), fill="#b8b0a1" if not after else "#d6cebf")
    if after:
        return
    rng = random.Random(5)
    for number in range(16):
        x, y = 260 + (number % 6) * 76, 80 + (number // 6) * 100 + rng.randint(-12, 12)
        colour = rng.choice(("#f2ece0", "#e8d36a", "#d9776a", "#9cbcd4"))
        draw.rectangle((x, y, x + 62, y + 82), fill=colour)
        for line in range(3):
            draw.line((x + 8, y + 20 + line * 18, x + 52, y + 20 + line * 18), fill="#6a6a66", width=4)


def _works(draw: Draw, after: bool) -> None:
    _town(draw)
    draw.polygon([(100, 560), (330, 430), (560, 560)], fill="#6c7f69" if after else "#a88a62")
    if after:
        for x in range(160, 520, 60):
            draw.line((x, 556, 330, 436), fill="#55684f", width=4)
    for x in range(0, 960, 160):
        tilt = 0 if after else (x // 160 % 3 - 1) * 26
        draw.polygon([(x + tilt, 560), (x + 150 + tilt, 560), (x + 150, 690), (x, 690)], fill="#3f6f9a")
        draw.line((x + tilt, 560, x + 150 + tilt, 560), fill="#e7e3da", width=8)


def _compound(draw: Draw, after: bool) -> None:
    _wall(draw)
    draw.rectangle((380, 80, 620, _HORIZON + 20), fill="#6a7680")
    draw.rectangle((396, 96, 496, _HORIZON + 20), fill="#8d99a3")
    draw.rectangle((504, 96, 604, _HORIZON + 20), fill="#8d99a3")
    if after:
        draw.rectangle((330, 500, 680, 640), outline="#e3c23b", width=12)
        draw.line((330, 500, 680, 640), fill="#e3c23b", width=8)
        return
    draw.rectangle((330, 420, 560, 600), fill="#8a6b4c")
    draw.rectangle((350, 380, 540, 440), fill="#9c7c5b")
    draw.rectangle((560, 470, 720, 610), fill="#b59b74")
    _bike(draw, 130, 540)


def _cable(draw: Draw, after: bool) -> None:
    _town(draw)
    for x in (150, 780):
        draw.rectangle((x, 40, x + 30, 640), fill="#76706a")
        draw.rectangle((x - 60, 80, x + 90, 96), fill="#76706a")
    for number in range(4):
        low = 150 + number * 14 if after else 240 + number * 96
        draw.line([(165, 90), (330, (90 + low) / 2 + 30), (480, low), (630, (90 + low) / 2 + 30), (795, 90)],
                  fill="#20262b", width=6, joint="curve")  # fmt: skip


SCENES: Final[dict[str, Callable[[Draw, bool], None]]] = {
    "hole": _hole,
    "rubbish": _rubbish,
    "lamp": _lamp,
    "road": _road,
    "water": _water,
    "tree": _tree,
    "street": _street,
    "poster": _poster,
    "works": _works,
    "compound": _compound,
    "cable": _cable,
}
