"""One wish through its page: what it shows to whom, and what it never shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from cases.actions import wishes
from cases.actions.reporting import Contact
from cases.escalation import sweep_ladder
from cases.models import Case
from cases.workflow import State
from partymembers.access import access_of
from partymembers.models import AuditEntry, Skill
from tests.factories.cases import MINUTE, NOON
from tests.factories.party import Party, ask, bring_wish_to, publishing
from tests.factories.people import make_user
from tests.factories.scene import signed_in
from tests.factories.wish_pages import deliver, door_of, leaks, page_of, publish, read

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]
DAY = timedelta(days=1)


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


def test_on_somebody_s_behalf_the_claimer_never_reads_the_worker_s_phone(party: Party) -> None:
    worker = party.world.worker
    worker.phone = "13700001111"
    worker.save()
    case = ask(party, asker=worker, contact=Contact("王大爷"))
    wishes.publish_wish(case_id=case.pk, publishing=publishing(), actor=party.world.desk, at=NOON)
    wishes.claim_wish(case_id=case.pk, actor=party.member, at=NOON)
    wishes.confirm_claim(case_id=case.pk, actor=party.secretary, at=NOON)
    text = read(party.member, page_of(case))
    assert "王大爷" in text
    assert "1111" not in text
    assert (
        signed_in(party.member).post(reverse("cases:open_wish_phone", args=[case.number])).status_code == 403
    )


def test_a_skill_named_as_the_kind_stands_once(party: Party) -> None:
    skill, _made = Skill.objects.get_or_create(name=party.kind.name, defaults={"code": "same"})
    case = publish(party, skills=(skill,))
    sweep_ladder(at=NOON + 4 * DAY)
    badge = f">{party.kind.name}</span>"
    assert read(party.secretary, page_of(case)).count(badge) == 1
    assert read(party.secretary, reverse("cases:branch_wishes"), tab="assign").count(badge) == 1


def test_what_was_revoked_is_nobody_s_to_know_but_the_desk_s(party: Party) -> None:
    case = bring_wish_to(party, State.CLOSED)
    photo = case.attachments.get().token
    url = reverse("cases:attachment", args=[photo])
    known = Case.objects.wishes_known_to(access_of(party.member, on=NOON.date()))
    assert list(known) == [case]
    wishes.revoke_wish(case_id=case.pk, actor=party.world.street_desk, at=NOON + 50 * MINUTE, note="查无此事")
    assert not known.all().exists()
    assert not leaks(read(party.member, page_of(case)))
    assert signed_in(party.second_member).get(url).status_code == 404
