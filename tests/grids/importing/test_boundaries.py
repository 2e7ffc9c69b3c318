"""Import of boundaries and grids from GeoJSON."""

import json
from typing import Any

import pytest

from governance.common.imports import ImportReport
from governance.common.tabular import TableError
from grids.boundaries import current_version
from grids.coordinates import distance_m, wgs84_to_gcj02
from grids.importing import import_boundaries
from grids.models import Place, PlaceChange
from tests.factories.grids import BEGAN, City, located, make_city, square

pytestmark = pytest.mark.django_db
NEW = "341102001001005"


@pytest.fixture
def city() -> City:
    return make_city()


def feature(geometry: object, **properties: object) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def collection(*features: object, **members: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features, **members}).encode()


def take(*features: object, **options: Any) -> ImportReport:
    return import_boundaries(collection(*features), at=BEGAN, **options)


def test_a_grid_is_drawn_anew_and_another_created(city: City):
    version = current_version()
    report = take(
        feature(square(118.5, 32.5), code=city.west_1.code),
        feature(square(118.6, 32.5), code=NEW, name="第5网格", kind="专属"),
        feature(city.east_1.boundary, code=city.east_1.code),
    )
    assert (report.created, report.updated, report.unchanged, report.refused) == (1, 1, 1, [])
    assert current_version() != version
    assert located(118.505, 32.505).place == city.west_1
    new = located(118.605, 32.505).place
    assert (new.code, new.kind, new.since) == (NEW, "dedicated", BEGAN.date())
    change = PlaceChange.objects.get()
    assert (change.kind, list(change.predecessors.all())) == ("boundary", [city.west_1])
    assert Place.objects.find_problems() == ([], [], [], [], [])


def test_a_first_drawing_is_no_change_of_territory(city: City):
    report = take(feature(square(118.3, 32.3, 0.1), code=city.street.code))
    assert (report.updated, PlaceChange.objects.count()) == (1, 0)
    city.street.refresh_from_db()
    assert (city.street.west, city.street.is_schematic) == (118.3, False)


def test_a_small_grid_may_come_before_its_large_one(city: City):
    small = "341102001001006"
    report = take(
        feature(square(118.601, 32.501, 0.001), code=small, name="微网格", parent=NEW, kind="micro"),
        feature(square(118.6, 32.5), code=NEW, name="大网格"),
    )
    assert report.refused == []
    assert Place.objects.get(code=small).path.startswith(Place.objects.get(code=NEW).path)
    assert located(118.6015, 32.5015).place.code == small


def test_gcj02_is_converted(city: City):
    true = square(118.6, 32.5)
    shifted = [[*wgs84_to_gcj02(lng, lat)] for lng, lat in true["coordinates"][0]]
    take(feature({"type": "Polygon", "coordinates": [shifted]}, code=city.west.code), system="gcj02")
    west = Place.objects.values_list("west", "south").get(pk=city.west.pk)
    assert distance_m(west[0] or 0, west[1] or 0, 118.6, 32.5) < 0.02


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        (None, "code"),
        (7, "code"),
        (feature(square(1, 1)), "code"),
        (feature(square(1, 1), code=None), "code"),
        (feature(square(1, 1), code=["x"]), "code"),
        (feature(square(1, 1), code="341102001001001"), "code"),
        (feature(square(1, 1), code="341102001009"), "code"),
        (feature(square(1, 1), code="341102009001001", name="无社区"), "code"),
        (feature(square(1, 1), code="x", name="无码"), "properties"),
        (feature(square(1, 1), code=NEW), "name"),
        (feature(square(1, 1), code=NEW, name="网格", kind="town"), "kind"),
        (feature(square(1, 1), code=NEW, name="网格", parent="341102001002001"), "properties"),
        (feature(square(1, 1), code=NEW, name="长" * 101), "properties"),
        (feature(None, code=NEW, name="无界"), "geometry"),
        (feature({"type": "Point", "coordinates": [1, 1]}, code=NEW, name="点"), "geometry"),
        (feature(square(200, 1), code=NEW, name="界外"), "geometry"),
    ],
)
def test_a_bad_feature_is_named_and_nothing_goes_in(city: City, wrong: object, column: str):
    before = Place.objects.count()
    report = take(feature(square(118.5, 32.5), code=city.west_1.code), wrong)
    assert [(error.line, error.column) for error in report.refused] == [(2, column)]
    assert not report.applied
    assert Place.objects.count() == before
    city.west_1.refresh_from_db()
    assert city.west_1.west == 118.31


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"\xff\xff\xff",
        b"[]",
        json.dumps(square(1, 1)).encode(),
        b'{"type": "FeatureCollection"}',
        b'{"type": "FeatureCollection", "features": {}}',
        collection(crs={"type": "name", "properties": {"name": "EPSG:3857"}}),
        collection(crs="EPSG:3857"),
    ],
)
def test_a_file_that_is_no_feature_collection_is_refused(data: bytes):
    with pytest.raises(TableError):
        import_boundaries(data, at=BEGAN)


def test_an_unknown_coordinate_system_is_refused():
    with pytest.raises(TableError):
        import_boundaries(collection(), at=BEGAN, system="bd09")


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4490"])
def test_named_coordinate_systems_that_equal_ours_are_taken(city: City, name: str):
    crs = {"type": "name", "properties": {"name": name}}
    data = collection(feature(square(118.5, 32.5), code=city.west.code), crs=crs)
    assert import_boundaries(data, at=BEGAN).updated == 1


def test_a_dry_run_writes_nothing(city: City):
    version = current_version()
    report = take(feature(square(118.5, 32.5), code=city.west_1.code), dry_run=True)
    assert (report.updated, report.applied) == (1, False)
    assert current_version() == version


def test_many_features_cost_as_many_queries_as_few(city: City, django_assert_num_queries):
    def row(first: int, count: int) -> list[dict[str, Any]]:
        return [
            feature(square(118.6 + n / 1000, 32.5, 0.001), code=f"341102001001{n:03d}", name=f"{n}网格")
            for n in range(first, first + count)
        ]

    with django_assert_num_queries(6):
        take(*row(10, 2))
    with django_assert_num_queries(6):
        take(*row(20, 200))
