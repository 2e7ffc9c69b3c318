from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from cases.models import Attachment, Case, CaseEvent, Channel
from cases.web.attachments import FOLLOWED, UPLOAD_KEY, claims_from, posted_photos
from governance.common.errors import Invalid, UnsupportedType
from partymembers.models import Role
from tests.factories.catalogue import make_matter
from tests.factories.grids import make_city
from tests.factories.people import make_user
from tests.factories.pictures import huge_png, picture_bytes

pytestmark = pytest.mark.django_db
UPLOAD = "/attachments/"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def city():
    return make_city()


@pytest.fixture
def alice(city):
    return make_user("甲", role=Role.GRID_WORKER, place=city.west_1)


@pytest.fixture
def charlie(city):
    return make_user("丙", role=Role.DESK, place=city.east)


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def resident(key: str = "k1", **session) -> Client:
    client = Client()
    stored = client.session
    stored[UPLOAD_KEY] = key
    stored.update(session)
    stored.save()
    return client


def send(client: Client, data: bytes | None = None, name: str = "IMG_0001.jpg", headers=None, **fields):
    file = SimpleUploadedFile(name, picture_bytes() if data is None else data, "image/jpeg")
    return client.post(UPLOAD, {"photo": file, **fields}, headers=headers)


def give_to_order(row: Attachment, place, **fields) -> Case:
    now = timezone.now()
    case = Case.objects.create(
        number=f"W-{row.pk}",
        channel=Channel.RESIDENT,
        matter=make_matter(),
        place=place,
        desk=place,
        reported_place=place,
        reported_at=now,
        updated_at=now,
        **fields,
    )
    row.event = CaseEvent.objects.create(case=case, seq=1, kind="report", at=now, actor_kind="user")
    row.case = case
    row.save()
    return case


class TestUpload:
    def test_a_worker_gets_an_id_and_addresses(self, alice):
        claims = {"taken_at": timezone.localtime().strftime("%Y-%m-%dT%H:%M:%S"), "lng": 118.32, "lat": 32.3}
        answer = send(signed_in(alice), claims=json.dumps(claims))
        row = Attachment.objects.get()
        assert answer.status_code == 201
        assert answer.json() == {
            "id": row.token,
            "url": f"/attachments/{row.token}/",
            "thumb_url": f"/attachments/{row.token}/small/",
            "width": 64,
            "height": 48,
            "name": "",
        }
        assert (row.uploader, row.upload_ip, row.claimed_lng) == (alice, "127.0.0.1", 118.32)
        assert abs(row.claimed_at - timezone.now()) < timedelta(minutes=1)

    def test_a_residents_session_uploads_under_its_key(self):
        assert send(resident("k9")).status_code == 201
        assert Attachment.objects.values_list("upload_key", "uploader").get() == ("k9", None)

    def test_htmx_gets_a_part_that_carries_the_id(self, alice):
        answer = send(signed_in(alice), headers={"HX-Request": "true"})
        assert answer.status_code == 201
        token = Attachment.objects.get().token
        assert f'<input type="hidden" name="photos" value="{token}">' in answer.text
        assert f'src="/attachments/{token}/small/"' in answer.text

    def test_a_stranger_uploads_nothing(self, media):
        answer = send(Client())
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
        assert list(media.rglob("*.jpg")) == []

    def test_without_csrf_token_nothing_is_taken(self, alice):
        client = Client(enforce_csrf_checks=True)
        client.force_login(alice)
        assert send(client).status_code == 403
        assert Attachment.objects.count() == 0

    @pytest.mark.parametrize(
        ("data", "status", "code"),
        [
            (b"a text file named .jpg", 415, "unsupported_type"),
            (huge_png(10_000, 10_000), 413, "too_large"),
            (picture_bytes()[:300], 400, "damaged_picture"),
        ],
        ids=["text", "100 megapixels", "truncated"],
    )
    def test_a_bad_one_gets_a_clear_answer(self, alice, data, status, code):
        answer = send(signed_in(alice), data)
        assert answer.status_code == status
        told = answer.json()
        assert (told["field"], told["code"]) == ("photo", code)
        assert told["message"]
        assert Attachment.objects.count() == 0

    def test_too_large_a_body_is_refused_before_it_is_read(self, alice):
        answer = send(signed_in(alice), b"\xff\xd8\xff" + b"\0" * (21 * 1024 * 1024))
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def test_no_file_is_told(self, alice):
        client = signed_in(alice)
        assert client.post(UPLOAD, {"photo": "text"}).json()["code"] == "invalid"
        assert client.post(UPLOAD, b"{", content_type="application/json").status_code == 400
        assert client.post(UPLOAD, b"--x", content_type="multipart/form-data; boundary=").status_code == 400
        assert client.get(UPLOAD).status_code == 405

    def test_too_many_are_told_to_wait(self, alice, monkeypatch):
        monkeypatch.setattr("cases.attachments.MOST_AN_HOUR", 1)
        client = signed_in(alice)
        send(client)
        answer = send(client)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "600")


class TestServe:
    def test_the_picture_comes_private_and_as_what_it_is(self, alice):
        client = signed_in(alice)
        url = send(client).json()["url"]
        answer = client.get(url)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["Cache-Control"] == "private, max-age=3600"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        content = b"".join(answer.streaming_content)
        assert content[:3] == b"\xff\xd8\xff"
        assert len(content) == Attachment.objects.get().size
        assert client.get(url, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304

    def test_both_sizes_have_their_own_tag(self, alice):
        client = signed_in(alice)
        told = send(client, picture_bytes((800, 600))).json()
        full, small = client.get(told["url"]), client.get(told["thumb_url"])
        assert full.headers["ETag"] != small.headers["ETag"]
        assert len(b"".join(small.streaming_content)) < len(b"".join(full.streaming_content))

    def test_outsiders_get_404_for_both_sizes(self, alice, charlie, city):
        told = send(signed_in(alice)).json()
        give_to_order(Attachment.objects.get(), city.west_1, community=city.west, grid=city.west_1)
        for url in (told["url"], told["thumb_url"]):
            assert signed_in(alice).get(url).status_code == 200
            assert signed_in(charlie).get(url).status_code == 404
            assert Client().get(url).status_code == 404
            assert resident("k1").get(url).status_code == 404
        assert signed_in(charlie).get(f"/attachments/{'x' * 43}/").status_code == 404

    def test_a_resident_sees_their_own_and_what_they_follow(self, city):
        url = send(resident("k1")).json()["url"]
        give_to_order(Attachment.objects.get(), city.west_1, follow_token="the-link")
        assert resident("k1").get(url).status_code == 200
        assert resident("k2").get(url).status_code == 404
        assert resident("k2", **{FOLLOWED: ["the-link"]}).get(url).status_code == 200

    def test_signing_in_ends_the_residents_key(self, alice):
        client = resident("k1")
        url = send(client).json()["url"]
        client.force_login(alice)
        assert client.get(url).status_code == 404

    def test_a_file_that_is_lost_is_404(self, alice, media):
        client = signed_in(alice)
        url = send(client).json()["url"]
        for path in media.rglob("*.jpg"):
            path.unlink()
        assert client.get(url).status_code == 404

    def test_a_server_in_front_may_send_the_bytes(self, alice, settings):
        settings.MEDIA_ACCEL_PREFIX = "/private/"
        client = signed_in(alice)
        answer = client.get(send(client).json()["url"])
        assert answer.headers["X-Accel-Redirect"] == f"/private/{Attachment.objects.get().file.name}"
        assert answer.content == b""

    def test_three_queries_beside_the_session(self, alice, city, django_assert_max_num_queries):
        client = signed_in(alice)
        url = send(client).json()["url"]
        give_to_order(Attachment.objects.get(), city.west_1, community=city.west, grid=city.west_1)
        client.get(url)
        with django_assert_max_num_queries(6):
            client.get(url)


class TestDiscard:
    def test_ones_own_goes(self, alice, charlie):
        client = signed_in(alice)
        url = send(client).json()["url"]
        assert signed_in(charlie).delete(url).status_code == 404
        assert client.delete(url).status_code == 204
        assert client.delete(url).status_code == 404
        assert Attachment.objects.count() == 0

    def test_an_orders_picture_stays(self, alice, city):
        client = signed_in(alice)
        url = send(client).json()["url"]
        give_to_order(Attachment.objects.get(), city.west_1, grid=city.west_1)
        assert client.delete(url).status_code == 404
        assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        None,
        [],
        "text",
        {"taken_at": "not a time", "lng": "118", "lat": 32},
        {"taken_at": "2026-13-45T00:00:00", "lng": float("nan"), "lat": float("inf")},
        {"taken_at": ["2026"], "lng": 181, "lat": 0},
        {"taken_at": "1900-01-01T00:00:00", "lng": True, "lat": True},
        {"lng": 118.3},
    ],
)
def test_odd_claims_say_nothing(said):
    claims = claims_from(said, at=timezone.now())
    assert (claims.at, claims.lng, claims.lat) == (None, None, None)


def test_the_addresses_have_names():
    assert reverse("cases:attachment_upload") == UPLOAD


class TestPosted:
    """A form without scripts brings its files itself."""

    def request(self, user, data: dict):
        request = RequestFactory().post("/", data)
        request.user, request.session = user, SessionStore()
        return request

    def file(self) -> SimpleUploadedFile:
        return SimpleUploadedFile("a.jpg", picture_bytes(), "image/jpeg")

    def test_tokens_first_then_files_with_their_claims(self, alice):
        claims = json.dumps([{"lng": 118.3, "lat": 32.3}])
        data = {"photos": ["t" * 43, self.file(), self.file()], "photos_claims": claims}
        tokens = posted_photos(self.request(alice, data), at=timezone.now())
        assert tokens[0] == "t" * 43
        assert tokens[1:] == list(Attachment.objects.order_by("pk").values_list("token", flat=True))
        assert list(Attachment.objects.order_by("pk").values_list("claimed_lng", flat=True)) == [118.3, None]

    def test_a_bad_one_names_the_field(self, alice):
        data = {"after": [SimpleUploadedFile("a.jpg", b"text", "image/jpeg")]}
        with pytest.raises(UnsupportedType) as refusal:
            posted_photos(self.request(alice, data), "after", at=timezone.now())
        assert refusal.value.field == "after"

    def test_too_many_are_refused_before_any_is_stored(self, alice):
        data = {"photos": ["t" * 43, *[self.file() for _ in range(9)]]}
        with pytest.raises(Invalid):
            posted_photos(self.request(alice, data), at=timezone.now())
        assert Attachment.objects.count() == 0
