"""The officers' pages of rules, skills, stations and teams: the system officer writes, nothing is deleted."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from partymembers.models import AuditEntry, EarningRule, Role, Skill, StationItem
from tests.factories.cases import make_world
from tests.factories.people import make_user
from tests.factories.service import Served, make_served

pytestmark = pytest.mark.django_db


@pytest.fixture
def served() -> Served:
    return make_served(make_world())


def signed_in(role: Role) -> Client:
    client = Client()
    client.force_login(make_user(str(role.label), role=role))
    return client


def pages(served: Served) -> dict[str, tuple[int, bool]]:
    """By model: one row, and whether one can be added."""
    rule, skill = EarningRule.objects.get(code="wish"), Skill.objects.get(code="repair")
    return {
        "earningrule": (rule.pk, True),
        "skill": (skill.pk, True),
        "station": (served.item.station_id, True),
        "team": (served.team.pk, False),
    }


def test_who_gets_which_page(served: Served) -> None:
    for role in (Role.SYSTEM_OFFICER, Role.SECURITY_OFFICER, Role.AUDIT_OFFICER):
        client = signed_in(role)
        for model, (pk, may_add) in pages(served).items():
            name = f"admin:partymembers_{model}"
            found = {
                "list": client.get(reverse(f"{name}_changelist")).status_code,
                "row": client.get(reverse(f"{name}_change", args=[pk])).status_code,
                "add": client.get(reverse(f"{name}_add")).status_code,
                "delete": client.get(reverse(f"{name}_delete", args=[pk])).status_code,
            }
            adds = may_add and role == Role.SYSTEM_OFFICER
            assert found == {"list": 200, "row": 200, "add": 200 if adds else 403, "delete": 403}


def test_a_changed_rule_is_audited_and_keeps_its_code(served: Served) -> None:
    client = signed_in(Role.SYSTEM_OFFICER)
    rule = EarningRule.objects.get(code="wish")
    url = reverse("admin:partymembers_earningrule_change", args=[rule.pk])
    typed = {
        "name": rule.name, "code": "other", "points": "60", "per": "stated", "cap_per_day": "120",
        "is_active": "on",
    }  # fmt: skip
    assert client.post(url, typed).status_code == 302
    rule.refresh_from_db()
    assert (rule.code, rule.points, rule.cap_per_day) == ("wish", 60, 120)
    assert AuditEntry.objects.get(action="earningrule_changed").data["changes"]["points"] == [50, 60]


def test_the_stock_is_not_changed_here(served: Served) -> None:
    client = signed_in(Role.SYSTEM_OFFICER)
    station = served.item.station
    url = reverse("admin:partymembers_station_change", args=[station.pk])
    typed = {
        "name": station.name, "place": str(station.place_id), "address": "", "hours": "", "closed_on": "",
        "items-TOTAL_FORMS": "1", "items-INITIAL_FORMS": "1", "items-0-id": str(served.item.pk),
        "items-0-station": str(station.pk), "items-0-name": "香皂", "items-0-points": "10",
        "items-0-stock": "999", "items-0-is_offered": "on",
    }  # fmt: skip
    assert client.post(url, typed).status_code == 302
    item = StationItem.objects.get()
    assert (item.name, item.points, item.stock) == ("香皂", 10, 4)
