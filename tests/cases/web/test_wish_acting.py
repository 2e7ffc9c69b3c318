"""What helpers and committees do with a wish, through the door that takes their actions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from cases.actions import wishes
from cases.escalation import sweep_ladder
from cases.models import Case, Claim
from cases.workflow import State
from tests.factories.cases import MINUTE, NOON, make_attachment
from tests.factories.party import (
    Party,
    bring_wish_to,
    make_branch,
    make_branch_post,
    make_member,
)
from tests.factories.people import make_user
from tests.factories.scene import signed_in
from tests.factories.wish_pages import WALL, door_of, leaks, page_of, read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]
DAY = timedelta(days=1)


def test_claiming_shows_the_promise_first_and_then_claims_for_a_unit(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    client = signed_in(party.world.handler)
    sheet = client.get(door_of(case, "claim")).content.decode()
    assert "12月6日前送达" in sheet
    assert "市政养护所" in sheet
    odd = client.post(door_of(case, "claim"), {"for_whom": "unit-999999"})
    assert odd.status_code == 400
    done = client.post(door_of(case, "claim"), {"for_whom": f"unit-{party.world.unit.pk}"})
    assert done.headers["Location"] == page_of(case)
    assert Claim.objects.get().unit == party.world.unit
    cards = signed_in(party.world.second_handler).get(WALL).context["cards"]
    assert [card.case.pk for card in cards] == [case.pk]  # colleagues see their unit's claims


def test_a_member_claims_begins_and_delivers_and_the_card_follows(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    client = signed_in(party.member)
    assert client.post(door_of(case, "claim")).status_code == 302
    assert card_of(client).deed == ""
    wishes.confirm_claim(case_id=case.pk, actor=party.secretary, at=NOON + 60 * MINUTE)
    assert card_of(client).deed == "begin"
    assert client.post(door_of(case, "begin"), {"note": ""}).status_code == 302
    assert card_of(client).deed == "deliver"
    refused = client.post(door_of(case, "deliver"), {"note": "修好了", "minutes": "30"})
    assert refused.status_code == 400
    assert "修好了" in refused.content.decode()
    photo = make_attachment(party.member, at=NOON + 60 * MINUTE)
    client.post(door_of(case, "deliver"), {"note": "修好了", "minutes": "30", "photos": [photo]})
    assert Case.objects.get(pk=case.pk).state == State.DELIVERED
    assert client.get(WALL).context["cards"] == []
    records = client.get(reverse("cases:my_claims")).content.decode()
    assert "想修好漏水的水龙头" in records


def card_of(client: Client) -> Any:
    (card,) = client.get(WALL).context["cards"]
    return card


def test_an_htmx_claim_tells_and_leaves_the_rest_to_the_page(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    answer = signed_in(party.member).post(
        door_of(case, "claim"), {"next": WALL}, headers={"HX-Request": "true"}
    )
    assert answer.status_code == 204
    assert "wish:acted" in answer.headers["HX-Trigger"]


@pytest.mark.parametrize("evil", ["https://example.org/", "//example.org", "javascript:alert(1)"])
def test_no_action_leads_elsewhere(party: Party, evil: str) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    answer = signed_in(party.member).post(door_of(case, "claim"), {"next": evil})
    assert answer.headers["Location"] == page_of(case)


def test_actions_of_the_desk_have_no_door_here(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    for action in ("publish", "void", "decline", "rate", "lapse", "nonsense"):
        assert signed_in(party.world.desk).post(door_of(case, action)).status_code == 404


def test_the_committee_confirms_with_one_tap_and_refuses_with_a_reason(party: Party) -> None:
    first, second = bring_wish_to(party, State.CLAIMED), bring_wish_to(party, State.CLAIMED)
    url = reverse("cases:branch_wishes")
    client = signed_in(party.secretary)
    text = client.get(url).content.decode()
    assert text.count("card wish w-branch") == 2
    assert party.member.name in text
    assert not leaks(text)
    assert client.post(door_of(first, "confirm"), {"next": url}).headers["Location"] == url
    assert client.post(door_of(second, "refuse_claim"), {"note": ""}).status_code == 400
    assert client.post(door_of(second, "refuse_claim"), {"note": "需持证电工"}).status_code == 302
    states = set(Case.objects.filter(pk__in=[first.pk, second.pk]).values_list("state", flat=True))
    assert states == {State.CONFIRMED, State.PUBLISHED}
    assert "card wish w-branch" not in client.get(url).content.decode()


def test_another_branch_s_committee_sees_none_of_it(party: Party) -> None:
    bring_wish_to(party, State.CLAIMED)
    stranger = make_user("外书记")
    make_branch_post(stranger, make_branch(party.city_branch, "东涧社区党委"))
    assert "card wish w-branch" not in read(stranger, reverse("cases:branch_wishes"))
    read(party.member, reverse("cases:branch_wishes"), 403)


def test_nobody_is_offered_to_confirm_their_own_claim(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    wishes.claim_wish(case_id=case.pk, actor=party.secretary, at=NOON)
    assert door_of(case, "confirm") not in read(party.secretary, reverse("cases:branch_wishes"))
    assert door_of(case, "confirm") not in read(party.secretary, page_of(case))


def test_the_committee_searches_its_people_and_assigns(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    elsewhere = make_branch(party.city_branch, "外支部")
    make_member("外党员", home=elsewhere)
    sweep_ladder(at=NOON + 4 * DAY)
    with time_machine.travel(NOON + 4 * DAY + 60 * MINUTE, tick=False):
        client = signed_in(party.secretary)
        listed = client.get(reverse("cases:branch_wishes"), {"tab": "assign"}).content.decode()
        assert door_of(case, "assign_wish") in listed
        form = client.get(door_of(case, "assign_wish")).content.decode()
        for known in (party.member, party.second_member, party.volunteer):
            assert known.name in form
        assert "外党员" not in form
        found = client.post(door_of(case, "assign_wish"), {"words": "党员乙", "find": "1"})
        assert found.status_code == 200
        assert party.second_member.name in found.content.decode()
        assert f'value="{party.member.pk}"' not in found.content.decode()
        stranger = make_user("外人")
        assert client.post(door_of(case, "assign_wish"), {"claimant": stranger.pk}).status_code == 400
        client.post(door_of(case, "assign_wish"), {"words": "党员乙", "claimant": party.second_member.pk})
        assert Claim.objects.get().user == party.second_member
        assert Case.objects.get(pk=case.pk).state == State.CONFIRMED
