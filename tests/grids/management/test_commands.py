"""The import commands as an operator runs them."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from grids.models import Building, Place
from tests.factories.grids import make_city, square

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def write(folder: Path, text: str) -> str:
    file = folder / "file"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_divisions(tmp_path: Path):
    file = write(tmp_path, "code,name,level\n340000000000,安徽省,province\n341100000000,滁州市,city\n")
    assert "安徽省" in run("import_divisions", file, "--dry-run")
    assert Place.objects.count() == 0
    run("import_divisions", file)
    assert Place.objects.get().name == "滁州市"


def test_boundaries(tmp_path: Path):
    city = make_city()
    one = {"type": "Feature", "properties": {"code": city.street.code}, "geometry": square(118, 32, 1)}
    file = write(tmp_path, json.dumps({"type": "FeatureCollection", "features": [one]}))
    run("import_boundaries", file, "--system", "gcj02", "--schematic")
    city.street.refresh_from_db()
    assert city.street.is_schematic
    assert city.street.west != 118


def test_buildings(tmp_path: Path):
    city = make_city()
    run("import_buildings", write(tmp_path, f"name,grid,households\n9幢,{city.west_1.code},20\n"))
    assert Building.objects.get(place__name="9幢").households == 20


@pytest.mark.parametrize("name", ["import_divisions", "import_boundaries", "import_buildings"])
def test_a_fault_ends_the_command(name: str, tmp_path: Path):
    with pytest.raises(CommandError):
        run(name, str(tmp_path / "absent"))
    with pytest.raises(CommandError):
        run(name, write(tmp_path, ""))


def test_each_bad_row_is_printed(tmp_path: Path):
    out = io.StringIO()
    file = write(tmp_path, "code,name\nx,甲\n341100000000,滁州市\ny,乙\n")
    with pytest.raises(CommandError):
        call_command("import_divisions", file, stdout=out, stderr=out)
    assert [word in out.getvalue() for word in ("2", "4")] == [True, True]
    assert Place.objects.count() == 0
