"""Pictures through the API: in one go, and in parts over a line that is cut."""

from __future__ import annotations

import base64
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from cases import uploads
from cases.attachments import UNCLAIMED_FOR
from cases.models import Attachment, Upload
from cases.pictures import MAX_BYTES, Claims
from cases.tasks import expire_uploads
from cases.uploads import MOST_UNFINISHED
from tests.cases.api.scenes import act, fields_of
from tests.factories.cases import make_world, report
from tests.factories.grids import make_city
from tests.factories.keys import Caller
from tests.factories.people import make_user
from tests.factories.pictures import picture_bytes
from tests.factories.threads import at_once

pytestmark = pytest.mark.django_db
UPLOADS, ATTACHMENTS = "/api/v1/uploads/", "/api/v1/attachments/"
TUS = {"Tus-Resumable": "1.0.0"}
PART = "application/offset+octet-stream"
PICTURE = picture_bytes((320, 240))


@pytest.fixture
def caller() -> Caller:
    return Caller("orders:write", place=make_city().west)


def begin(caller: Caller, length: int, **said: str) -> Any:
    told = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in said.items())
    headers = TUS | {"Upload-Length": str(length), "Upload-Metadata": told}
    return caller.post(UPLOADS, headers=headers)


def send(caller: Caller, where: str, offset: int, data: bytes, **environ: Any) -> Any:
    headers = TUS | {"Upload-Offset": str(offset)}
    return caller.generic("PATCH", where, data, content_type=PART, headers=headers, **environ)


def files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).glob("uploads/*") if path.is_file()]


def test_an_upload_that_is_cut_goes_on_where_it_stopped_and_becomes_a_picture(caller: Caller) -> None:
    taken = timezone.now() - timedelta(hours=1)
    begun = begin(caller, len(PICTURE), role="after", taken_at=taken.isoformat(), lng="118.3", lat="32.3",
                  filename="照片.jpg")  # fmt: skip
    where = begun.headers["Location"]
    assert (begun.status_code, begun.headers["Upload-Offset"]) == (201, "0")
    assert begun.headers["Upload-Expires"].endswith("GMT")

    class Cut(BytesIO):
        """A line that ends in the middle."""

        def read(self, size: int | None = -1, /) -> bytes:
            if found := super().read(min(size or 100, 100) if size and size > 0 else 100):
                return found
            raise OSError("cut")

    cut = send(
        caller, where, 0, b"", **{"wsgi.input": Cut(PICTURE[:100]), "CONTENT_LENGTH": str(len(PICTURE))}
    )
    assert (cut.status_code, cut.headers["Upload-Offset"]) == (204, "100")
    asked = caller.head(where, headers=TUS)
    assert (asked.headers["Upload-Offset"], asked.headers["Upload-Length"]) == ("100", str(len(PICTURE)))
    assert asked.headers["Cache-Control"] == "no-store"
    assert send(caller, where, 0, PICTURE).status_code == 409
    assert send(caller, where, 200, PICTURE[200:300]).json()["code"] == "wrong_offset"
    assert send(caller, where, 100, PICTURE[100:] + b"x").status_code == 413
    assert [path.stat().st_mode & 0o777 for path in files()] == [0o600]
    with files()[0].open("ab") as file:  # what a try left that was never counted
        file.write(b"half a part")
    assert send(caller, where, 100, PICTURE[100:200]).headers["Upload-Offset"] == "200"
    done = send(caller, where, 200, PICTURE[200:])

    row = Attachment.objects.get()
    assert (done.status_code, done.headers["Attachment-Token"]) == (204, row.token)
    assert (row.role, row.claimed_at, row.claimed_lng, row.uploader) == ("after", taken, 118.3, caller.user)
    told = caller.get(where).json()
    assert (told["attachment"], told["offset"], told["length"]) == (row.token, len(PICTURE), len(PICTURE))
    assert send(caller, where, len(PICTURE), b"").headers["Attachment-Token"] == row.token
    assert Attachment.objects.count() == 1


def test_the_bytes_of_a_finished_upload_are_gone_and_its_picture_goes_with_an_order(
    django_capture_on_commit_callbacks: Any,
) -> None:
    world = make_world()
    caller = Caller(place=world.city.west)
    where = begin(caller, len(PICTURE)).headers["Location"]
    with django_capture_on_commit_callbacks(execute=True):
        token = send(caller, where, 0, PICTURE).headers["Attachment-Token"]
    assert not files()
    case = report(world)
    answer = act(caller, case.number, "attach", {"attachments": [token]})
    assert (answer.status_code, Attachment.objects.get().case) == (200, case)
    again = act(caller, case.number, "attach", {"attachments": [token]})
    assert fields_of(again) == ["attachments"]


def test_what_is_no_picture_is_refused_and_forgotten(
    caller: Caller, django_capture_on_commit_callbacks: Any
) -> None:
    for data, status in ((b"<svg/>" * 20, 415), (PICTURE[:200], 400)):
        where = begin(caller, len(data)).headers["Location"]
        with django_capture_on_commit_callbacks(execute=True):
            assert send(caller, where, 0, data).status_code == status
        assert caller.get(where).status_code == 404
    assert (Upload.objects.count(), Attachment.objects.count(), files()) == (0, 0, [])


def test_whoever_speaks_otherwise_is_told_how(caller: Caller) -> None:
    able = caller.options(UPLOADS)
    assert (able.status_code, able.headers["Tus-Extension"]) == (204, "creation,expiration,termination")
    assert able.headers["Tus-Max-Size"] == str(MAX_BYTES)
    assert caller.post(UPLOADS, headers={"Upload-Length": "5"}).status_code == 412
    assert begin(caller, MAX_BYTES + 1).status_code == 413
    assert begin(caller, 0).status_code == 400
    assert caller.post(UPLOADS, headers=TUS | {"Upload-Length": "-1"}).status_code == 400
    assert fields_of(begin(caller, 5, role="spy")) == ["role"]
    assert begin(caller, 5, colour="red").json()["errors"][0]["code"] == "unknown_field"
    wrong = caller.post(UPLOADS, headers=TUS | {"Upload-Length": "5", "Upload-Metadata": "role %%%"})
    assert fields_of(wrong) == ["Upload-Metadata"]
    where = begin(caller, 5).headers["Location"]
    assert caller.generic("PATCH", where, b"x", headers=TUS | {"Upload-Offset": "0"}).status_code == 415
    assert caller.generic("PATCH", where, b"x", content_type=PART, headers=TUS).status_code == 400


def test_an_upload_belongs_to_its_account_is_deleted_by_it_and_expires_after_a_day(
    caller: Caller, django_capture_on_commit_callbacks: Any
) -> None:
    other, reader = (
        Caller(place=make_city("341200000000").west),
        Caller("orders:read", account=caller.account),
    )
    first, second = (begin(caller, len(PICTURE)).headers["Location"] for _ in range(2))
    for where in (first, second):
        send(caller, where, 0, PICTURE[:100])
    assert other.get(first).status_code == other.delete(first, headers=TUS).status_code == 404
    assert send(other, first, 100, PICTURE[100:]).status_code == 404
    assert reader.get(first).status_code == 403
    with django_capture_on_commit_callbacks(execute=True):
        assert caller.delete(first, headers=TUS).status_code == 204
    assert (caller.get(first).status_code, len(files())) == (404, 1)
    Upload.objects.update(expires_at=timezone.now())
    assert caller.head(second, headers=TUS).status_code == 404
    expire_uploads()
    assert (Upload.objects.count(), files()) == (0, [])
    for _ in range(MOST_UNFINISHED):
        assert begin(caller, 5).status_code == 201
    assert begin(caller, 5).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_pass_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_UNFINISHED", 1)
    user, at = make_user(), timezone.now()

    def begun() -> Upload:
        return uploads.begin_upload(uploader=user, length=5, role="before", claims=Claims(), at=at)

    found = at_once(*[begun] * 4)

    assert sorted(type(each).__name__ for each in found) == ["Throttled"] * 3 + ["Upload"]


def test_a_picture_comes_in_one_go_with_what_is_said_of_it(caller: Caller) -> None:
    file = SimpleUploadedFile("a.jpg", PICTURE, "image/jpeg")
    made = caller.post(
        ATTACHMENTS, {"file": file, "role": "after", "lng": "118.3", "lat": "32.3"}, format="multipart"
    )

    row = Attachment.objects.get()
    told = made.json()
    assert (made.status_code, told["token"], told["width"]) == (201, row.token, 320), told
    assert told["expires_at"] == timezone.localtime(row.uploaded_at + UNCLAIMED_FOR).isoformat()
    assert (row.role, row.claimed_lat) == ("after", 32.3)
    assert Caller("orders:read", account=caller.account).get(told["url"]).status_code == 200
    wrong: dict[str, dict[str, Any]] = {
        "file": {},
        "lat": {"file": SimpleUploadedFile("a.jpg", PICTURE), "lng": "1"},
        "colour": {"file": SimpleUploadedFile("a.jpg", PICTURE), "colour": "red"},
    }
    for field, body in wrong.items():
        answer = caller.post(ATTACHMENTS, body, format="multipart")
        assert fields_of(answer) == [field]
    for data, status in ((b"", 400), (b"no picture", 415), (b"x" * (MAX_BYTES + 100_000), 413)):
        answer = caller.post(ATTACHMENTS, {"file": SimpleUploadedFile("a.jpg", data)}, format="multipart")
        assert fields_of(answer, status) == ["file"], len(data)
    assert Attachment.objects.count() == 1


def test_a_form_in_pieces_is_refused_in_the_callers_language(caller: Caller) -> None:
    kind = "multipart/form-data; boundary="
    refused = caller.post(ATTACHMENTS, b"x", content_type=kind, headers={"Accept-Language": "zh-hans"})
    told = refused.json()
    assert (refused.status_code, told["code"], told["detail"]) == (
        400,
        "malformed",
        "这不是符合 multipart/form-data 的表单。",
    )
