"""Photos that come with a wish: they are as private as the asker's words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.actions import wishes
from cases.models import Case
from grids.models import QrCode
from partymembers.models import User
from tests.factories.party import Party, publishing
from tests.factories.pictures import picture_bytes
from tests.factories.scene import signed_in
from tests.factories.wish_pages import WORDS, filled, visitor

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("who", ["nobody", "worker"])
def test_photos_go_with_the_wish_and_stay_as_private_as_its_words(
    party: Party, code: QrCode, who: str
) -> None:
    """They can show the door: nobody opens them before the confirmation but the asker and the desk."""
    client = visitor() if who == "nobody" else signed_in(party.world.worker)
    url = f"/r/{code.token}/wish/"
    assert 'data-name="photos"' in client.get(url).content.decode()
    sent = {**filled(party), "photos": SimpleUploadedFile("door.jpg", picture_bytes((60, 40)))}
    refused = client.post(url, sent | {"words": " "})
    assert refused.status_code == 400
    (kept,) = refused.context["kept"]
    assert kept["id"] in refused.content.decode()
    answer = client.post(url, filled(party, photos=[kept["id"]]))
    case = Case.objects.get()
    photo = case.attachments.get()
    assert (photo.role, photo.event.kind) == ("before", "ask")
    picture = reverse("cases:attachment", args=[photo.token])
    small = reverse("cases:attachment_thumbnail", args=[photo.token])
    assert small in client.get(answer["Location"]).content.decode()
    assert opened(picture, client) == 200
    desk = signed_in(party.world.desk)
    assert small in desk.get(reverse("cases:wish_order", args=[case.number])).content.decode()
    others = [party.member, party.second_member, party.secretary, party.volunteer, party.world.handler]
    for state, readers in _opening(party, case):
        page = reverse("cases:wish", args=[case.number])
        for other in others:
            reads = other in readers
            assert opened(picture, signed_in(other)) == (200 if reads else 404), (state, other)
            assert (small in signed_in(other).get(page).content.decode()) == reads, (state, other)
        assert small not in signed_in(party.member).get("/wishes/").content.decode()
        assert opened(picture, visitor()) == 404


def opened(url: str, client: Client) -> int:
    return int(client.get(url).status_code)


def _opening(party: Party, case: Case) -> Iterator[tuple[str, list[User]]]:
    """The wish on its way; at each step who beside asker and desk may see its pictures."""
    at = timezone.now()
    wishes.publish_wish(case_id=case.pk, publishing=publishing(), actor=party.world.desk, at=at)
    yield "published", []
    wishes.claim_wish(case_id=case.pk, actor=party.member, at=at)
    yield "claimed", []
    wishes.confirm_claim(case_id=case.pk, actor=party.secretary, at=at)
    yield "confirmed", [party.member]
    wishes.hand_back_wish(case_id=case.pk, actor=party.member, at=at, note="出差")
    yield "handed back", []


def test_sent_twice_with_its_photo_is_one_wish(party: Party, code: QrCode) -> None:
    client = visitor()
    client.get(f"/r/{code.token}/wish/")
    token = client.post("/attachments/", {"photo": SimpleUploadedFile("a.jpg", picture_bytes((60, 40)))})
    sent = filled(party, photos=[token.json()["id"]])
    answers = [client.post(f"/r/{code.token}/wish/", sent) for _time in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Case.objects.get().attachments.count() == 1


def test_a_picture_that_is_none_keeps_the_words(party: Party, code: QrCode) -> None:
    bad = SimpleUploadedFile("a.jpg", b"no picture")
    answer = visitor().post(f"/r/{code.token}/wish/", {**filled(party), "photos": bad})
    assert answer.status_code == 415
    assert WORDS in answer.content.decode()
    worker = signed_in(party.world.worker)
    bad.seek(0)
    grid = str(party.world.city.west_1.pk)
    answer = worker.post("/wishes/ask/", {**filled(party, grid=grid), "photos": bad})
    assert answer.status_code == 415
    assert WORDS in answer.content.decode()
    assert not Case.objects.exists()
