from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count

import pytest
from django.core.files.storage import default_storage
from django.db import connection, transaction

from cases import attachments
from cases.attachments import (
    MOST_AN_HOUR,
    claim_attachments,
    discard_picture,
    expire_uploads,
    store_picture,
    unclaimed,
    visible_attachment,
)
from cases.models import Attachment, Case, CaseEvent, Channel, CoReporter
from cases.pictures import Claims
from governance.common.errors import Invalid, NotVisible, Throttled, UnsupportedType
from partymembers.access import NOTHING, access_of
from partymembers.models import Role
from tests.factories.catalogue import make_matter
from tests.factories.grids import make_city
from tests.factories.people import make_user
from tests.factories.pictures import exif, picture_bytes

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 2, 24, tzinfo=UTC)
_numbers = count(1)


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def alice():
    return make_user("甲")


@pytest.fixture
def bob():
    return make_user("乙")


def store(data: bytes | None = None, **fields) -> Attachment:
    fields.setdefault("at", AT)
    return store_picture(BytesIO(picture_bytes() if data is None else data), **fields)


def make_order(place, **fields) -> tuple[Case, CaseEvent]:
    facts = {
        "number": f"A-{next(_numbers)}",
        "channel": Channel.RESIDENT,
        "reported_at": AT,
        "updated_at": AT,
    }
    matter = fields.pop("matter", None) or make_matter()
    case = Case.objects.create(
        matter=matter, place=place, desk=place, reported_place=place, **facts, **fields
    )
    return case, CaseEvent.objects.create(case=case, seq=1, kind="report", at=AT, actor_kind="user")


@pytest.fixture
def order():
    return make_order(make_city().west_1)


def files(media) -> list:
    return [path for path in media.rglob("*") if path.is_file()]


class TestStore:
    def test_both_files_lie_under_names_that_say_nothing(self, alice, media):
        row = store(uploader=alice)
        assert (row.uploader, row.upload_key, row.case, row.uploaded_at) == (alice, "", None, AT)
        assert len(row.token) == 43
        assert row.file.name.startswith("cases/2026/11/20/")
        assert len(files(media)) == 2
        assert row.token not in str(files(media))
        assert default_storage.size(row.file.name) == row.size
        assert {path.stat().st_mode & 0o777 for path in files(media)} == {0o600}

    def test_the_pictures_claims_go_before_the_phones(self, alice):
        phone = Claims(AT, 1.0, 2.0)
        own = store(picture_bytes(exif=exif()), uploader=alice, claims=phone)
        assert (own.claimed_at, own.claimed_lng) == (
            datetime(2026, 11, 20, 1, 39, 5, tzinfo=UTC),
            118.3201389,
        )
        bare = store(uploader=alice, claims=phone)
        assert (bare.claimed_at, bare.claimed_lng, bare.claimed_lat) == (AT, 1.0, 2.0)

    def test_a_refused_one_leaves_nothing(self, alice, media):
        with pytest.raises(UnsupportedType):
            store(b"text named .jpg", uploader=alice)
        assert Attachment.objects.count() == 0
        assert files(media) == []

    def test_a_row_that_cannot_be_written_leaves_no_file(self, alice, media):
        with pytest.raises(Exception, match="value too long"), transaction.atomic():
            store(uploader=alice, role="x" * 11)
        assert files(media) == []

    def test_it_belongs_to_somebody(self):
        with pytest.raises(ValueError, match="belongs"):
            store()

    def test_a_person_cannot_store_without_end(self, alice, bob, monkeypatch):
        monkeypatch.setattr(attachments, "MOST_AN_HOUR", 3)
        for _ in range(3):
            store(uploader=alice)
        with pytest.raises(Throttled):
            store(uploader=alice)
        store(uploader=bob)
        store(uploader=alice, at=AT + timedelta(hours=1, seconds=1))
        assert MOST_AN_HOUR >= 2 * attachments.MOST_AT_ONCE

    def test_new_sessions_from_one_address_do_not_help(self, monkeypatch):
        monkeypatch.setattr(attachments, "MOST_AN_HOUR_FROM_AN_ADDRESS", 3)
        for number in range(3):
            store(upload_key=f"session-{number}", ip="203.0.113.7")
        with pytest.raises(Throttled):
            store(upload_key="session-4", ip="203.0.113.7")
        store(upload_key="session-5", ip="203.0.113.8")

    def test_what_an_order_claimed_no_longer_counts(self, alice, order, monkeypatch):
        monkeypatch.setattr(attachments, "MOST_AN_HOUR", 1)
        claim_attachments([store(uploader=alice).token], case=order[0], event=order[1], by=alice)
        store(uploader=alice)


class TestClaim:
    def test_the_order_gets_them_in_the_order_given(self, alice, order, django_assert_num_queries):
        case, event = order
        rows = [store(uploader=alice, ip="203.0.113.7") for _ in range(3)]
        tokens = [rows[2].token, rows[0].token, rows[1].token, rows[2].token]
        with django_assert_num_queries(2):
            claimed = claim_attachments(tokens, case=case, event=event, by=alice, role=Attachment.Role.AFTER)
        assert claimed == [rows[2], rows[0], rows[1]]
        fresh = Attachment.objects.get(pk=rows[0].pk)
        assert (fresh.case, fresh.event, fresh.role, fresh.upload_ip) == (case, event, "after", None)

    def test_a_session_claims_its_own(self, order):
        row = store(upload_key="k1")
        assert claim_attachments([row.token], case=order[0], event=order[1], upload_key="k1") == [row]

    @pytest.mark.parametrize("who", ["bob", "session", "nobody"])
    def test_nobody_claims_anothers(self, who, alice, bob, order):
        mine, session = store(uploader=alice), store(upload_key="k1")
        by, key, tokens = {
            "bob": (bob, "", [mine.token]),
            "session": (None, "k2", [session.token]),
            "nobody": (None, "", [session.token]),
        }[who]
        with pytest.raises(Invalid) as refusal:
            claim_attachments(tokens, case=order[0], event=order[1], by=by, upload_key=key)
        assert (refusal.value.field, refusal.value.code) == ("photos", "picture_gone")
        assert Attachment.objects.filter(case=None).count() == 2

    def test_one_picture_serves_one_order(self, alice, order):
        row = store(uploader=alice)
        claim_attachments([row.token], case=order[0], event=order[1], by=alice)
        with pytest.raises(Invalid):
            claim_attachments([row.token], case=order[0], event=order[1], by=alice)

    def test_nine_at_once(self, alice, order):
        tokens = [store(uploader=alice).token for _ in range(10)]
        with pytest.raises(Invalid, match="9"):
            claim_attachments(tokens, case=order[0], event=order[1], by=alice)
        assert len(claim_attachments(tokens[:9], case=order[0], event=order[1], by=alice)) == 9

    def test_a_form_shows_ones_own_again(self, alice, bob, order):
        first, second, taken = [store(uploader=alice) for _ in range(3)]
        claim_attachments([taken.token], case=order[0], event=order[1], by=alice)
        tokens = [second.token, taken.token, "unknown", store(uploader=bob).token, first.token]
        assert unclaimed(tokens, by=alice) == [second, first]
        assert unclaimed(tokens, by=None) == []


class TestVisible:
    """Alice reported, Bob stands at the desk, Charlie works elsewhere."""

    @pytest.fixture
    def city(self):
        return make_city()

    @pytest.fixture
    def people(self, city):
        return {
            "alice": make_user("甲", role=Role.GRID_WORKER, place=city.west_1),
            "bob": make_user("乙", role=Role.DESK, place=city.west),
            "charlie": make_user("丙", role=Role.DESK, place=city.east),
        }

    def sees(self, row, user=None, **fields) -> bool:
        access = access_of(user, on=AT.date()) if user else NOTHING
        try:
            return visible_attachment(row.token, access=access, **fields) == row
        except NotVisible:
            return False

    def test_before_an_order_claims_it_only_its_owner_does(self, people):
        row = store(uploader=people["alice"])
        assert [name for name, user in people.items() if self.sees(row, user)] == ["alice"]
        assert not self.sees(row)

    def test_afterwards_those_who_see_the_order(self, people, city):
        case, event = make_order(city.west_1, community=city.west, grid=city.west_1)
        row = store(uploader=people["alice"])
        claim_attachments([row.token], case=case, event=event, by=people["alice"])
        assert [name for name, user in people.items() if self.sees(row, user)] == ["alice", "bob"]
        assert not self.sees(row)

    def test_who_no_longer_sees_the_order_no_longer_sees_its_pictures(self, people, city):
        case, event = make_order(city.west_1, community=city.west, grid=city.west_1)
        row = store(uploader=people["charlie"])
        claim_attachments([row.token], case=case, event=event, by=people["charlie"])
        assert not self.sees(row, people["charlie"])

    def test_a_session_sees_what_it_sent_before_and_after(self, order):
        row = store(upload_key="k1")
        assert self.sees(row, upload_key="k1")
        assert not self.sees(row, upload_key="k2")
        assert not self.sees(row, upload_key="")
        claim_attachments([row.token], case=order[0], event=order[1], upload_key="k1")
        assert self.sees(row, upload_key="k1")
        assert not self.sees(row, upload_key="k2")

    def test_followers_see_what_is_theirs_to_see(self, alice, city):
        case, event = make_order(city.west_1, follow_token="reporter-link")
        CoReporter.objects.create(case=case, follow_token="joiner-link", joined_at=AT)
        other, _event = make_order(city.west_1, follow_token="other-link")
        seen = {}
        for role in Attachment.Role:
            row = store(uploader=alice)
            claim_attachments([row.token], case=case, event=event, by=alice, role=role)
            links = ["reporter-link", "joiner-link", "other-link"]
            seen[role.value] = [link for link in links if self.sees(row, follow_tokens=[link])]
        assert other.pk != case.pk
        assert seen == {
            "before": ["reporter-link"],
            "after": ["reporter-link", "joiner-link"],
            "check": [],
            "evidence": [],
        }

    def test_an_unknown_token_looks_like_anothers(self, people):
        with pytest.raises(NotVisible):
            visible_attachment("x" * 43, access=access_of(people["bob"], on=AT.date()))


class TestLeaving:
    def test_a_day_later_what_nobody_claimed_is_gone(
        self, alice, order, media, django_capture_on_commit_callbacks
    ):
        old, claimed, young = [store(uploader=alice) for _ in range(3)]
        claim_attachments([claimed.token], case=order[0], event=order[1], by=alice)
        Attachment.objects.filter(pk=young.pk).update(uploaded_at=AT + timedelta(minutes=1))
        with django_capture_on_commit_callbacks(execute=True):
            assert expire_uploads(AT + timedelta(hours=24)) == 0
            assert expire_uploads(AT + timedelta(hours=24, seconds=1)) == 1
        assert set(Attachment.objects.all()) == {claimed, young}
        assert not default_storage.exists(old.file.name)
        assert not default_storage.exists(old.thumbnail.name)
        assert len(files(media)) == 4

    def test_many_are_deleted_in_turns(self, alice, monkeypatch):
        monkeypatch.setattr(attachments, "_EXPIRE_AT_ONCE", 2)
        for _ in range(5):
            store(uploader=alice)
        assert expire_uploads(AT + timedelta(days=2)) == 5

    def test_one_may_discard_ones_own(self, alice, bob, media, django_capture_on_commit_callbacks):
        row = store(uploader=alice)
        with django_capture_on_commit_callbacks(execute=True):
            assert not discard_picture(row.token, by=bob)
            assert discard_picture(row.token, by=alice)
            assert not discard_picture(row.token, by=alice)
        assert files(media) == []

    def test_what_an_order_has_cannot_be_discarded(self, alice, order):
        row = store(uploader=alice)
        claim_attachments([row.token], case=order[0], event=order[1], by=alice)
        assert not discard_picture(row.token, by=alice)


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_a_time_share_the_work(media):
    """A row that another sweep holds is passed over, not waited for."""
    alice = make_user("甲")
    held, free = store(uploader=alice), store(uploader=alice)
    other = connection.copy()
    other.set_autocommit(False)
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM cases_attachment WHERE id = %s FOR UPDATE", [held.pk])
            assert expire_uploads(AT + timedelta(days=2)) == 1
        other.rollback()
    finally:
        other.close()
    assert list(Attachment.objects.all()) == [held]
    assert not default_storage.exists(free.file.name)
    assert expire_uploads(AT + timedelta(days=2)) == 1
    assert files(media) == []
