"""What is laid again is what was made, whatever a test did to it; else it is made anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from grids.models import Place
from partymembers.models import Post
from tests.factories.cases import WORLD, World, _make_world
from tests.factories.catalogue import make_class
from tests.factories.grids import located
from tests.factories.moulds import Mould

pytestmark = pytest.mark.django_db


@contextmanager
def undone() -> Iterator[None]:
    """As a test of its own."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def rows() -> dict[str, list[tuple[object, ...]]]:
    return {table.__name__: sorted(table._base_manager.values_list(), key=str) for table in WORLD}


def test_a_world_that_is_laid_again_is_the_world_that_was_made() -> None:
    mould: Mould[World] = Mould(_make_world, WORLD)
    with undone():
        made, first = mould(), rows()
    with undone():
        mould()
        Place.objects.update(name="另名")
        Post.objects.all().delete()
    again = mould()
    assert (again, rows()) == (made, first)
    assert again.worker.name == "陈工"
    assert again.unit is not made.unit
    assert located(*again.city.inside(again.city.east_2)).place == again.city.east_2


def test_where_rows_stand_in_the_way_a_world_is_made_anew() -> None:
    mould: Mould[World] = Mould(_make_world, WORLD)
    with undone():
        made = mould()
    components = make_class()
    world = mould()
    assert world.matter.matter_class == components
    assert world.worker != made.worker
    assert located(*world.city.inside(world.city.east_2)).place == world.city.east_2
