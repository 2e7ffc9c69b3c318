"""How large a body may be: read where its form can give the text back, refused unread elsewhere."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse

from governance.common import sizes

pytestmark = pytest.mark.django_db
LONG = "x" * (sizes.PLAIN + 1)
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def nobody_counted():
    cache.clear()
    yield
    cache.clear()


def send(client: Client, text: str = LONG) -> int:
    return client.post(reverse("login"), {"username": text, "password": "x"}).status_code


def test_only_a_multipart_form_may_be_large():
    client = Client()
    assert send(client) == 400  # the form itself answers
    assert client.post(reverse("login"), f"username={LONG}", content_type=FORM).status_code == 413
    assert client.post(reverse("login"), f'"{LONG}"', content_type="application/json").status_code == 413


def test_far_above_every_limit_nothing_is_read():
    class Untouched:
        def read(self, *_size: int) -> bytes:
            raise AssertionError("the body was read")

        readline = read

    for size in (sizes.MOST + 1, 10**12):
        kind = "multipart/form-data; boundary=x"
        extra = {"CONTENT_LENGTH": str(size), "CONTENT_TYPE": kind, "wsgi.input": Untouched()}
        assert Client().post(reverse("login"), **extra).status_code == 413


def test_more_text_than_a_form_may_give_back_is_refused():
    assert send(Client(), "x" * (12 * 1024 * 1024 + 1)) == 413


def test_who_sends_long_texts_again_and_again_is_refused_unread_and_others_are_not(monkeypatch):
    monkeypatch.setattr(sizes, "FREE", 2)
    client = Client()
    assert [send(client) for _each in range(3)] == [400, 400, 413]
    assert send(client, "short") == 400
    assert send(Client(REMOTE_ADDR="203.0.113.7")) == 400


def test_a_large_photo_is_no_long_text(monkeypatch):
    monkeypatch.setattr(sizes, "FREE", 1)
    for _each in range(2):
        photo = SimpleUploadedFile("a.jpg", LONG.encode())
        assert Client().post(reverse("login"), {"photo": photo}).status_code == 400


@pytest.fixture
def full(monkeypatch):
    """Every room is taken, and nobody waits long."""
    monkeypatch.setattr(sizes, "_PATIENCE", 0.01)
    rooms = [sizes._ROOMS.take(0) for _each in range(2)]
    assert all(rooms)
    yield rooms
    for room in rooms:
        sizes._ROOMS.give_back(room)


class Body:
    """A form's body that remembers how much of it was read; `during` is called before each piece."""

    def __init__(self, parts: dict[str, object], during=lambda: None):
        self.content, self.taken, self.during = encode_multipart(BOUNDARY, parts), 0, during

    def read(self, size: int = -1) -> bytes:
        self.during()
        piece = self.content[self.taken :][: size if size >= 0 else None]
        self.taken += len(piece)
        return piece

    readline = read


def send_body(body: Body) -> int:
    extra = {"CONTENT_LENGTH": str(len(body.content)), "CONTENT_TYPE": MULTIPART_CONTENT}
    return Client().post(reverse("login"), **extra, **{"wsgi.input": body}).status_code


def test_few_long_texts_are_in_work_at_once_and_each_gives_its_room_back(full):
    client = Client()
    assert send(client) == 429
    assert send(client, "short") == 400
    for room in full:
        sizes._ROOMS.give_back(room)
    assert [send(client) for _each in range(3)] == [400, 400, 400]


def test_without_a_room_a_long_text_is_not_read_to_its_end(full):
    body = Body({"username": "x" * (5 * sizes.PLAIN)})
    assert send_body(body) == 429
    assert body.taken < sizes.PLAIN + 3 * 64 * 1024


def test_the_room_is_held_while_the_text_is_read():
    free = []

    def look() -> None:
        room = sizes._ROOMS.take(0)
        other = sizes._ROOMS.take(0)
        free.append(bool(room) + bool(other))
        for each in filter(None, (room, other)):
            sizes._ROOMS.give_back(each)

    assert send_body(Body({"username": LONG * 3}, look)) == 400
    assert free[0] == 2
    assert free[-1] == 1
    assert free.count(1) > 50


def test_photos_need_no_room(full):
    photo = SimpleUploadedFile("a.jpg", LONG.encode() * 3)
    assert Client().post(reverse("login"), {"photo": photo}).status_code == 400
    # The door for one picture reads its body itself, and is counted all the same.
    assert Client().post(reverse("cases:attachment_upload"), {"photo": photo}).status_code not in (413, 429)
    assert Client().post(reverse("cases:attachment_upload"), {"claims": LONG}).status_code == 429


def test_who_sends_slowly_loses_the_room_to_the_next_one(monkeypatch):
    monkeypatch.setattr(sizes, "_SENDING", 0.0)
    assert send_body(Body({"username": LONG * 2})) == 413
    assert all(sizes._ROOMS.take(0) for _each in range(9))
