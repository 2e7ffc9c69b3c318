"""A wish through the pages: asked at the door, published, taken on, confirmed, delivered, rated, thanked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse

from cases.calendars import forget_calendar
from cases.models import Attachment, Case
from cases.workflow import State
from partymembers.models import AuditEntry
from tests.factories.cases import MINUTE, NOON
from tests.factories.party import Party, make_party
from tests.stories.visitors import Visitor, forms_on

pytestmark = pytest.mark.django_db
NAME, PHONE, DOOR = "李秀英", "13912345678", "2单元501"
WORDS = "家里水龙头漏水一周了，我是李秀英"
TITLE = "想修好漏水的水龙头"
SECRETS = (NAME, PHONE, "5678", DOOR, WORDS)
WALL = reverse("cases:wishes")


@pytest.fixture(autouse=True)
def plain_calendar() -> Iterator[None]:
    forget_calendar()
    yield
    forget_calendar()


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as coordinates:
        yield coordinates


@pytest.fixture
def party() -> Party:
    return make_party()


def leaks(page: Any) -> list[str]:
    return [secret for secret in SECRETS if secret in page.content.decode()]


def ask_at_the_door(party: Party, resident: Visitor) -> tuple[Case, str]:
    """The wish, and the link that follows it."""
    code = party.world.city.qr_code().token
    assert (
        reverse("cases:public_wish", args=[code])
        in resident.open(reverse("cases:public_report", args=[code])).content.decode()
    )
    url = reverse("cases:public_wish", args=[code])
    page = resident.open(url)
    typed = {"kind": str(party.kind.pk), "words": WORDS, "name": NAME, "phone": PHONE, "address": DOOR}
    answer = resident.send(page, url, **typed)
    return Case.objects.get(), answer.url.partition("?")[0]


def publish(desk: Visitor, case: Case) -> None:
    url = reverse("cases:wish_desk_act", args=[case.number, "publish"])
    page = desk.open(url)
    assert WORDS in page.content.decode()
    day = (NOON + timedelta(days=10)).date().isoformat()
    desk.send(page, url, title=TITLE, text="独居老人，水龙头漏水一周。", points="20", deliver_by=day)


def press(visitor: Visitor, case: Case, action: str, *, photo: bool = False, **typed: Any) -> Any:
    """Follow the button on the wish's page, fill in its form, send it."""
    url = reverse("cases:wish_act", args=[case.number, action])
    page = visitor.open(reverse("cases:wish", args=[case.number]))
    if url not in forms_on(page, ""):
        assert f'href="{url}"' in page.content.decode(), f"no button for {action}"
        page = visitor.open(url)
    if photo:
        typed["photos"] = [visitor.photograph(page)]
    return visitor.send(page, url, **typed)


def state_of(case: Case) -> str:
    return Case.objects.get(pk=case.pk).state


def sees_nothing(outsider: Visitor, case: Case, photo: str = "") -> None:
    """Somebody without any part in it: no wall, no wish, no action, no phone, no photo."""
    assert TITLE not in outsider.open(WALL, status=403).content.decode()
    outsider.open(reverse("cases:wish", args=[case.number]), status=404)
    outsider.open(reverse("cases:wish_act", args=[case.number, "claim"]), status=404)
    outsider.open(reverse("cases:wish_order", args=[case.number]), status=404)
    outsider.open(reverse("cases:detail", args=[case.number]), status=404)
    if photo:
        outsider.open(photo, status=404)


def test_from_the_code_on_the_wall_to_thanks_and_points(party: Party, clock: Any) -> None:
    resident, desk, outsider = Visitor(), Visitor(party.world.desk), Visitor(party.outsider)
    member, secretary = Visitor(party.member), Visitor(party.secretary)
    case, link = ask_at_the_door(party, resident)
    assert TITLE not in member.open(WALL).content.decode()
    clock.shift(10 * MINUTE)
    publish(desk, case)
    sees_nothing(outsider, case)

    clock.shift(10 * MINUTE)
    wall = member.open(WALL)
    assert TITLE in wall.content.decode()
    assert not leaks(wall)
    press(member, case, "claim")
    assert state_of(case) == State.CLAIMED
    assert not leaks(member.open(reverse("cases:wish", args=[case.number])))

    clock.shift(10 * MINUTE)
    waiting = secretary.open(reverse("cases:branch_wishes"))
    assert party.member.name in waiting.content.decode()
    assert not leaks(waiting)
    confirm = reverse("cases:wish_act", args=[case.number, "confirm"])
    secretary.send(waiting, confirm)
    assert not leaks(secretary.open(reverse("cases:wish", args=[case.number])))

    clock.shift(10 * MINUTE)
    fulfil(member, case)
    photo = reverse("cases:attachment", args=[Attachment.objects.get(role="after").token])
    member.open(photo)
    sees_nothing(outsider, case, photo)
    Visitor(party.second_member).open(photo, status=404)

    clock.shift(60 * MINUTE)
    rate_and_thank(party, resident, case, link)
    read_statement(member, case)
    sees_nothing(outsider, case, photo)


def fulfil(member: Visitor, case: Case) -> None:
    """The confirmed claimer reads whom it is for, opens the phone, sets out and delivers."""
    page = member.open(reverse("cases:wish", args=[case.number]))
    text = page.content.decode()
    assert NAME in text
    assert DOOR in text
    assert PHONE not in text
    phone = reverse("cases:open_wish_phone", args=[case.number])
    assert PHONE in member.send(page, phone, status=200).content.decode()
    assert AuditEntry.objects.filter(action="personal_data_opened", actor=member.user).count() == 1
    assert reverse("cases:wish_act", args=[case.number, "begin"]) in member.open(WALL).content.decode()
    press(member, case, "begin")
    press(member, case, "deliver", photo=True, note="换了新龙头", minutes="45")
    assert state_of(case) == State.DELIVERED


def rate_and_thank(party: Party, resident: Visitor, case: Case, link: str) -> None:
    page = resident.open(link)
    assert party.member.name not in page.content.decode()
    resident.send(page, f"{link}rate/", satisfaction="satisfied")
    assert state_of(case) == State.CLOSED
    resident.send(resident.open(link), f"{link}thank/", note="谢谢，修得真好")


def read_statement(member: Visitor, case: Case) -> None:
    """Points stand on the statement and in the wall's head, the thanks on the wish."""
    statement = member.open(reverse("service:points")).content.decode()
    assert TITLE in statement
    assert re.search(r"\+\s*20", statement)
    assert '<b class="num">20</b>' in member.open(WALL).content.decode()
    assert "谢谢，修得真好" in member.open(reverse("cases:wish", args=[case.number])).content.decode()
    records = member.open(reverse("cases:my_claims")).content.decode()
    assert TITLE in records


def test_what_is_handed_back_is_on_the_wall_for_the_next(party: Party, clock: Any) -> None:
    resident, desk = Visitor(), Visitor(party.world.desk)
    member, second = Visitor(party.member), Visitor(party.second_member)
    case, _link = ask_at_the_door(party, resident)
    publish(desk, case)
    press(member, case, "claim")
    clock.shift(5 * MINUTE)
    press(member, case, "hand_back", note="临时出差")
    assert not leaks(member.open(reverse("cases:wish", args=[case.number])))
    press(second, case, "claim")
    assert state_of(case) == State.CLAIMED
    assert TITLE in second.open(WALL).content.decode()
