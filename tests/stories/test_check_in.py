"""Dual check-in by the pages: from a reminder to the grade that the work unit reads, with seven people.

The member works at a unit and lives in a community. Beside them: the community's secretary, a committee
member of the same branch, the head of the work unit; and as outsiders the secretary of the next community,
the head of another unit, and somebody without any part in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from cases.calendars import forget_calendar
from partymembers.actions.service import record_service
from partymembers.models import (
    AuditEntry,
    BranchLevel,
    CheckIn,
    Evaluation,
    Member,
    PointsAccount,
    Role,
)
from partymembers.tasks import remind_check_ins
from tests.factories.cases import NOON
from tests.factories.party import Party, make_branch, make_branch_post, make_member, make_party
from tests.factories.people import make_unit, make_user
from tests.stories.visitors import Visitor, forms_on

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ME = "/party/"


@pytest.fixture(autouse=True)
def plain_calendar() -> Iterator[None]:
    forget_calendar()
    yield
    forget_calendar()


@dataclass
class Cast:
    """Who takes part, at their browsers."""

    party: Party
    row: Member
    member: Visitor
    secretary: Visitor
    colleague: Visitor
    head: Visitor
    #: Who must learn nothing.
    outsiders: list[Visitor]


@pytest.fixture
def people() -> Cast:
    party = make_party()
    world = party.world
    settled_on = NOON.date() - 25 * DAY
    user = make_user("欧阳守业", phone="13811112222")
    row = make_member(
        home=party.home, user=user, settled_on=settled_on, lives_at=world.city.building, door="9幢909"
    )
    colleague, next_door = make_user("周委员"), make_user("东涧书记")
    make_branch_post(colleague, party.committee, Role.BRANCH_COMMITTEE)
    east = make_branch(party.city_branch, "东涧社区党委", level=BranchLevel.COMMUNITY, place=world.city.east)
    make_branch_post(next_door, east)
    head = make_user("所长", role=Role.UNIT_HEAD, unit=world.unit)
    other_head = make_user("院长", role=Role.UNIT_HEAD, unit=make_unit("医院"))
    outsiders = [Visitor(each) for each in (next_door, other_head, party.outsider)]
    return Cast(
        party, row, Visitor(user), Visitor(party.secretary), Visitor(colleague), Visitor(head), outsiders
    )


def bell(visitor: Visitor) -> int:
    """How many messages wait for somebody."""
    return int(visitor.open(ME).context["nav_bell"]["unread"])


def inbox(visitor: Visitor) -> str:
    return str(visitor.open(reverse("cases:notifications")).content.decode())


def nobody_else(people: Cast, url: str) -> None:
    """None of the outsiders finds the page, by reading or by sending."""
    for visitor in people.outsiders:
        visitor.open(url, status=404)


def test_a_check_in_from_reminder_to_report(people: Cast) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        be_reminded_and_ask(people)
        clock.shift(DAY)
        be_taken_in(people)
        clock.shift(20 * DAY)
        serve_and_be_graded(people)
        clock.shift(DAY)
        be_reported_to_the_work_unit(people)
        clock.shift(DAY)
        move_away(people)


def be_reminded_and_ask(people: Cast) -> None:
    """Five days before it is due the bell rings, and the page leads to the branch where one lives."""
    member, branch = people.member, people.party.committee
    remind_check_ins()
    remind_check_ins()
    assert (bell(member), bell(people.outsiders[2])) == (1, 0)
    assert "请在 2026-11-26 前到居住地报到" in inbox(member)
    page = member.open(ME)
    assert page.context["standing"] == "nearly_due"
    url = reverse("party:check_in_ask")
    sent = member.fill(page, url, offer="周末能修水管")
    assert sent["branch"] == [str(branch.pk)]
    member.send(page, url, offer="周末能修水管")
    assert member.open(ME).context["standing"] == "waiting"
    assert (bell(people.secretary), bell(people.colleague), bell(people.outsiders[0])) == (1, 1, 0)
    assert "欧阳某某申请报到" in inbox(people.secretary)


def be_taken_in(people: Cast) -> None:
    """The secretary finds the request among the branch's; it brings the branch, a message and five points."""
    secretary, branch = people.secretary, people.party.committee
    home = secretary.open("/", status=302).headers["Location"]
    landing = secretary.open(home)
    ((_branch, numbers),) = landing.context["tops"]
    assert (numbers.checked_in_here, numbers.waiting) == (2, 1)
    url = reverse("party:branch", args=[branch.pk])
    nobody_else(people, url)
    page = secretary.open(url, tab="requests")
    text = page.content.decode()
    assert "周末能修水管" in text
    assert "13811112222" not in text
    assert "9幢909" not in text
    accept = reverse("party:check_in_accept", args=[CheckIn.objects.get().pk])
    secretary.send(page, accept)
    page = people.member.open(ME)
    assert (page.context["standing"], page.context["form"]) == ("checked_in", None)
    assert "你已在西涧社区党委报到" in inbox(people.member)
    assert PointsAccount.objects.get(user=people.row.user).balance == 5
    ((_branch, numbers),) = secretary.open(reverse("party:branches")).context["tops"]
    assert (numbers.checked_in_here, numbers.waiting) == (3, 0)


def serve_and_be_graded(people: Cast) -> None:
    """Who has not served stands in the look-back until they do; a colleague of the committee grades."""
    branch, row = people.party.committee, people.row
    url = reverse("party:branch", args=[branch.pk])
    found = people.secretary.open(url, tab="lookback", which="not_served").content.decode()
    assert "欧阳守业" in found
    record_service(
        user=row.user, kind="activity", source="activity", source_id=1, what="楼道清洁",
        at=NOON + 10 * DAY, minutes=90,
    )  # fmt: skip
    assert "欧阳守业" not in people.secretary.open(url, tab="lookback", which="not_served").content.decode()
    assert "楼道清洁" in people.member.open(ME).content.decode()
    page = people.colleague.open(url, tab="evaluations")
    line = next(line for line in page.context["lines"] if line["member"] == row)
    assert line["hours"] == 1.5
    save = reverse("party:evaluate", args=[branch.pk])
    people.colleague.send(page, save, **{f"grade-{row.pk}": "average", f"note-{row.pk}": "按时参加"})
    page = people.secretary.open(url, tab="evaluations")
    people.secretary.send(page, save, **{f"grade-{row.pk}": "good"})
    grade = Evaluation.objects.get()
    assert (grade.grade, grade.note, grade.unit) == ("good", "按时参加", people.party.world.unit)
    assert bell(people.head) == 0


def be_reported_to_the_work_unit(people: Cast) -> None:
    """The head of the work unit reads the grade, prints it, and nobody changes it any more."""
    branch, row, unit = people.party.committee, people.row, people.party.world.unit
    url = reverse("party:branch", args=[branch.pk])
    report = reverse("party:evaluation_report", args=[unit.pk, 2026])
    assert people.head.open(report).context["rows"] == []
    page = people.secretary.open(url, tab="evaluations")
    people.secretary.send(page, reverse("party:report", args=[branch.pk]))
    assert bell(people.head) == 1
    assert "西涧社区党委已反馈 2026 年度评价" in inbox(people.head)
    shown = people.head.open(report)
    assert [(each.member, each.grade) for each in shown.context["rows"]] == [(row, "good")]
    assert [each.count for each in shown.context["distribution"]] == [1, 0, 0, 0]
    printed = people.head.open(report, print="1").content.decode()
    assert "欧阳守业" in printed
    assert "100.00%" in printed
    nobody_else(people, report)
    page = people.secretary.open(url, tab="evaluations")
    save = reverse("party:evaluate", args=[branch.pk])
    assert f"grade-{row.pk}" not in forms_on(page, "")[save].offered
    assert "2026" in people.member.open(ME).content.decode()


def move_away(people: Cast) -> None:
    """A move ends the check-in; the phone was never opened but by the one who is written down."""
    row, secretary = people.row, people.secretary
    url = reverse("party:member", args=[row.pk])
    nobody_else(people, url)
    page = secretary.open(url)
    opened = reverse("party:member_open", args=[row.pk])
    answer = secretary.send(page, opened, status=200)
    assert "13811112222" in answer.content.decode()
    entries = AuditEntry.objects.filter(action="personal_data_opened")
    assert [(each.actor, each.data["what"]) for each in entries] == [(secretary.user, "member_phone")]
    moved = reverse("party:moved")
    page = people.member.open(moved)
    people.member.send(page, moved, lives_at=str(people.party.world.city.east.pk), door="1幢101")
    page = people.member.open(ME)
    assert page.context["standing"] == "due"
    assert page.context["form"].fields["branch"].queryset.get().name == "东涧社区党委"
    assert CheckIn.objects.get().state == CheckIn.State.ENDED
    secretary.open(url, status=404)
