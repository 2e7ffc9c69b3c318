"""Two people, or two processes, changing the territory at the same time."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from grids import actions, boundaries
from grids.actions import PlaceError
from grids.levels import Level
from grids.models import Place
from tests.factories.grids import BEGAN, located, make_city, make_place, square

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*jobs: Callable[[], object]) -> list[object]:
    """What each job returned, or the error that it raised, started together on connections of their own."""
    start = threading.Barrier(len(jobs))

    def run(job: Callable[[], object]) -> object:
        start.wait()
        try:
            return job()
        except PlaceError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_two_places_added_at_once_get_two_codes():
    city = make_city()
    west = city.west.pk

    def add() -> str:
        return make_place(Place.objects.get(pk=west), Level.GRID).code

    assert sorted(map(str, at_once(add, add, add))) == [f"{city.west.code}{part:03d}" for part in (3, 4, 5)]
    assert Place.objects.get(pk=west).numchild == 5


def test_a_place_is_split_once():
    city = make_city()
    halves = [actions.NewPlace(name="甲"), actions.NewPlace(name="乙")]
    children = {grid.pk: 0 for grid in (city.west_1, city.west_2)}

    def split() -> object:
        return actions.split_place(place=city.west, into=halves, at=BEGAN, children=children)

    results = at_once(split, split)
    assert sorted(type(result).__name__ for result in results) == ["PlaceEnded", "list"]
    assert Place.objects.current().at_level(Level.COMMUNITY).count() == 3


def test_two_boundaries_drawn_at_once_are_both_seen():
    city = make_city()
    assert located(118.315, 32.305).place == city.west_1

    def redraw(place: Place, west: float) -> Callable[[], object]:
        return lambda: actions.change_boundary(place=place, boundary=square(west, 32.5), at=BEGAN)

    at_once(redraw(city.west_1, 118.5), redraw(city.east_1, 118.7))
    assert located(118.505, 32.505).place == city.west_1
    assert located(118.705, 32.505).place == city.east_1
    assert boundaries.current_version() > 0
