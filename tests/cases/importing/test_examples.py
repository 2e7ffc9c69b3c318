"""The example files of docs/importing.md, run in the order in which that page gives them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from django.core.management import call_command

from cases.models import Case, Matter
from grids.boundaries import locate
from grids.models import Building, Place
from partymembers.models import Post

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[3]


def test_every_example_of_the_page_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
    commands = [shlex.split(text) for text in re.findall(r"`manage\.py (import_[^`]+)`", page)]
    assert [command[0] for command in commands] == [
        "import_divisions", "import_boundaries", "import_buildings", "import_matters", "import_people",
        "import_branches", "import_members", "import_history",
    ]  # fmt: skip
    monkeypatch.chdir(ROOT)
    for name, *arguments in commands:
        extra = ["--passwords", str(tmp_path / "passwords.csv")] if name == "import_people" else []
        call_command(name, *arguments, *extra)
    assert (Place.objects.count(), Building.objects.count()) == (10, 3)
    found = locate(118.315, 32.305)
    assert found is not None
    assert found.place.name == "映月社区第1网格"
    assert set(Post.objects.values_list("user__name", "role")) == {
        ("周守正", "secretary"), ("陈明远", "grid_worker"),
    }  # fmt: skip
    assert list(Case.objects.order_by("source_number").values_list("number", "state", "grid__name")) == [
        ("260302-000001", "closed", "映月社区第1网格"),
        ("260303-000001", "closed", "映月社区第2网格"),
        ("260303-000002", "merged", "映月社区第1网格"),
        ("260304-000001", "declined", "映月社区第1网格"),
    ]
    assert Matter.objects.filter(retired_at__isnull=False).get().name == "装修噪音"
