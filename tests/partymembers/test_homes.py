"""Where a member lives: found by a name, narrowed down to the building, masked for everybody else."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from grids.models import Compound, Place
from partymembers import homes
from partymembers.models import Member
from tests.factories.party import Party, make_member, make_party
from tests.factories.scene import signed_in

pytestmark = pytest.mark.django_db
URL = "/party/moved/"


@pytest.fixture
def party() -> Party:
    return make_party()


def offered(words: str = "", chosen: Place | None = None) -> list[tuple[str, int, bool]]:
    rows = homes.homes_offered(words, chosen=chosen.pk if chosen else None)
    return [(each.place.name, each.depth, each.is_chosen) for each in rows]


def test_nothing_is_offered_before_a_word_is_typed(party: Party) -> None:
    assert offered() == []
    assert homes.homes_offered("", chosen=party.world.city.street.pk) == []  # nobody lives in a street


def test_a_community_is_found_by_its_name_its_street_and_a_compound(party: Party) -> None:
    city = party.world.city
    Compound.objects.create(community=city.east, name="凤凰花园")
    assert offered("西涧") == [(city.west.name, 0, False)]
    assert {name for name, _depth, _chosen in offered(city.street.name)} >= {city.west.name, city.east.name}
    (found,) = homes.homes_offered("凤凰", chosen=None)
    assert (found.place, found.beside) == (city.east, f"{city.street.name} · 凤凰花园")
    assert offered("没有") == []
    assert len(offered("社区")) <= homes.MOST_FOUND


def test_the_chosen_one_opens_what_lies_inside_it(party: Party) -> None:
    city = party.world.city
    assert offered(chosen=city.west)[0] == (city.west.name, 0, True)
    assert (city.west_1.name, 1, False) in offered(chosen=city.west)
    assert (city.building.name, 2, False) in offered(chosen=city.west_1)
    assert offered(chosen=city.building) == [
        (city.west.name, 0, False), (city.west_1.name, 1, False), (city.building.name, 2, True),
    ]  # fmt: skip
    assert offered("西涧", chosen=city.west)[0] == (city.west.name, 0, True)
    assert [name for name, _depth, _chosen in offered("西涧", chosen=city.west)].count(city.west.name) == 1


def test_a_retired_place_is_nobody_s_home(party: Party) -> None:
    city = party.world.city
    city.west_1.retired_on = "2026-01-01"
    city.west_1.save()
    assert (city.west_1.name, 1, False) not in offered(chosen=city.west)


def test_a_member_says_the_building(party: Party) -> None:
    city, client = party.world.city, signed_in(party.member)
    part = client.get(reverse("party:moved_homes"), {"lives_at": city.west_1.pk, "words": "西涧"})
    assert f'value="{city.building.pk}"' in part.content.decode()
    typed = {"lives_at": city.building.pk, "door": "101", "moved_on": "2026-11-01"}
    assert client.post(URL, typed).status_code == 302
    member = Member.objects.get(user=party.member)
    assert member.lives_at == city.building
    assert homes.shown_home(member) == city.west_1.name  # which names its community
    assert homes.whole_home(member) == f"{city.west_1.name} {city.building.name} 101"
    assert "checked" in client.get(URL).content.decode()


@pytest.mark.parametrize("lives_at", ["", "x", "0", "9" * 5000])
def test_what_is_no_home_is_refused_with_the_page(party: Party, lives_at: str) -> None:
    client = signed_in(party.member)
    refused = client.post(URL, {"lives_at": lives_at, "door": "101", "moved_on": "2026-11-01"})
    assert refused.status_code == 400
    assert "lives_at" in refused.context["form"].errors
    assert client.get(reverse("party:moved_homes"), {"lives_at": lives_at}).status_code == 200


def test_only_members_find_homes(party: Party) -> None:
    url = reverse("party:moved_homes")
    assert signed_in(party.outsider).get(url).status_code == 404
    assert Client().get(url).status_code == 302


def test_a_building_without_a_door_is_opened_like_one_with(party: Party) -> None:
    member = make_member(home=party.home, checkin=party.committee, lives_at=party.world.city.building)
    page = signed_in(party.secretary).get(reverse("party:member", args=[member.pk])).content.decode()
    assert "****" in page
    assert party.world.city.building.name not in page
    url = reverse("party:member_open", args=[member.pk])
    assert (
        party.world.city.building.name
        in signed_in(party.secretary).post(url, {"what": "door"}).content.decode()
    )


def test_a_grid_that_does_not_name_its_community_is_told_with_it(party: Party) -> None:
    city = party.world.city
    Place.objects.filter(pk=city.west_1.pk).update(name="第1网格")
    member = make_member(home=party.home, lives_at=Place.objects.get(pk=city.building.pk))
    assert homes.shown_home(member) == f"{city.west.name} 第1网格"
