"""A wish that a worker files for somebody: whose it is, and what the worker hands over."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from cases.actions import wishes
from cases.models import Case, Channel, Feedback
from cases.workflow import State
from tests.factories.cases import make_attachment
from tests.factories.party import Party, ask, publishing
from tests.factories.pictures import picture_bytes
from tests.factories.scene import signed_in
from tests.factories.wish_pages import DOOR, NAME, PHONE, filled, visitor

pytestmark = pytest.mark.django_db


def test_a_grid_worker_asks_on_a_residents_behalf(party: Party) -> None:
    worker = signed_in(party.world.worker)
    page = worker.get("/wishes/ask/").content.decode()
    assert 'name="grid"' in page
    grid = str(party.world.city.west_1.pk)
    refused = worker.post("/wishes/ask/", filled(party, grid=grid, phone="", address=""))
    assert refused.status_code == 400
    answer = worker.post("/wishes/ask/", filled(party, grid=grid))
    case = Case.objects.get()
    assert answer["Location"] == f"/wishes/mine/{case.number}/"
    assert (case.reporter, case.reporter_name, case.reporter_phone) == (party.world.worker, NAME, PHONE)
    assert (case.place, case.address, case.channel) == (party.world.city.west_1, DOOR, Channel.GRID_WORKER)
    mine = worker.get("/wishes/mine/").content.decode()
    assert case.number in mine
    assert NAME not in mine


def test_whom_a_worker_asks_for_gets_a_link_and_rates_by_it(party: Party) -> None:
    worker = signed_in(party.world.worker)
    grid = str(party.world.city.west_1.pk)
    photo = SimpleUploadedFile("a.jpg", picture_bytes((60, 40)))
    page = worker.post("/wishes/ask/", {**filled(party, grid=grid), "photos": photo}, follow=True)
    case = Case.objects.get()
    assert case.attachments.count() == 1
    link = f"http://testserver/f/{case.follow_token}/"
    text = page.content.decode()
    assert link in text
    assert "<svg" in text.split('class="wd-code"')[1][:200]
    told = visitor().get(link).content.decode()
    assert case.number in told
    assert party.world.worker.name not in told
    for secret in (PHONE, NAME, DOOR):
        assert secret not in told
    found = visitor().post("/follow/", {"number": case.number, "phone": PHONE})
    assert found["Location"] == f"/f/{case.follow_token}/"
    at = timezone.now()
    wishes.publish_wish(case_id=case.pk, publishing=publishing(), actor=party.world.desk, at=at)
    wishes.claim_wish(case_id=case.pk, actor=party.member, at=at)
    wishes.confirm_claim(case_id=case.pk, actor=party.secretary, at=at)
    done = make_attachment(party.member, at=at)
    wishes.deliver_wish(case_id=case.pk, actor=party.member, at=at, note="换好了", attachments=[done])
    assert visitor().post(f"{link}rate/", {"satisfaction": "satisfied"}).status_code == 302
    case.refresh_from_db()
    assert (case.state, case.satisfaction) == (State.CLOSED, "satisfied")
    assert Feedback.objects.get().by is None


def test_one_s_own_wish_has_no_link_to_hand_over(party: Party) -> None:
    own = ask(party, asker=party.world.resident)
    assert own.follow_token is None
    page = signed_in(party.world.resident).get(f"/wishes/mine/{own.number}/").content.decode()
    assert "wd-code" not in page


def test_a_phone_without_a_name_is_asked_whose_it_is(party: Party) -> None:
    grid = str(party.world.city.west_1.pk)
    answer = signed_in(party.world.worker).post("/wishes/ask/", filled(party, grid=grid, name=""))
    assert answer.status_code == 400
    assert list(answer.context["form"].errors) == ["name"]
    assert not Case.objects.exists()
