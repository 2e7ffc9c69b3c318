"""Wishes over the API: whole to desk and claimer, the public half to who may help, else nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from cases.actions import wishes
from cases.actions.reporting import Contact
from cases.models import Case
from cases.workflow import State
from partymembers.models import AuditEntry
from tests.cases.api.scenes import ORDERS, numbers
from tests.factories.cases import NOON
from tests.factories.keys import Caller, session
from tests.factories.party import Party, ask, bring_wish_to, make_party, publishing

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_calendar")]
NAME, PHONE, DOOR = "欧阳秀英", "13955556666", "3单元909室"
SECRETS = (NAME, "欧阳某某", PHONE, "139****6666", "909室", "窗帘")
WISHES = {"kind": "wish"}


@pytest.fixture
def party() -> Party:
    return make_party()


def asked(party: Party) -> Case:
    words = f"我是{NAME}，电话 {PHONE}，住{DOOR}，窗帘掉了"
    return ask(party, contact=Contact(NAME, PHONE), words=words, address=DOOR)


def learned(client: Any, case: Case) -> set[str]:
    """What somebody finds of the asker: by every address that a wish has, and by looking for it."""
    url = f"{ORDERS}{case.number}/"
    answers = [client.get(ORDERS, {**WISHES, "expand": "events,attachments,clocks,parts", "total": "true"})]
    answers += [client.get(path) for path in (f"{url}?expand=events", f"{url}events/", url)]
    probes = ({"q": "窗帘"}, {"q": "6666"}, {"channel": "resident"}, {"bbox": "118,32,119,33"})
    for probe in probes:
        found = client.get(ORDERS, WISHES | probe)
        answers.append(found)
        if numbers(found):
            return {"found by what it may not read"}
    for place in (case.building, case.grid):
        if numbers(client.get(ORDERS, WISHES | {"place": place.code if place else ""})):
            return {"found by a place that it does not show"}
    return {secret for secret in SECRETS for answer in answers if secret in answer.content.decode()}


def test_who_asked_is_learned_by_desk_and_confirmed_claimer_alone(party: Party):
    world = party.world
    with time_machine.travel(NOON + timedelta(minutes=30), tick=False):
        case = asked(party)
        desk = Caller("wishes:read", place=world.city.west)
        reader = Caller("wishes:read", place=world.city.west, duty="reader")
        unit = Caller("wishes:read", unit=world.unit)
        others = [Caller("wishes:read", place=world.city.east), Caller("orders:read", place=world.city.west)]
        people = [session(user) for user in (party.second_member, world.worker, world.other_desk)]
        assert numbers(desk.get(ORDERS, WISHES)) == [case.number]
        for caller in (reader, unit, *people):
            assert numbers(caller.get(ORDERS, WISHES)) == []
        for caller in (reader, unit, *others, *people):
            assert caller.get(f"{ORDERS}{case.number}/").status_code == 404

        _publish(party, case)
        member = session(party.member)
        wishes.claim_wish(case_id=case.pk, actor=party.member, at=NOON + timedelta(minutes=2))
        for caller in (reader, unit, member, *people):
            assert learned(caller, case) == set()
        public = reader.get(f"{ORDERS}{case.number}/?expand=events").json()
        assert public["wish"]["title"] == "想把窗子遮好"
        assert public["wish"]["claim"]["user"] is None
        assert public["place"]["level"] == "community"
        assert (public["reporter"], public["description"], public["grid"]) == (None, None, None)
        assert [event["kind"] for event in public["events"]] == ["publish", "claim"]
        assert [event["actor"] for event in public["events"]] == [None, None]
        assert others[0].get(f"{ORDERS}{case.number}/").status_code == 404

        wishes.confirm_claim(case_id=case.pk, actor=party.secretary, at=NOON + timedelta(minutes=3))
        mine = member.get(f"{ORDERS}{case.number}/").json()
        assert mine["address"] == DOOR
        assert "begin" in mine["allowed_actions"]
        assert learned(people[0], case) == set()


def _publish(party: Party, case: Case) -> None:
    shown = publishing(title="想把窗子遮好", text="够不着。")
    at = NOON + timedelta(minutes=1)
    wishes.publish_wish(case_id=case.pk, publishing=shown, actor=party.world.desk, at=at)


def test_the_desks_system_reads_names_and_door_with_the_scope_alone(party: Party):
    case = asked(party)
    place = party.world.city.west
    plain, full = Caller("wishes:read", place=place), Caller("wishes:read", "personal:read", place=place)
    url = f"{ORDERS}{case.number}/"

    told = plain.get(url).json()
    assert (told["reporter"]["phone"], told["address"], told["position"]) == ("139****6666", None, None)
    assert PHONE not in told["description"]
    assert not AuditEntry.objects.filter(action="personal_data_opened").exists()
    told = full.get(url).json()
    assert (told["reporter"]["phone"], told["address"]) == (PHONE, DOOR)
    opened = AuditEntry.objects.filter(action="personal_data_opened", actor=full.user)
    assert {entry.data["what"] for entry in opened} == {"reporter", "asker_door"}
    assert numbers(plain.get(ORDERS, WISHES | {"q": "6666"})) == [case.number]
    assert numbers(session(party.world.desk).get(ORDERS)) == []  # no list of orders holds a wish


def test_a_system_gets_the_claimers_name_as_the_list_of_members_gives_it(party: Party):
    case = bring_wish_to(party, State.CLOSED)
    place = party.world.city.west
    plain, full = Caller("wishes:read", place=place), Caller("wishes:read", "personal:read", place=place)
    url = f"{ORDERS}{case.number}/?expand=events"

    def told(client: Any) -> list[str]:
        body = client.get(url).json()
        actors = {e["kind"]: e["actor"] for e in body["events"]}
        return [who["name"] for who in (body["wish"]["claim"]["user"], actors["claim"], actors["deliver"])]

    assert told(session(party.world.desk)) == ["党员甲"] * 3
    assert told(plain) == ["党某某"] * 3
    assert not AuditEntry.objects.filter(action="personal_data_opened", data__what="member_name").exists()
    assert told(full) == ["党员甲"] * 3
    opened = AuditEntry.objects.get(action="personal_data_opened", data__what="member_name")
    assert (opened.actor, opened.target) == (full.user, f"case:{case.number}")


def test_wishes_are_read_in_as_many_queries_for_four_as_for_one(
    party: Party, django_assert_max_num_queries: Any
):
    for state in (State.PUBLISHED, State.CLAIMED, State.CONFIRMED, State.CLOSED):
        bring_wish_to(party, state)
    desk = Caller("wishes:read", place=party.world.city.west)
    desk.get(ORDERS, WISHES)

    for limit in (1, 4):
        with django_assert_max_num_queries(17):
            rows = desk.get(ORDERS, WISHES | {"limit": str(limit), "expand": "clocks"}).json()["results"]
    assert {row["state"] for row in rows} == {"published", "claimed", "confirmed", "closed"}
    claims = [row["wish"]["claim"] for row in rows]
    assert sum(claim is not None and claim["user"]["name"] == "党某某" for claim in claims) == 3
