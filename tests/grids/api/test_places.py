"""Places over the API: list, detail, tree, point, boundaries; a key reads its branch and what is above."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from grids.coordinates import wgs84_to_gcj02
from grids.levels import Level
from grids.succession import NewPlace, merge_places
from tests.factories.grids import City, make_city, make_place, square
from tests.factories.keys import Caller, codes, session
from tests.factories.people import make_unit, make_user

pytestmark = pytest.mark.django_db
PLACES = "/api/v1/places/"
MERGED_AT = datetime(2026, 11, 1, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def city() -> City:
    return make_city()


@pytest.fixture
def caller(city: City) -> Caller:
    """A key over the whole city."""
    return Caller("places:read", place=city.city)


def queries_of(caller: APIClient, path: str, **query: Any) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert caller.get(path, query).status_code == 200
    return len(asked)


class TestList:
    def test_places_come_in_code_order_each_with_what_is_above_it(self, city, caller):
        answer = caller.get(PLACES, {"level": "community"})

        assert answer.json()["results"] == [
            {
                "code": place.code,
                "name": place.name,
                "level": "community",
                "kind": "residential",
                "parent": city.street.code,
                "lng": round(place.lng, 7),
                "lat": round(place.lat, 7),
                "since": "2026-01-01",
                "retired_on": None,
                "successors": [],
            }
            for place in city.communities
        ]
        everything = codes(caller.get(PLACES))
        assert everything == sorted(everything)
        assert len(everything) == 13

    def test_pages_meet_without_a_gap(self, city, caller):
        seen, address = [], f"{PLACES}?limit=3&total=true"
        while address:
            body = caller.get(address).json()
            seen += [row["code"] for row in body["results"]]
            address = body["next"]
        assert body["total"] == 13
        assert seen == codes(caller.get(PLACES))

    def test_filters_narrow_together(self, city, caller):
        def found(**query: str) -> list[str]:
            return codes(caller.get(PLACES, query))

        west = city.west.code
        assert found(parent=west) == [city.west_1.code, city.west_2.code]
        assert found(below=west, level="grid") == found(parent=west)
        assert found(q="东门", level="community") == [city.east.code]
        assert found(q=city.west_1.code) == [city.west_1.code, *found(parent=city.west_1.code)]
        assert found(q="不存在") == []

    def test_a_grid_inside_a_grid_has_the_large_one_above(self, city, caller):
        inner = make_place(city.west_1, Level.GRID, "小网格", boundary=square(118.311, 32.301, 0.002))

        assert caller.get(f"{PLACES}{inner.code}/").json()["parent"] == city.west_1.code
        assert inner.code in codes(caller.get(PLACES, {"parent": city.west_1.code}))

    def test_a_retired_place_is_listed_when_asked_for_and_names_its_successor(self, city, caller):
        merged = merge_places(
            places=[city.west_1, city.west_2], into=NewPlace(name="西涧新网格"), at=MERGED_AT
        )

        assert city.west_1.code not in codes(caller.get(PLACES))
        rows = {row["code"]: row for row in caller.get(PLACES, {"retired": "true"}).json()["results"]}
        assert rows[city.west_1.code]["retired_on"] == "2026-11-01"
        assert rows[city.west_1.code]["successors"] == [merged.code]
        assert rows[merged.code]["successors"] == []

    def test_a_list_asks_as_much_for_three_as_for_one(self, city, caller):
        caller.get(PLACES)
        for limit in (1, 3):
            assert queries_of(caller, PLACES, limit=limit, retired="true") == 3


class TestDetail:
    def test_it_has_its_line_and_boundary_when_asked(self, city, caller):
        plain = caller.get(f"{PLACES}{city.west.code}/").json()
        expanded = caller.get(f"{PLACES}{city.west.code}/", {"expand": "boundary", "crs": "gcj02"}).json()

        assert plain["line"] == [
            {"code": place.code, "name": place.name, "level": place.level}
            for place in (city.city, city.district, city.street)
        ]
        assert plain["children_count"] == 2
        assert "boundary" not in plain
        corner = [round(number, 7) for number in wgs84_to_gcj02(118.31, 32.3)]
        assert expanded["boundary"]["coordinates"][0][0] == corner
        middle = [round(number, 7) for number in wgs84_to_gcj02(city.west.lng, city.west.lat)]
        assert [expanded["lng"], expanded["lat"]] == middle
        assert caller.get(f"{PLACES}{city.city.code}/", {"expand": "boundary"}).json()["boundary"] is None
        few = caller.get(f"{PLACES}{city.west.code}/", {"fields": "code,line"}).json()
        assert set(few) == {"code", "line"}
        assert queries_of(caller, f"{PLACES}{city.west.code}/") == 5

    def test_no_such_place_is_404(self, caller):
        for code in ("999999999999", "x", "9" * 400):
            answer = caller.get(f"{PLACES}{code}/")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class TestTree:
    def test_a_tree_ends_at_the_level_that_is_asked_for(self, city, caller):
        (root,) = caller.get(f"{PLACES}tree/").json()["results"]
        (west,) = caller.get(f"{PLACES}tree/", {"root": city.west.code, "level": "grid"}).json()["results"]

        street = root["children"][0]["children"][0]
        assert root["code"] == city.city.code
        assert [(node["code"], node["children"]) for node in street["children"]] == [
            (city.west.code, []),
            (city.east.code, []),
        ]
        assert west["level"] == "community"
        assert [node["code"] for node in west["children"]] == [city.west_1.code, city.west_2.code]

    def test_a_tree_that_is_too_large_is_refused(self, caller, monkeypatch):
        monkeypatch.setattr("grids.api.territory.MOST_NODES", 4)

        answer = caller.get(f"{PLACES}tree/")

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "level")


class TestLocate:
    def test_a_point_finds_its_grid_with_the_line_above(self, city, caller):
        lng, lat = wgs84_to_gcj02(*city.inside(city.east_2))

        answer = caller.get(f"{PLACES}locate/", {"lng": lng, "lat": lat, "crs": "gcj02"}).json()

        assert answer["grid"]["code"] == city.east_2.code
        assert answer["desk"]["code"] == city.east.code
        line = (city.city, city.district, city.street, city.east, city.east_2)
        assert [place["code"] for place in answer["line"]] == [place.code for place in line]
        assert (answer["outside"], answer["distance_m"]) == (False, 0)

    def test_outside_every_grid_the_nearest_desk_answers(self, city, caller):
        answer = caller.get(f"{PLACES}locate/", {"lng": 118.305, "lat": 32.305}).json()

        assert (answer["grid"], answer["outside"]) == (None, True)
        assert answer["desk"]["code"] == answer["line"][-1]["code"] == city.west.code
        assert 400 < answer["distance_m"] < 500

    def test_far_away_and_nonsense_are_told_apart(self, caller):
        for query, status, field in (
            ({"lng": 10, "lat": 10}, 404, []),
            ({}, 400, ["lng"]),
            ({"lng": 118}, 400, ["lat"]),
            ({"lng": "x", "lat": 1}, 400, ["lng"]),
            ({"lng": 1, "lat": 1, "crs": "bd09"}, 400, ["crs"]),
        ):
            answer = caller.get(f"{PLACES}locate/", query)
            assert answer.status_code == status
            assert [error["field"] for error in answer.json().get("errors", [])] == field


class TestBoundaries:
    def test_outlines_come_as_geojson_by_codes(self, city, caller):
        answer = caller.get(f"{PLACES}boundaries/", {"below": city.west.code, "level": "grid", "limit": 1})
        body = answer.json()

        assert answer.headers["Content-Type"] == "application/geo+json"
        assert (body["type"], body["previous"], set(body)) == (
            "FeatureCollection",
            None,
            {"type", "features", "next", "previous"},
        )
        (feature,) = body["features"]
        assert feature == {
            "type": "Feature",
            "id": city.west_1.code,
            "geometry": square(118.31, 32.30),
            "properties": {
                "code": city.west_1.code,
                "name": city.west_1.name,
                "level": "grid",
                "kind": "general",
                "is_schematic": False,
            },
        }
        assert [f["id"] for f in caller.get(body["next"]).json()["features"]] == [city.west_2.code]
        for limit in (1, 3):
            assert queries_of(caller, f"{PLACES}boundaries/", limit=limit, simplified="true") == 3

    def test_one_place_gives_one_feature_or_none(self, city, caller):
        def features(place: Any) -> list[Any]:
            return caller.get(f"{PLACES}{place.code}/boundary/", {"crs": "gcj02"}).json()["features"]

        (drawn,) = features(city.west)
        (pinned,) = features(city.building)
        assert drawn["geometry"]["type"] == "Polygon"
        corner = wgs84_to_gcj02(118.314, 32.304)
        assert pinned["geometry"] == {"type": "Point", "coordinates": [round(n, 7) for n in corner]}
        assert features(city.city) == []
        plain = caller.get(f"{PLACES}{city.west.code}/boundary/", headers={"Accept": "application/json"})
        assert plain.headers["Content-Type"] == "application/json"


class TestScope:
    """East exists for nobody who has only west: in no list, filter, search, total, detail or tree."""

    @pytest.fixture
    def west(self, city: City) -> Caller:
        return Caller("places:read", place=city.west, duty="reader")

    def test_a_key_reads_its_own_branch_and_the_line_above(self, city, west):
        body = west.get(PLACES, {"total": "true", "retired": "true"}).json()

        seen = {row["code"] for row in body["results"]}
        own = {place.code for place in (city.west, city.west_1, city.west_2)}
        above = {place.code for place in (city.city, city.district, city.street)}
        assert own | above <= seen
        assert not any(code.startswith(city.east.code) for code in seen)
        assert body["total"] == len(seen) == 9

    def test_east_is_nowhere(self, city, west):
        east, told = city.east.code, "No place that you may read has this code."
        lng, lat = city.inside(city.east_1)

        assert [codes(west.get(PLACES, {"q": q})) for q in (east, "东门")] == [[], []]
        assert codes(west.get(PLACES, {"parent": city.street.code})) == [city.west.code]
        for name in ("parent", "below"):
            refused = west.get(PLACES, {name: east}, headers={"Accept-Language": "en"}).json()["errors"]
            assert refused == [{"field": name, "code": "invalid", "detail": told}]
        for path in (f"{east}/", f"{east}/?expand=boundary", f"{east}/boundary/"):
            assert west.get(PLACES + path).status_code == 404
        assert west.get(f"{PLACES}locate/", {"lng": lng, "lat": lat}).status_code == 404
        assert west.get(f"{PLACES}tree/", {"root": east}).status_code == 400
        for path in ("tree/?level=building", "boundaries/", f"{city.street.code}/"):
            assert east not in west.get(PLACES + path).content.decode()
        assert west.get(f"{PLACES}{city.street.code}/").json()["children_count"] == 1

    def test_a_unit_reads_where_it_serves(self, city):
        bound = Caller("places:read", unit=make_unit(place=city.east))
        everywhere = Caller("places:read", unit=make_unit())

        assert bound.get(f"{PLACES}{city.east_1.code}/").status_code == 200
        assert bound.get(f"{PLACES}{city.west_1.code}/").status_code == 404
        assert len(codes(everywhere.get(PLACES))) == 13

    def test_people_read_all_and_strangers_nothing(self, city):
        assert len(codes(session(make_user()).get(PLACES))) == 13
        assert APIClient().get(PLACES).status_code == 401
        assert Caller("orders:read", place=city.city).get(PLACES).status_code == 403
