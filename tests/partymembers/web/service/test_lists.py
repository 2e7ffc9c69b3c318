"""Pages of the lists of resources and of projects."""

from __future__ import annotations

import pytest
from django.urls import reverse

from grids.models import Compound
from partymembers.actions import lists
from partymembers.models import (
    Project,
    Resource,
)
from tests.factories.cases import NOON
from tests.factories.party import Party
from tests.factories.scene import signed_in
from tests.factories.service import (
    text_of,
)

pytestmark = pytest.mark.django_db


def test_offers_by_the_page(party: Party) -> None:
    client = signed_in(party.volunteer)
    typed = {"title": "免费磨刀", "place": party.world.city.west.pk}
    assert client.post(reverse("service:resource_new"), typed | {"title": ""}).status_code == 400
    assert client.post(reverse("service:resource_new"), typed).status_code == 302
    made = Resource.objects.get()
    text = text_of(signed_in(party.member), "resources")
    assert "免费磨刀" in text
    assert party.volunteer.name not in text
    assert "免费磨刀" not in text_of(signed_in(party.member), "resources", skill="repair")
    edit = reverse("service:resource_edit", args=[made.pk])
    assert client.post(edit, typed | {"title": "磨剪刀"}).status_code == 302
    assert signed_in(party.member).get(edit).status_code == 404
    client.post(reverse("service:resource_withdraw", args=[made.pk]))
    assert "磨剪刀" not in text_of(signed_in(party.member), "resources")


def test_an_offer_to_the_street_reaches_its_communities(party: Party) -> None:
    city = party.world.city
    for place in (city.street, city.west, city.east):
        lists.offer_resource(
            offer=lists.Offer(f"给{place.name}", place), actor=party.world.street_desk, at=NOON
        )
    page = signed_in(party.volunteer).get(reverse("service:resources"))
    assert {row.place for row in page.context["page"].rows} == {city.street, city.west}


def test_a_list_for_one_grid_or_compound(party: Party) -> None:
    city, desk = party.world.city, party.world.desk
    for title, place, compound in (
        ("全社区", city.west, None),
        ("一网格", city.west_1, None),
        ("二网格", city.west_2, None),
        ("小区里", city.west, city.compound),
    ):
        offer = lists.Offer(title, place, compound=compound)
        lists.offer_resource(offer=offer, actor=desk, at=NOON)
    client = signed_in(party.volunteer)

    def shown(part: str) -> set[str]:
        page = client.get(reverse("service:resources"), {"part": part}).context["page"]
        return {row.title for row in page.rows}

    assert shown("") == shown("x") == {"全社区", "一网格", "二网格", "小区里"}
    assert shown(f"g{city.west_1.pk}") == {"全社区", "一网格", "小区里"}
    assert shown(f"c{city.compound.pk}") == {"全社区", "一网格", "二网格", "小区里"}
    other = Compound.objects.create(community=city.west, name="另一小区")
    assert shown(f"c{other.pk}") == {"全社区", "一网格", "二网格"}
    assert "另一小区" in client.get(reverse("service:projects")).content.decode()


def test_projects_by_the_page(party: Party) -> None:
    client = signed_in(party.secretary)
    typed = {
        "title": "加装电梯", "branch": party.committee.pk, "place": party.world.city.west.pk,
        "lead": party.member.pk, "due_on": "2026-12-31",
    }  # fmt: skip
    assert client.post(reverse("service:project_new"), typed | {"due_on": "2026-01-01"}).status_code == 400
    assert client.post(reverse("service:project_new"), typed).status_code == 302
    made = Project.objects.get()
    progress = reverse("service:project_progress", args=[made.pk])
    said = {"state": "done", "progress": "已验收"}
    assert signed_in(party.volunteer).get(progress).status_code == 404
    assert signed_in(party.member).post(progress, said).status_code == 302
    assert "已验收" in text_of(signed_in(party.volunteer), "projects", state="done")
    assert signed_in(party.member).get(reverse("service:project_new")).status_code == 403
