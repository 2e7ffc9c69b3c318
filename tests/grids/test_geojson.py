"""Places as GeoJSON."""

import pytest
import shapely
from shapely.geometry import mapping, shape

from grids import actions
from grids.geojson import feature_collection
from grids.models import Place
from tests.factories.grids import BEGAN, City, make_city, square

pytestmark = pytest.mark.django_db


@pytest.fixture
def city() -> City:
    return make_city()


def test_drawn_places_become_features_and_others_do_not(city: City):
    places = [city.city, city.west_1, city.building]
    collection = feature_collection(places, properties=lambda place: {"late": place.pk == city.west_1.pk})
    assert collection == {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": city.west_1.pk,
                "geometry": collection["features"][0]["geometry"],
                "properties": {
                    "code": city.west_1.code,
                    "name": city.west_1.name,
                    "level": "grid",
                    "kind": "general",
                    "is_schematic": False,
                    "late": True,
                },
            },
            {
                "type": "Feature",
                "id": city.building.pk,
                "geometry": {"type": "Point", "coordinates": [118.314, 32.304]},
                "properties": {
                    "code": city.building.code,
                    "name": "1幢",
                    "level": "building",
                    "kind": "",
                    "is_schematic": False,
                    "late": False,
                },
            },
        ],
    }
    assert shape(collection["features"][0]["geometry"]).equals(shape(square(118.31, 32.30)))


def test_overviews_are_thinned_and_exact_ones_are_not(city: City):
    circle = mapping(shapely.Point(118.3, 32.3).buffer(0.2, quad_segs=200))
    district = actions.change_boundary(place=city.district, boundary=circle, at=BEGAN)
    (thin,) = feature_collection([district])["features"]
    (exact,) = feature_collection([district], is_simplified=False)["features"]
    assert exact["geometry"] == district.boundary
    assert len(thin["geometry"]["coordinates"][0]) < len(circle["coordinates"][0]) / 4


def test_a_map_of_many_places_costs_one_query(city: City, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert len(feature_collection(Place.objects.current().below([city.city]))["features"]) == 8
