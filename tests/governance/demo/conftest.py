"""One small demo city for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import setup_databases, teardown_databases
from pytest_django import DjangoDbBlocker

from cases.calendars import forget_calendar
from governance.demo.loading import Loaded, load_demo
from grids import boundaries

#: A Sunday morning in the city: no working time, and yet the desks must look alive.
NOW = datetime(2026, 11, 22, 2, 24, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo_media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo's pictures lie."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def test_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database also where no test of the session is marked to want one.

    pytest-django makes it by the marks alone; without, the demo would be loaded into the developer's own.
    """
    is_there = connection.settings_dict["NAME"].startswith(settings.DATABASES["default"]["TEST"]["NAME"])
    with django_db_blocker.unblock():
        made = [] if is_there else setup_databases(0, interactive=False, aliases={"default"}, keepdb=True)
    yield
    with django_db_blocker.unblock():
        teardown_databases(made, 0, keepdb=True)


@pytest.fixture(scope="module")
def demo(test_database: None, django_db_blocker: DjangoDbBlocker, demo_media: Path) -> Iterator[Loaded]:
    """The city loaded once a module, in a transaction that the module's end undoes."""
    from django.test import override_settings  # noqa: PLC0415  the settings are there only now

    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=demo_media), transaction.atomic():
        yield load_demo(now=NOW, seed=7, scale=0.03, processes=1)
        transaction.set_rollback(True)
    forget_calendar()
    boundaries._loaded = None
