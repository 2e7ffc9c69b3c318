"""The wish wall, and the lists around it: what they show to whom, and how many queries each costs."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.actions import wishes
from cases.escalation import sweep_ladder
from cases.models import Case, Claim
from cases.workflow import State
from partymembers.models import Resource, Skill
from tests.factories.cases import NOON
from tests.factories.grids import make_city
from tests.factories.party import (
    Party,
    ask,
    bring_wish_to,
    make_member,
    make_volunteer,
    publishing,
)
from tests.factories.scene import signed_in
from tests.factories.wish_pages import WALL, door_of, leaks, page_of, publish, read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]
DAY = timedelta(days=1)


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
            is_officer = stranger == party.world.system_officer  # officers take no part in the business
            assert (reverse("service:volunteer") in text) is not is_officer
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
        ("cases:wishes", "member", "published", {}, 16),
        ("cases:wishes", "member", "claimed", {}, 16),
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
