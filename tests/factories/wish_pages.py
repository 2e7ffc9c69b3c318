"""What tests of the pages of wishes share: readers, addresses, what may never leak, wishes on the wall."""

from __future__ import annotations

import uuid
from typing import Any

from django.test import Client
from django.urls import reverse

from cases.actions import wishes
from cases.models import Case
from partymembers.models import Skill, User
from tests.factories.cases import MINUTE, NOON, make_attachment
from tests.factories.party import Party, ask, publishing
from tests.factories.scene import signed_in

WALL = reverse("cases:wishes")
#: What tells of the asker: name, phone and its end, door, their own words.
SECRETS = ("李秀英", "13812345678", "5678", "2单元", "501", "家里水龙头")

#: What an asker fills in.
PHONE, NAME, DOOR = "13912345678", "李秀英", "2单元501"
WORDS = "家里水龙头漏水，请帮忙换一个"


def visitor() -> Client:
    """Somebody without an account, in English."""
    client = Client()
    client.cookies["django_language"] = "en"
    return client


def filled(party: Party, **fields: Any) -> dict[str, Any]:
    """The form of a wish as its page sends it."""
    return {
        "kind": str(party.kind.pk),
        "words": WORDS,
        "name": NAME,
        "phone": PHONE,
        "address": DOOR,
        "client_id": str(uuid.uuid4()),
    } | fields


def read(user: User, url: str, status: int = 200, **query: Any) -> str:
    """A page as somebody reads it."""
    response = signed_in(user).get(url, query)
    assert response.status_code == status, (url, response.status_code)
    return str(response.content.decode())


def page_of(case: Case) -> str:
    """The address of a wish."""
    return reverse("cases:wish", args=[case.number])


def door_of(case: Case, action: str) -> str:
    """The address of an action on a wish."""
    return reverse("cases:wish_act", args=[case.number, action])


def leaks(text: str) -> list[str]:
    """The secrets that a text gives away."""
    return [secret for secret in SECRETS if secret in text]


def publish(party: Party, *, skills: tuple[Skill, ...] = (), **fields: Any) -> Case:
    """A wish on the wall."""
    case = ask(party, **fields.pop("asked", {}))
    desk = party.world.desk if case.community == party.world.city.west else party.world.other_desk
    wishes.publish_wish(case_id=case.pk, publishing=publishing(skills=skills, **fields), actor=desk, at=NOON)
    return Case.objects.get(pk=case.pk)


def deliver(party: Party, case: Case) -> None:
    """Done by the member who has claimed it."""
    photo = make_attachment(party.member)
    wishes.deliver_wish(
        case_id=case.pk, actor=party.member, at=NOON + 30 * MINUTE, note="换好了", attachments=[photo]
    )
