"""An interrupted first start leaves a mark, and the next start makes the city anew."""

from __future__ import annotations

import pytest
from django.db import connection

from governance.demo import unfinished
from partymembers.models import User

pytestmark = pytest.mark.django_db


def test_a_city_is_unfinished_from_its_begin_to_its_finish() -> None:
    assert not unfinished.is_unfinished()
    unfinished.begin()
    assert unfinished.is_unfinished()
    unfinished.finish()
    assert not unfinished.is_unfinished()


def test_starting_over_leaves_an_empty_schema_without_the_mark() -> None:
    unfinished.begin()
    assert User._meta.db_table in connection.introspection.table_names()
    unfinished.start_over()
    assert connection.introspection.table_names() == []
    assert not unfinished.is_unfinished()
