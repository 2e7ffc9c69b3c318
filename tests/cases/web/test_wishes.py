"""The wish wall and a wish through their pages: what they show to whom, and what they never show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.actions import wishes
from cases.calendars import forget_calendar
from cases.escalation import sweep_ladder
from cases.models import Case, Claim
from cases.workflow import State
from partymembers.models import AuditEntry, Resource, Skill, User
from tests.factories.cases import MINUTE, NOON, make_attachment
from tests.factories.grids import make_city
from tests.factories.party import (
    Party,
    ask,
    bring_wish_to,
    make_branch,
    make_branch_post,
    make_member,
    make_party,
    make_volunteer,
    publishing,
)
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db
WALL = reverse("cases:wishes")
DAY = timedelta(days=1)
#: What tells of the asker: name, phone and its end, door, their own words.
SECRETS = ("李秀英", "13812345678", "5678", "2单元", "501", "家里水龙头")
ASKED = "家里水龙头漏水，我是李秀英，住1幢2单元501"


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    forget_calendar()
    with time_machine.travel(NOON + 60 * MINUTE, tick=False):
        yield
    forget_calendar()


@pytest.fixture
def party() -> Party:
    return make_party()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def read(user: User, url: str, status: int = 200, **query: Any) -> str:
    response = signed_in(user).get(url, query)
    assert response.status_code == status, (url, response.status_code)
    return str(response.content.decode())


def page_of(case: Case) -> str:
    return reverse("cases:wish", args=[case.number])


def door_of(case: Case, action: str) -> str:
    return reverse("cases:wish_act", args=[case.number, action])


def leaks(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def publish(party: Party, *, skills: tuple[Skill, ...] = (), **fields: Any) -> Case:
    case = ask(party, **fields.pop("asked", {}))
    desk = party.world.desk if case.community == party.world.city.west else party.world.other_desk
    wishes.publish_wish(case_id=case.pk, publishing=publishing(skills=skills, **fields), actor=desk, at=NOON)
    return Case.objects.get(pk=case.pk)


# ── the wall ──


def test_the_wall_shows_the_public_half_to_every_helper(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    for helper in (party.member, party.volunteer, party.world.handler, party.secretary):
        text = read(helper, WALL)
        assert "想修好漏水的水龙头" in text
        assert door_of(case, "claim") in text
        assert not leaks(text), helper


def test_the_wall_is_closed_to_who_may_not_help(party: Party) -> None:
    case = bring_wish_to(party, State.PUBLISHED)
    for stranger in (party.outsider, party.world.system_officer, party.world.desk):
        for name in ("cases:wishes", "cases:my_claims"):
            text = read(stranger, reverse(name), 403)
            assert "想修好漏水的水龙头" not in text
    for stranger in (party.outsider, party.world.system_officer, party.world.official):
        text = read(stranger, page_of(case), 404)
        assert "水龙头" not in text
        for action in ("claim", "begin", "confirm", "assign_wish"):
            assert signed_in(stranger).post(door_of(case, action)).status_code == 404


def test_the_entry_stands_in_the_bar_of_helpers_alone(party: Party) -> None:
    home = reverse("cases:mine")
    for user in (party.member, party.volunteer, party.secretary, party.world.handler):
        assert f'href="{WALL}"' in read(user, home), user
    for user in (party.outsider, party.world.worker, party.world.desk):
        assert f'href="{WALL}"' not in read(user, home), user


def test_a_taken_wish_stands_in_grey_and_names_a_unit_or_branch_but_no_person(party: Party) -> None:
    mine, theirs = publish(party), publish(party, title="借一台轮椅")
    wishes.claim_wish(case_id=mine.pk, actor=party.second_member, at=NOON)
    wishes.claim_wish(case_id=theirs.pk, actor=party.world.handler, unit=party.world.unit, at=NOON)
    text = read(party.member, WALL)
    assert text.count("card wish taken") == 2
    assert "已由市政养护所接单" in text
    assert party.second_member.name not in text
    assert party.world.handler.name not in text
    assert door_of(mine, "claim") not in text


def test_what_nobody_takes_warns_on_the_day_before_it_goes_to_the_branch(party: Party) -> None:
    bring_wish_to(party, State.PUBLISHED)
    assert "转支部" not in read(party.member, WALL)
    with time_machine.travel(NOON + 2 * DAY, tick=False):
        assert "2 天无人接，明日转支部" in read(party.member, WALL)
    with time_machine.travel(NOON + 4 * DAY, tick=False):
        sweep_ladder(at=NOON + 4 * DAY)
        assert "支部正在找人" in read(party.member, WALL)


def test_filters_by_kind_and_skill_and_both_orders(party: Party) -> None:
    skill = Skill.objects.filter(is_active=True).first()
    assert skill is not None
    publish(party, title="修门", skills=(skill,), deliver_by=date(2026, 12, 20))
    publish(party, title="借书", deliver_by=date(2026, 12, 1))
    assert_order(read(party.member, WALL, sort="due"), "借书", "修门")
    only = read(party.member, WALL, skill=skill.pk)
    assert "修门" in only
    assert "借书" not in only
    assert "借书" in read(party.member, WALL, kind=party.kind.pk)
    other = party.kind.pk + 100_000
    assert "借书" not in read(party.member, WALL, kind=other)
    for odd in ("x", "-1", "9" * 30, "０"):
        read(party.member, WALL, kind=odd, skill=odd, cursor=odd, lng=odd, lat="nan")


def assert_order(text: str, *titles: str) -> None:
    places = [text.index(title) for title in titles]
    assert places == sorted(places)


def test_the_nearest_comes_first_by_the_middle_of_the_place_never_by_the_door(party: Party) -> None:
    west, east = party.world.city.west, party.world.city.east
    near = publish(party, title="西边的")
    lng, lat = party.world.city.inside(party.world.city.east_1)
    far = publish(party, title="东边的", asked={"place": None, "lng": lng, "lat": lat})
    assert far.community == east
    at_home = signed_in(party.member).get(WALL)
    assert_order(at_home.content.decode(), "西边的", "东边的")
    rows = {row.number: row for row in at_home.context["rows"]}
    assert rows[near.number].metres is None  # one's own community tells nothing
    assert east.lng is not None
    assert east.lat is not None
    there = {"lng": f"{east.lng:.3f}", "lat": f"{east.lat:.3f}"}
    before = signed_in(party.member).get(WALL, there)
    assert_order(before.content.decode(), "东边的", "西边的")
    Case.objects.filter(pk=far.pk).update(lng=lng + 0.5, lat=lat - 0.5)  # wherever the asker lives
    after = signed_in(party.member).get(WALL, there)
    assert [r.metres for r in after.context["rows"]] == [r.metres for r in before.context["rows"]]
    assert all(row.metres is None or row.metres % 100 == 0 for row in after.context["rows"])
    assert west.name in after.content.decode() or "清流" in after.content.decode()


def test_another_city_s_wall_and_wishes_stay_there(party: Party) -> None:
    far = make_city("341200000000")
    stranger = make_volunteer("外地志愿者", community=far.west).user
    case = bring_wish_to(party, State.PUBLISHED)
    assert "水龙头" not in read(stranger, WALL)
    read(stranger, page_of(case), 404)
    assert signed_in(stranger).post(door_of(case, "claim")).status_code == 404
    assert not Claim.objects.exists()


def test_one_s_own_wish_has_no_button(party: Party) -> None:
    own = ask(party, asker=party.member, address="")
    wishes.publish_wish(case_id=own.pk, publishing=publishing(), actor=party.world.desk, at=NOON)
    assert door_of(own, "claim") not in read(party.member, WALL)
    assert door_of(own, "claim") in read(party.second_member, WALL)


def test_the_wall_has_pages(party: Party) -> None:
    for number in range(22):
        publish(party, title=f"第{number}个")
    first = signed_in(party.member).get(WALL)
    assert len(first.context["rows"]) == 20
    second = signed_in(party.member).get(WALL, {"cursor": first.context["page"].next_cursor})
    assert len(second.context["rows"]) == 2
    seen = {row.number for page in (first, second) for row in page.context["rows"]}
    assert len(seen) == 22


# ── one wish ──


def test_the_asker_opens_to_the_claimer_at_the_confirmation_and_to_nobody_else(party: Party) -> None:
    case = bring_wish_to(party, State.CLAIMED)
    others = (party.second_member, party.volunteer, party.secretary, party.world.handler)
    assert not leaks(read(party.member, page_of(case)))
    wishes.confirm_claim(case_id=case.pk, actor=party.secretary, at=NOON + 10 * MINUTE)
    for state in ("confirmed", "begun", "delivered"):
        text = read(party.member, page_of(case))
        assert "李秀英" in text
        assert "1幢2单元501" in text
        assert "13812345678" not in text, "the phone is masked until it is asked for"
        for other in others:
            assert not leaks(read(other, page_of(case))), (state, other)
        if state == "confirmed":
            wishes.begin_wish(case_id=case.pk, actor=party.member, at=NOON + 20 * MINUTE)
        elif state == "begun":
            deliver(party, case)


def deliver(party: Party, case: Case) -> None:
    photo = make_attachment(party.member)
    wishes.deliver_wish(
        case_id=case.pk, actor=party.member, at=NOON + 30 * MINUTE, note="换好了", attachments=[photo]
    )


def test_opening_the_phone_is_for_the_confirmed_claimer_and_recorded(party: Party) -> None:
    case = bring_wish_to(party, State.CLAIMED)
    url = reverse("cases:open_wish_phone", args=[case.number])
    assert signed_in(party.member).post(url).status_code == 403
    wishes.confirm_claim(case_id=case.pk, actor=party.secretary, at=NOON + 10 * MINUTE)
    for other in (party.second_member, party.secretary, party.world.handler):
        answer = signed_in(other).post(url)
        assert answer.status_code == 403
        assert "13812345678" not in answer.content.decode()
    assert signed_in(party.outsider).post(url).status_code == 404
    assert not AuditEntry.objects.filter(action="personal_data_opened").exists()
    answer = signed_in(party.member).post(url)
    assert "13812345678" in answer.content.decode()
    entry = AuditEntry.objects.get(action="personal_data_opened")
    assert (entry.actor, case.number in str(entry.__dict__)) == (party.member, True)


def test_the_desk_reads_the_asker_on_its_own_page_alone_which_masks(party: Party) -> None:
    case = bring_wish_to(party, State.BEGUN)
    text = read(party.world.desk, page_of(case))
    assert not leaks(text)
    assert reverse("cases:wish_order", args=[case.number]) in text


def test_a_claim_that_is_lost_closes_the_asker_again(party: Party) -> None:
    case = bring_wish_to(party, State.BEGUN)
    wishes.hand_back_wish(case_id=case.pk, actor=party.member, at=NOON + 30 * MINUTE, note="临时出差")
    assert not leaks(read(party.member, page_of(case)))


def test_the_history_names_nobody_and_keeps_remarks_from_helpers(party: Party) -> None:
    case = bring_wish_to(party, State.CONFIRMED)
    wishes.hand_back_wish(case_id=case.pk, actor=party.member, at=NOON + 30 * MINUTE, note="李秀英家里没人")
    text = read(party.second_member, page_of(case))
    assert not leaks(text)
    for person in (party.member, party.secretary, party.world.desk):
        assert person.name not in text, person
    assert "退回" in text


def test_a_closed_wish_is_no_more_than_its_public_half_for_others(party: Party) -> None:
    case = bring_wish_to(party, State.CLOSED)
    for other in (party.second_member, party.secretary):
        text = read(other, page_of(case))
        assert not leaks(text)
        assert "换了新龙头" not in text
    voided = bring_wish_to(party, State.VOIDED)
    read(party.second_member, page_of(voided), 404)
    declined = bring_wish_to(party, State.DECLINED)
    read(party.secretary, page_of(declined), 404)


def test_whoever_comes_too_late_learns_it_without_names(party: Party) -> None:
    case = bring_wish_to(party, State.CLAIMED)
    answer = signed_in(party.second_member).post(door_of(case, "claim"), {"for_whom": "me"})
    text = answer.content.decode()
    assert answer.status_code == 409
    assert party.member.name not in text
    assert not leaks(text)


def test_a_delivery_that_the_asker_refuses_never_names_them_to_who_comes_late(party: Party) -> None:
    asker = make_user("欧阳青禾")
    case = ask(party, asker=asker, address="")
    at = NOON
    wishes.publish_wish(case_id=case.pk, publishing=publishing(), actor=party.world.desk, at=at)
    wishes.claim_wish(case_id=case.pk, actor=party.member, at=at)
    wishes.confirm_claim(case_id=case.pk, actor=party.secretary, at=at)
    deliver(party, case)
    wishes.fail_delivery(case_id=case.pk, actor=asker, at=NOON + 40 * MINUTE, note="没有修好")
    for late in (party.second_member, party.world.handler, party.secretary):
        action = "confirm" if late == party.secretary else "claim"
        answer = signed_in(late).post(door_of(case, action), {"for_whom": "me"})
        assert answer.status_code == 409
        assert "欧阳青禾" not in answer.content.decode(), late


# ── actions through the door ──


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


# ── the branch ──


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


# ── needs and resources ──


def offer(party: Party, skill: Skill, title: str = "免费换锁", **fields: Any) -> Resource:
    values = {
        "title": title, "skill": skill, "place": party.world.city.west, "unit": party.world.unit,
        "offered_by": party.world.handler, "offered_at": NOON,
    }  # fmt: skip
    return Resource.objects.create(**(values | fields))


def test_needs_stand_by_compound_with_resources_that_fit(party: Party) -> None:
    skill, other = Skill.objects.filter(is_active=True)[:2]
    case = publish(party, skills=(skill,))
    offer(party, skill)
    offer(party, other, "免费理发")
    offer(party, skill, "别处的", place=party.world.city.east)
    offer(party, skill, "已撤回的", withdrawn_at=NOON)
    offer(party, skill, "已到期的", ends_on=date(2026, 11, 1))
    text = read(party.member, reverse("cases:wish_needs"))
    assert page_of(case) in text
    assert "免费换锁" in text
    assert "市政养护所" in text
    for wrong in ("免费理发", "别处的", "已撤回的", "已到期的", party.world.handler.name):
        assert wrong not in text, wrong
    assert not leaks(text)
    here = read(party.member, reverse("cases:wish_needs"), place=party.world.city.west_1.code)
    assert page_of(case) in here
    there = read(party.member, reverse("cases:wish_needs"), place=party.world.city.west_2.code)
    assert page_of(case) not in there
    assert page_of(case) in read(party.member, reverse("cases:wish_needs"), place="all")
    read(party.outsider, reverse("cases:wish_needs"), 403)


def test_the_branch_reads_on_the_wish_what_fits_and_a_helper_does_not(party: Party) -> None:
    skill = Skill.objects.filter(is_active=True).first()
    assert skill is not None
    case = publish(party, skills=(skill,))
    offer(party, skill)
    assert "免费换锁" in read(party.secretary, page_of(case))
    assert "免费换锁" in read(party.world.desk, page_of(case))
    assert "免费换锁" not in read(party.member, page_of(case))


# ── how many queries ──


def count(client: Client, url: str, **query: str) -> int:
    for _time in range(2):
        client.get(url, query)
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url, query).status_code == 200
    frames = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return len([each for each in seen.captured_queries if each["sql"].split()[0] not in frames])


def many(party: Party, state: str, number: int) -> None:
    skills = tuple(Skill.objects.filter(is_active=True)[:2])
    for each in range(number):
        case = publish(party, title=f"第{each}个", skills=skills)
        if state == "claimed":
            claimer = make_member(f"党员{each}", home=party.home, checkin=party.committee).user
            wishes.claim_wish(case_id=case.pk, actor=claimer, at=NOON)


@pytest.mark.parametrize(
    ("name", "who", "state", "query", "expected"),
    [
        ("cases:wishes", "member", "published", {}, 15),
        ("cases:wishes", "member", "claimed", {}, 15),
        ("cases:wish_needs", "member", "published", {}, 11),
        ("cases:branch_wishes", "secretary", "claimed", {}, 8),
    ],
)
@pytest.mark.parametrize("number", [1, 30])
def test_queries_do_not_grow(
    party: Party, name: str, who: str, state: str, query: dict[str, str], expected: int, number: int
) -> None:
    many(party, state, number)
    assert count(signed_in(getattr(party, who)), reverse(name), **query) == expected
