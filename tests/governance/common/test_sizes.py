"""How large a body may be: read where its form can give the text back, refused unread elsewhere."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
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


def test_few_long_texts_are_in_work_at_once_and_each_gives_its_room_back(monkeypatch):
    client = Client()
    assert [send(client) for _each in range(3)] == [400, 400, 400]
    monkeypatch.setattr(sizes, "_PATIENCE", 0.01)
    for _each in range(2):
        assert sizes._ROOM.acquire(blocking=False)
    try:
        assert send(client) == 429
        assert send(client, "short") == 400
    finally:
        for _each in range(2):
            sizes._ROOM.release()
    assert send(client) == 400
