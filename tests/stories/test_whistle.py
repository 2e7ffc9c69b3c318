"""吹哨报到 by the pages: the street calls two units and a member to a community's order; all three come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from cases.calendars import forget_calendar
from cases.models import Attachment, Case, CaseEvent, WhistleCall
from cases.notify import in_app
from cases.whistles import record_of
from partymembers.models import PointsAccount, Role, ServiceRecord, User
from tests.factories.cases import MINUTE, NOON, bring_to
from tests.factories.party import Party, make_party
from tests.factories.people import make_unit, make_user
from tests.stories.visitors import Visitor

pytestmark = pytest.mark.django_db
LIST = "/whistles/"
PHONE, MASKED = "13912345678", "139****5678"
NEED = "路面塌陷，请各带两人到场"


@pytest.fixture(autouse=True)
def plain_calendar() -> Iterator[None]:
    forget_calendar()
    yield
    forget_calendar()


@pytest.fixture
def party() -> Party:
    return make_party()


def gas_of(party: Party) -> User:
    """Somebody of a second unit that has nothing to do with the order either; made once."""
    found = User.objects.filter(name="霍燃气").first()
    return found or make_user("霍燃气", role=Role.HANDLER, unit=make_unit("燃气公司"))


def tell() -> None:
    """What the relay does meanwhile."""
    in_app(list(CaseEvent.objects.order_by("pk")))


def inbox(user: User) -> str:
    tell()
    return str(Visitor(user).open(reverse("cases:notifications")).content.decode())


def tap(visitor: Visitor, case: Case, action: str, **typed: Any) -> None:
    """A step from the list of the called: a button in place, or its own page."""
    url = reverse("cases:act", args=[case.number, action])
    page = visitor.open(LIST)
    text = page.content.decode()
    assert url in text, f"no button for {action}"
    if f'method="post" action="{url}"' not in text or typed:
        page = visitor.open(url)
    if action == "report_whistle":
        typed["photos"] = [visitor.photograph(page)]
    visitor.send(page, url, **typed)


def test_a_whistle_is_answered_by_two_units_and_a_member(party: Party) -> None:
    world = party.world
    with time_machine.travel(NOON, tick=False) as clock:
        case = bring_to(world, "handling", reporter=world.resident)
        Case.objects.filter(pk=case.pk).update(reporter_phone=PHONE, reporter_name="王居民")
        clock.shift(timedelta(hours=1))
        be_whistled(party, case)
        clock.shift(5 * MINUTE)
        answer(party, case)
        clock.shift(30 * MINUTE)
        come_and_report(party, case)
        clock.shift(5 * MINUTE)
        be_seen_by_the_desk(party, case)


def be_whistled(party: Party, case: Case) -> None:
    """The community's desk has no whistle; the street finds two units and, by name, a member."""
    world = party.world
    url = reverse("cases:act", args=[case.number, "whistle"])
    assert url not in Visitor(world.desk).order(case.number).content.decode()
    street = Visitor(world.street_desk)
    assert url in street.order(case.number).content.decode()
    found = street.open(reverse("cases:whistle_found", args=[case.number]), who=party.member.name)
    text = found.content.decode()
    assert f'name="members" value="{party.member.pk}"' in text
    assert party.member.phone[-4:] not in text or not party.member.phone
    page = street.open(url)
    units = [str(world.other_unit.pk), str(gas_of(party).posts.get().unit_id)]
    sent = street.fill(page, url, units=units, need=NEED, meeting_point="霁虹巷口")
    answer = street.client.post(url, sent | {"members": [str(party.member.pk)]})
    assert answer.status_code == 302
    assert WhistleCall.objects.filter(whistle__case=case).count() == 3


def answer(party: Party, case: Case) -> None:
    """Each of the called is told, and follows the message to a list with one card; nobody else has it."""
    world = party.world
    for user in (world.other_handler, gas_of(party), party.member):
        visitor = Visitor(user)
        assert case.number in inbox(user)
        message = user.notifications.get(kind="whistle")
        followed = visitor.open(reverse("cases:notification_open", args=[message.pk]), status=302)
        assert followed.headers["Location"] == LIST
        text = visitor.open(LIST).content.decode()
        assert NEED in text
        order = visitor.order(case.number).content.decode()
        assert PHONE not in order
        assert MASKED not in order
        assert "王居民" not in order
        opened = reverse("cases:open_phone", args=[case.number])
        assert opened not in order
    tap(Visitor(world.other_handler), case, "answer_whistle")
    tap(Visitor(gas_of(party)), case, "answer_whistle", coming="no", note="人手都在东涧")
    tap(Visitor(party.member), case, "answer_whistle")
    for stranger in (party.second_member, world.other_worker, party.outsider):
        Visitor(stranger).open(reverse("cases:detail", args=[case.number]), status=404)
        assert case.number not in Visitor(stranger).open(LIST).content.decode()


def come_and_report(party: Party, case: Case) -> None:
    """The unit that could not come finds somebody after all: by the order's page, as its card is done."""
    world = party.world
    assistant = Visitor(gas_of(party))
    assert case.number not in assistant.open(LIST).content.decode()
    assistant.act(case.number, "come_to_whistle")
    tap(Visitor(world.other_handler), case, "come_to_whistle")
    tap(Visitor(party.member), case, "come_to_whistle")
    for user, minutes in ((world.other_handler, "40"), (gas_of(party), "30"), (party.member, "60")):
        tap(Visitor(user), case, "report_whistle", note="围挡完成", minutes=minutes)
        assert case.number not in Visitor(user).open(LIST).content.decode()
        assert case.number in Visitor(user).open(LIST, tab="done").content.decode()


def be_seen_by_the_desk(party: Party, case: Case) -> None:
    """The card says who came and when; the street ends the whistle; record, points and pictures stand."""
    world = party.world
    street = Visitor(world.street_desk)
    (card,) = street.order(case.number).context["whistles"]
    assert (card.came, len(card.calls)) == (3, 3)
    assert [call.minutes for call in card.calls] == [40, 30, 60]
    assert case.number in inbox(world.street_desk)
    assert case.number in inbox(world.desk)
    street.act(case.number, "end_whistle")
    (card,) = street.order(case.number).context["whistles"]
    assert card.whistle.ended_at is not None
    assert Visitor(world.resident).order(case.number).context["whistles"] == []
    assert PointsAccount.objects.get(user=party.member).balance == 10
    assert set(ServiceRecord.objects.values_list("minutes", flat=True)) == {40, 30, 60}
    assert Attachment.objects.filter(case=case, event__kind="report_whistle").count() == 3
    assert record_of(unit=gas_of(party).posts.get().unit).answer_time == 5 * MINUTE
    page = Visitor(world.other_handler).open(LIST, tab="done")
    record = page.context["record"]
    assert (record.called, record.answered, record.came, record.waiting) == (1, 1, 1, 0)
