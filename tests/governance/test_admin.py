"""The officers' pages about the territory: what each officer sees, and what may be done there."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from grids import actions
from grids.levels import Level
from grids.models import Building, Compound, Place, PlaceChange, QrCode
from partymembers.models import AuditEntry, Role
from tests.factories.grids import BEGAN, City, make_building, make_city, make_place, square
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db
LATER = datetime(2026, 6, 30, 18, tzinfo=UTC)
MODELS = (Place, Building, Compound, PlaceChange, QrCode)


@pytest.fixture
def city() -> City:
    city = make_city()
    city.qr_code()
    actions.merge_places(places=[city.east], into=city.west, at=LATER)
    return city


def signed_in(role: Role | None, **fields: object) -> Client:
    client = Client()
    client.force_login(make_user(role=role, **fields), backend="partymembers.backends.StaffBackend")
    return client


def page(model: Any, name: str = "changelist", *arguments: object) -> str:
    return reverse(f"admin:grids_{model._meta.model_name}_{name}", args=arguments)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("role", [Role.SYSTEM_OFFICER, Role.SECURITY_OFFICER, Role.AUDIT_OFFICER])
def test_officers_read_every_page(city: City, model: Any, role: Role):
    client = signed_in(role)
    listed = client.get(page(model))
    assert listed.status_code == 200
    row = model.objects.order_by("pk").first()
    assert client.get(page(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_nobody_else_finds_the_pages(city: City, model: Any):
    for client in (signed_in(None), signed_in(Role.DESK, place=city.city)):
        assert client.get(page(model)).status_code == 404
        assert client.get(page(model, "change", model.objects.order_by("pk").first().pk)).status_code == 404
    assert Client().get(page(model)).status_code == 302


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_added_or_deleted(city: City, model: Any):
    client = signed_in(Role.SYSTEM_OFFICER)
    row = model.objects.order_by("pk").first()
    assert client.get(page(model, "add")).status_code == 403
    assert client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


def test_the_list_shows_places_in_force_unless_asked(city: City):
    client = signed_in(Role.SYSTEM_OFFICER)
    current = client.get(page(Place)).content.decode()
    assert city.west.code in current
    assert city.east.code not in current
    assert city.east.code in client.get(page(Place), {"retired": "yes"}).content.decode()
    everything = client.get(page(Place), {"retired": "all", "q": "341102"}).content.decode()
    assert city.west.code in everything
    assert city.east.code in everything


def test_a_name_is_corrected_through_the_action_and_audited(city: City):
    client = signed_in(Role.SYSTEM_OFFICER)
    address = page(Place, "change", city.west.pk)
    assert client.post(address, {"name": "西湖社区", "kind": "residential"}).status_code == 302
    city.west.refresh_from_db()
    assert city.west.name == "西湖社区"
    assert AuditEntry.objects.filter(action="place_changed").count() == 1
    refused = client.post(address, {"name": "a\x00b", "kind": "residential"})
    assert refused.status_code == 200
    city.west.refresh_from_db()
    assert city.west.name == "西湖社区"


def test_only_the_system_officer_writes(city: City):
    client = signed_in(Role.SECURITY_OFFICER)
    address = page(Place, "change", city.west.pk)
    assert client.post(address, {"name": "西湖社区", "kind": ""}).status_code == 403
    retire = {"action": "retire", "_selected_action": [city.west_2.pk], "confirmed": "yes"}
    client.post(page(Place), retire)
    assert Place.objects.get(pk=city.west.pk).name == "西涧社区"
    assert Place.objects.get(pk=city.west_2.pk).retired_on is None


def test_a_retired_place_is_only_read(city: City):
    client = signed_in(Role.SYSTEM_OFFICER)
    address = page(Place, "change", city.east.pk)
    assert client.post(address, {"name": "另名", "kind": ""}).status_code == 403
    building = Building.objects.get(place=city.buildings[3].place)
    assert client.post(page(Building, "change", building.pk), {"households": 1}).status_code == 403


def test_the_list_of_buildings_is_headed_in_chinese(city: City):
    client = signed_in(Role.SYSTEM_OFFICER)
    listed = client.get(page(Building)).content.decode()
    assert city.building.name in listed
    for address in (page(Building), page(Building, "change", city.building.pk)):
        text = client.get(address).content.decode()
        assert "名称" in text
        assert not re.search(r">\s*Place\b", text), address


def test_counts_are_corrected(city: City):
    client = signed_in(Role.SYSTEM_OFFICER)
    data = {"entrances": 1, "floors": 2, "households": 3, "residents": 4, "compound": city.compound.pk}
    assert client.post(page(Building, "change", city.building.pk), data).status_code == 302
    building = Building.objects.get(place=city.building)
    assert (building.entrances, building.floors, building.households, building.residents) == (1, 2, 3, 4)


def test_a_compounds_name_is_corrected_and_told_apart(city: City):
    client = signed_in(Role.SYSTEM_OFFICER)
    actions.add_compound(community=city.west, name="新苑")
    address = page(Compound, "change", city.compound.pk)
    refused = client.post(address, {"name": "新苑", "address": ""})
    assert refused.status_code == 200
    assert refused.context["adminform"].form.errors.keys() == {"name"}
    assert client.post(address, {"name": "清流苑", "address": "清流路"}).status_code == 302
    city.compound.refresh_from_db()
    assert (city.compound.name, city.compound.address) == ("清流苑", "清流路")


def test_retiring_asks_first_and_takes_the_deepest_first(city: City):
    client = signed_in(Role.SYSTEM_OFFICER)
    chosen = {"action": "retire", "_selected_action": [city.west_2.pk, city.buildings[2].place.pk]}
    asked = client.post(page(Place), chosen)
    assert asked.status_code == 200
    assert city.west_2.code in asked.content.decode()
    assert Place.objects.get(pk=city.west_2.pk).retired_on is None
    client.post(page(Place), {**chosen, "confirmed": "yes"})
    assert Place.objects.get(pk=city.west_2.pk).retired_on is not None
    assert AuditEntry.objects.filter(action="place_retired").count() == 2


def test_what_cannot_be_retired_is_said(city: City):
    client = signed_in(Role.SYSTEM_OFFICER)
    chosen = {"action": "retire", "_selected_action": [city.west.pk], "confirmed": "yes"}
    answer = client.post(page(Place), chosen, follow=True)
    assert [str(message).startswith("西涧社区: ") for message in answer.context["messages"]] == [True]
    assert Place.objects.get(pk=city.west.pk).retired_on is None


def test_qr_codes_are_issued_and_revoked_but_never_shown(city: City):
    client = signed_in(Role.SYSTEM_OFFICER)
    old = QrCode.objects.get()
    client.post(page(Place), {"action": "issue_qr_codes", "_selected_action": [city.west_1.pk]})
    assert QrCode.objects.exclude(pk=old.pk).get().place == city.west_1
    client.post(page(QrCode), {"action": "revoke", "_selected_action": [old.pk]})
    old.refresh_from_db()
    assert old.revoked_at is not None
    assert old.token not in client.get(page(QrCode, "change", old.pk)).content.decode()
    assert old.token not in client.get(page(QrCode)).content.decode()


@pytest.mark.parametrize(
    ("model", "queries"), [(Place, 4), (Building, 4), (Compound, 4), (PlaceChange, 6), (QrCode, 4)]
)
def test_lists_cost_as_many_queries_with_many_rows(
    city: City, model: Any, queries: int, django_assert_num_queries
):
    client = signed_in(Role.SYSTEM_OFFICER)
    assert client.get(page(model)).status_code == 200
    with django_assert_num_queries(queries):
        client.get(page(model))
    for number in range(30):
        grid = make_place(city.west, Level.GRID, f"{number}号", boundary=square(118, 32))
        make_building(grid)
        actions.issue_qr_code(place=grid, at=BEGAN)
        actions.add_compound(community=city.west, name=f"{number}苑")
        actions.change_boundary(place=grid, boundary=square(118, 33), at=LATER)
    with django_assert_num_queries(queries):
        client.get(page(model))


def test_the_drawing_is_shown(city: City):
    body = signed_in(Role.SYSTEM_OFFICER).get(page(Place, "change", city.west_1.pk)).content.decode()
    assert '<path d="M' in body
