"""What no browser sends: NUL characters and numbers of thousands of digits past the forms' fields."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.core import signing
from django.urls import reverse

from partymembers.actions.check_ins import ask_check_in
from partymembers.models import CheckIn, Evaluation, Member, MemberMove, Redemption
from partymembers.web.service.stations import SERVED_SALT
from tests.factories.cases import NOON
from tests.factories.party import Party, make_branch, make_branch_post, make_member, make_party
from tests.factories.scene import signed_in
from tests.factories.service import award_wish, make_station

pytestmark = pytest.mark.django_db
ENDLESS = "9" * 5000
TORN = "住址\x00不符"


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def party() -> Party:
    return make_party()


def request_of(party: Party) -> CheckIn:
    member = make_member("新党员", home=party.home, lives_at=party.world.city.building)
    return ask_check_in(actor=member.user, branch_id=party.committee.pk, at=NOON)


def test_answering_a_request(party: Party) -> None:
    secretary, refused, accepted = signed_in(party.secretary), request_of(party), request_of(party)
    url = reverse("party:check_in_refuse", args=[refused.pk])
    answer = secretary.post(url, {"reason": TORN, "of": ENDLESS})
    assert answer.headers["Location"] == f"/party/branches/{party.committee.pk}/?tab=requests"
    refused.refresh_from_db()
    assert (refused.state, refused.note) == ("refused", "住址不符")
    url = reverse("party:check_in_accept", args=[accepted.pk])
    assert secretary.post(url, {"of": ENDLESS}).status_code == 302
    accepted.refresh_from_db()
    assert accepted.state == "accepted"


def test_a_request_answered_twice_is_told_where_it_was_pressed(party: Party) -> None:
    secretary, request = signed_in(party.secretary), request_of(party)
    url = reverse("party:check_in_accept", args=[request.pk])
    texts = [secretary.post(url, follow=True).content.decode() for _press in range(2)]
    assert ["已处理" in text for text in texts] == [False, True]
    member, url = signed_in(request.member.user), reverse("party:check_in_withdraw", args=[request.pk])
    assert "已处理" in member.post(url, follow=True).content.decode()


def test_transferring_and_grading(party: Party) -> None:
    member = Member.objects.get(user=party.member)
    other = make_branch(party.committee, "第二支部")
    secretary, url = signed_in(party.secretary), reverse("party:member_transfer", args=[member.pk])
    assert secretary.post(url, {"branch": ENDLESS}).status_code == 400
    assert secretary.post(url, {"branch": other.pk, "reason": TORN}).status_code == 302
    assert MemberMove.objects.get(member=member, kind="home").reason == "住址不符"
    typed = {
        "year": "2026",
        f"grade-{member.pk}": "good",
        f"note-{member.pk}": TORN,
        f"grade-{ENDLESS[:30]}": "good",
    }
    assert secretary.post(reverse("party:evaluate", args=[party.committee.pk]), typed).status_code == 302
    assert Evaluation.objects.get().note == "住址不符"


def test_the_counter(party: Party) -> None:
    item = make_station(party.world.city.west)
    award_wish(party, party.member, 1, stated=50)
    url, desk = reverse("service:redeem", args=[item.station_id]), signed_in(party.world.desk)
    typed: dict[str, Any] = {"who": signing.dumps(party.member.pk, salt=SERVED_SALT)}
    assert desk.post(url, {**typed, "item": ENDLESS}).status_code == 404
    assert desk.post(url, {**typed, "item": item.pk, "receipt": "a\x00"}).status_code == 302
    assert Redemption.objects.get().user == party.member


def test_another_post(party: Party) -> None:
    assert signed_in(party.secretary).post(reverse("switch_post"), {"post": ENDLESS}).status_code == 404


@pytest.mark.parametrize(
    ("year", "status"), [(2026, 200), (2000, 200), (1999, 404), (2027, 404), (10**30, 404)]
)
def test_a_year_that_was_never_graded_has_no_report(party: Party, year: int, status: int) -> None:
    make_branch_post(party.world.second_desk, party.home)
    url = reverse("party:evaluation_report", args=[party.world.unit.pk, year])
    assert signed_in(party.world.second_desk).get(url).status_code == status


def test_a_slip_in_the_year_is_no_day_of_joining(party: Party) -> None:
    url = reverse("party:take_in", args=[party.committee.pk])
    typed = {"staff_number": party.outsider.username, "status": "full"}
    for day in (dt.date(1, 1, 1), dt.date(1921, 6, 30), dt.date(2026, 11, 21)):
        refused = signed_in(party.secretary).post(url, typed | {"settled_on": day.isoformat()})
        assert list(refused.context["take_in_form"].errors) == ["settled_on"]
    assert signed_in(party.secretary).post(url, typed | {"settled_on": "1921-07-01"}).status_code == 302
