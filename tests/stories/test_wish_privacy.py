"""Who learns what of whom while a wish travels from the QR code to thanks and points, by the pages.

The resident at the code has no account; the desk vets, a member claims, the branch's secretary confirms and
a colleague at the desk follows. A second member, the grid worker of the place and the desk next door look on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from cases.calendars import forget_calendar
from cases.models import Case, CaseEvent, Notification
from cases.notify import in_app
from cases.workflow import State
from partymembers.models import PointsAccount
from tests.factories.cases import NOON
from tests.factories.party import Party, make_party
from tests.stories.visitors import Visitor

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NAME, PHONE, DOOR = "欧阳秀英", "13955556666", "3单元909室"
WORDS = "我是欧阳秀英，住3单元909室，窗帘掉下来了，够不着"
SECRETS = (NAME, "欧阳某某", PHONE, "139****6666", "909室")


@pytest.fixture(autouse=True)
def plain_calendar() -> Iterator[None]:
    forget_calendar()
    yield
    forget_calendar()


@dataclass
class Story:
    """Who takes part, at their browsers; `onlookers` never learn who asked."""

    party: Party
    resident: Visitor = field(default_factory=Visitor)
    link: str = ""

    def __post_init__(self) -> None:
        world, party = self.party.world, self.party
        self.desk, self.colleague = Visitor(world.desk), Visitor(world.second_desk)
        self.member, self.secretary = Visitor(party.member), Visitor(party.secretary)
        people = (party.second_member, party.volunteer, world.worker, world.other_desk, world.official)
        self.onlookers = [self.secretary, *(Visitor(user) for user in people)]

    @property
    def case(self) -> Case:
        return Case.objects.get()

    def ask(self) -> None:
        code = self.party.world.city.qr_code()
        url = reverse("cases:public_wish", args=[code.token])
        assert url in self.resident.open(reverse("cases:public_report", args=[code.token])).content.decode()
        typed = {"kind": str(self.party.kind.pk), "words": WORDS, "name": NAME}
        page = self.resident.open(url)
        self.link = self.resident.send(page, url, **typed, phone=PHONE, address=DOOR).url.partition("?")[0]

    def answer(self, action: str, **typed: str) -> None:
        """Press a button of the page behind the link."""
        self.resident.send(self.resident.open(self.link), f"{self.link}{action}/", **typed)

    def followed(self) -> str:
        return str(self.resident.open(self.link).content.decode())

    def at_desk(self, action: str, **typed: str) -> None:
        """Press a button of the desk's page and fill in its form."""
        page = self.desk.open(reverse("cases:wish_order", args=[self.case.number]))
        url = reverse("cases:wish_desk_act", args=[self.case.number, action])
        assert url in page.content.decode(), f"no button for {action}"
        self.desk.send(self.desk.open(url), url, **typed)

    def by(self, visitor: Visitor, action: str, *, photo: bool = False, **typed: object) -> None:
        """Press a button of the wish's page."""
        page = visitor.open(reverse("cases:wish", args=[self.case.number])).content.decode()
        url = reverse("cases:wish_act", args=[self.case.number, action])
        assert url in page, f"no button for {action}"
        form = visitor.open(url)
        if photo:
            typed["photos"] = [visitor.photograph(form)]
        visitor.send(form, url, **typed)

    def nobody_else_learns(self, *more: Visitor) -> None:
        """Every page that a wish can stand on, and where every message leads, read by those who may not."""
        told = Notification.objects.values("event")
        in_app(list(CaseEvent.objects.exclude(pk__in=told).order_by("pk")))
        for visitor in (*self.onlookers, *more):
            assert learned(visitor, self.case.number) == set(), visitor.user


def learned(visitor: Visitor, number: str) -> set[str]:
    """What somebody finds of the asker."""
    assert visitor.user is not None
    urls = [
        *("/wishes/", "/wishes/claims/", "/wishes/branch/", "/wishes/needs/", "/wishes/desk/"),
        *("/wishes/mine/", "/mine/", "/desk/", "/orders/", "/today/", "/notifications/"),
        *(f"/wishes/{number}/", f"/wishes/{number}/desk/", f"/wishes/mine/{number}/", f"/orders/{number}/"),
    ]
    for message in Notification.objects.filter(recipient=visitor.user):
        urls.append(reverse("cases:notification_open", args=[message.pk]))
    visitor.open("/wishes/mine/")  # signs in anew, so that no page is the sign-in's
    pages = [visitor.client.get(url, follow=True).content.decode() for url in urls]
    return {secret for secret in SECRETS for page in pages if secret in page}


def test_who_asked_is_learned_by_the_claimer_alone_and_not_before_the_confirmation() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        story = Story(make_party())
        story.ask()
        story.nobody_else_learns(story.member)
        clock.shift(HOUR)
        story.at_desk("publish", title="想把窗帘装回去", text="独居老人，够不着。", points="30")
        assert "已上心愿墙" in story.followed()
        story.by(story.member, "claim")
        story.nobody_else_learns(story.member)
        assert "党员" not in story.followed()

        clock.shift(HOUR)
        page = story.desk.open(reverse("cases:wish_desk") + "?view=confirm")
        story.desk.send(page, reverse("cases:wish_desk_act", args=[story.case.number, "confirm"]))
        story.nobody_else_learns()
        assert "909室" in learned(story.member, story.case.number)
        assert "西涧社区的党员" in story.followed()
        assert "党员甲" not in story.followed()
        story.by(story.member, "deliver", photo=True, note="装好了，还拧紧了螺丝", minutes="40")
        story.answer("rate", satisfaction="satisfied")
        story.answer("thank", note="谢谢小伙子")
        story.nobody_else_learns()
        page = story.colleague.open(reverse("cases:wish_order", args=[story.case.number])).content.decode()
        assert "谢谢小伙子" in page
        assert PHONE not in page


def test_not_delivered_goes_back_and_a_revoked_wish_takes_the_points() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        story = Story(make_party())
        story.ask()
        story.at_desk("publish", title="想把窗帘装回去", points="30")
        story.by(story.member, "claim")
        story.at_desk("confirm")
        clock.shift(HOUR)
        story.by(story.member, "deliver", photo=True, note="装好了")
        story.answer("fail", note="又掉下来了")
        assert story.case.state == State.BEGUN
        story.by(story.member, "deliver", photo=True, note="换了膨胀螺丝")
        story.answer("rate", satisfaction="basically")
        assert PointsAccount.objects.get(user=story.party.member).balance == 30
        story.at_desk("revoke", note="查明并未上门")
        assert PointsAccount.objects.get(user=story.party.member).balance == 0
        assert "未实现，已结束" in story.followed()
