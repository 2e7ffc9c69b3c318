"""A head of a unit finds what was reported about their people by the navigation, not by the bell alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from django.urls import reverse

from partymembers.actions.evaluations import evaluate_member, report_to_units
from partymembers.models import Evaluation, Member, User
from tests.factories.cases import NOON
from tests.factories.party import Party, make_party
from tests.factories.scene import signed_in

pytestmark = pytest.mark.django_db
URL = "/party/evaluations/"


@pytest.fixture(autouse=True)
def noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def party() -> Party:
    return make_party()


def grade(party: Party, user: User, year: int, value: str) -> None:
    member = Member.objects.get(user=user)
    evaluate_member(member_id=member.pk, year=year, grade=value, actor=party.secretary, at=NOON)


def test_the_reports_of_every_year_stand_on_one_page(party: Party) -> None:
    grade(party, party.member, 2025, "good")
    grade(party, party.second_member, 2025, "poor")
    report_to_units(branch_id=party.committee.pk, year=2025, actor=party.secretary, at=NOON)
    grade(party, party.member, 2026, "good")  # not reported: not theirs to read yet
    page = signed_in(party.world.head).get(URL)
    (report,) = page.context["reports"]
    assert (report.unit, report.year, report.total) == (party.world.unit.name, 2025, 2)
    assert [each.count for each in report.distribution] == [1, 0, 0, 1]
    assert reverse("party:evaluation_report", args=[party.world.unit.pk, 2025]) in page.content.decode()


def test_only_heads_of_units_have_the_entry(party: Party) -> None:
    world = party.world
    for user, has in (
        (world.head, True),
        (world.handler, False),
        (party.secretary, False),
        (party.member, False),
    ):
        client = signed_in(user)
        items = {item.key: item.url for item in client.get(reverse("profile")).context["nav_items"]}
        assert items.get("evaluations") == (URL if has else None)
        assert client.get(URL).status_code == (200 if has else 404)
    assert "还没有" in signed_in(world.head).get(URL).content.decode()


def test_an_old_page_undoes_nothing_that_a_colleague_did_since(party: Party) -> None:
    """Two open the list; one corrects a grade and reports, the other then grades somebody else."""
    grade(party, party.member, 2026, "good")
    first, second = (Member.objects.get(user=user) for user in (party.member, party.second_member))
    client, url = signed_in(party.secretary), reverse("party:evaluate", args=[party.committee.pk])
    page = client.get(
        reverse("party:branch", args=[party.committee.pk]), {"tab": "evaluations", "year": 2026}
    )
    assert f'name="was-{first.pk}" value="good"' in page.content.decode()
    old = {"year": "2026", f"was-{first.pk}": "good", f"was-note-{first.pk}": "", f"grade-{first.pk}": "good"}
    grade(party, party.member, 2026, "poor")
    assert (
        client.post(url, {**old, f"was-{second.pk}": "", f"grade-{second.pk}": "average"}).status_code == 302
    )
    grades = dict(Evaluation.objects.values_list("member", "grade"))
    assert grades == {first.pk: "poor", second.pk: "average"}
    report_to_units(branch_id=party.committee.pk, year=2026, actor=party.secretary, at=NOON)
    assert client.post(url, old).status_code == 302  # nothing changed, nothing refused
    assert client.post(url, {**old, f"grade-{first.pk}": "average"}).status_code == 409
