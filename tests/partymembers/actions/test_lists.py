"""Offers and projects: what they must have, and who changes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.common.errors import Invalid, WrongState
from partymembers.actions import lists
from partymembers.models import (
    Project,
    Resource,
)
from tests.factories.cases import NOON
from tests.factories.party import Party

pytestmark = pytest.mark.django_db


def test_what_an_offer_must_have(party: Party) -> None:
    west, member = party.world.city.west, party.member
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("title", {"title": " "}),
        ("unit", {"unit": party.world.other_unit}),
        ("branch", {"branch": party.committee}),
        ("compound", {"compound": party.world.city.compound, "place": party.world.city.east}),
        ("ends_on", {"ends_on": NOON.date() - timedelta(days=1)}),
    ]
    for field, change in wrong:
        values: dict[str, Any] = {"title": "义诊", "place": west}
        with pytest.raises(Invalid) as refused:
            lists.offer_resource(offer=lists.Offer(**(values | change)), actor=member, at=NOON)
        assert refused.value.field == field
    for number in range(lists.MOST_OFFERS):
        lists.offer_resource(offer=lists.Offer(title=f"义诊{number}", place=west), actor=member, at=NOON)
    with pytest.raises(WrongState):
        lists.offer_resource(offer=lists.Offer(title="再来", place=west), actor=member, at=NOON)
    first = Resource.objects.order_by("pk")[0]
    lists.withdraw_resource(resource_id=first.pk, actor=member, at=NOON)
    with pytest.raises(WrongState):
        lists.withdraw_resource(resource_id=first.pk, actor=member, at=NOON)


def test_colleagues_change_what_their_unit_offers(party: Party) -> None:
    world = party.world
    offer = lists.Offer(title="电工", place=world.city.west, unit=world.unit)
    made = lists.offer_resource(offer=offer, actor=world.handler, at=NOON)
    better = lists.Offer(title="电工两名", place=world.city.west, unit=world.unit)
    changed = lists.change_resource(resource_id=made.pk, offer=better, actor=world.second_handler, at=NOON)
    assert (changed.title, changed.offered_by) == ("电工两名", world.handler)


def test_a_project_from_plan_to_end(party: Party) -> None:
    city = party.world.city
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("title", {"title": ""}),
        ("place", {"place": city.east}),
        ("due_on", {"due_on": NOON.date() - timedelta(days=1)}),
    ]
    values: dict[str, Any] = {
        "title": "加装电梯",
        "place": city.west,
        "branch": party.committee,
        "lead": party.member,
        "due_on": NOON.date() + timedelta(days=60),
    }
    for field, change in wrong:
        with pytest.raises(Invalid) as refused:
            lists.start_project(
                undertaking=lists.Undertaking(**(values | change)), actor=party.secretary, at=NOON
            )
        assert refused.value.field == field
    made = lists.start_project(undertaking=lists.Undertaking(**values), actor=party.secretary, at=NOON)
    with pytest.raises(Invalid):
        lists.report_progress(project_id=made.pk, state="done", progress=" ", actor=party.member, at=NOON)
    with pytest.raises(Invalid):
        lists.report_progress(project_id=made.pk, state="x", progress="好", actor=party.member, at=NOON)
    done = lists.report_progress(
        project_id=made.pk, state="done", progress="已验收", actor=party.member, at=NOON
    )
    assert (done.state, done.ended_at) == (Project.State.DONE, NOON)
    with pytest.raises(WrongState):
        lists.report_progress(
            project_id=made.pk, state="running", progress="返工", actor=party.member, at=NOON
        )
