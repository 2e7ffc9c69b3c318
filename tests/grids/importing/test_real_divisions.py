"""The five real division files, counted straight from the files and from the database."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from grids.importing import import_divisions
from grids.importing.divisions import kind_of
from grids.levels import Level
from grids.models import Place, PlaceKind
from tests.factories.grids import BEGAN
from tests.grids.conftest import DATA

pytestmark = pytest.mark.django_db
FILES = sorted(DATA.glob("*.csv"))
LEVEL_OF = {"city": "city", "county": "district", "street": "street"}
KIND_OF = {"community": "residential", "village": "village", "other": ""}


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def test_there_are_five_files():
    assert len(FILES) == 5


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_counts_per_level_equal_the_files(file: Path):
    report = import_divisions(file, at=BEGAN)
    rows = [row for row in rows_of(file) if row["level"] != "province"]
    assert report.refused == []
    assert (report.created, report.skipped) == (len(rows), 1)
    in_file = Counter(LEVEL_OF.get(row["level"], "community") for row in rows)
    assert Counter(Place.objects.values_list("level", flat=True)) == in_file
    kinds = Counter(KIND_OF[row["level"]] for row in rows if row["level"] in KIND_OF)
    communities = Place.objects.at_level(Level.COMMUNITY)
    assert Counter(communities.values_list("kind", flat=True)) == kinds
    in_database = {place.code: place.name for place in Place.objects.all()}
    assert in_database == {row["code"]: row["name"] for row in rows}
    codes = {place.path: place.code for place in Place.objects.all()}
    parents = {code: codes.get(path[:-4], "") for path, code in codes.items()}
    assert parents == {row["code"]: "" if row["level"] == "city" else row["parent_code"] for row in rows}


def test_all_five_cities_stand_side_by_side_and_again():
    for file in FILES:
        import_divisions(file, at=BEGAN)
    total = sum(len(rows_of(file)) for file in FILES) - 5
    assert Place.objects.count() == total
    assert Place.objects.filter(kind="", level=Level.COMMUNITY).count() == 24
    children = Counter(path[:-4] for path in Place.objects.values_list("path", flat=True))
    said = Place.objects.values_list("path", "numchild", "depth")
    assert [(path, children[path], len(path) / 4) for path, _count, _depth in said] == list(said)
    for file in FILES:
        again = import_divisions(file, at=BEGAN)
        assert (again.created, again.updated, again.refused) == (0, 0, [])


def test_names_alone_tell_most_communities_as_the_files_do():
    said = [row for file in FILES for row in rows_of(file) if row["level"] in KIND_OF]
    told = [row for row in said if kind_of(row["name"], Level.COMMUNITY) == KIND_OF[row["level"]]]
    assert len(told) / len(said) > 0.98
    wrong = [row for row in said if row["level"] == "other"]
    assert {kind_of(row["name"], Level.COMMUNITY) for row in wrong} == {PlaceKind.UNSPECIFIED}
