"""A small city with pictures, and an empty database beside it to restore into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone
from psycopg2 import sql

from cases.attachments import store_picture
from cases.calendars import forget_calendar
from cases.models import Attachment, Case
from governance.backups.taking import Taken, take_backup
from partymembers.models import User
from tests.factories.cases import World, make_world, report
from tests.factories.pictures import picture_bytes

#: Moments for backups made one after the other: their names tell seconds.
MOMENT = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
_colors = count(1)
_moments = count(0)

Elsewhere = Callable[[], AbstractContextManager[None]]


def picture() -> BytesIO:
    """A picture like no other."""
    number = next(_colors)
    return BytesIO(picture_bytes((32 + number % 100, 32), color=(number * 37 % 256, 90, 7)))


def upload(user: User) -> Attachment:
    """A stored picture that no order has yet."""
    return store_picture(picture(), uploader=user, at=timezone.now())


def report_with_photo(world: World) -> Case:
    """An order of this moment with a picture, through the door that people use."""
    photo = upload(world.worker)
    return report(world, at=timezone.now(), attachments=[photo.token])


def back_up(target: Path, said: Callable[[str], None] = lambda _text: None, **options: Any) -> Taken:
    """A backup of the test's database, each a second after the one before."""
    at = MOMENT + timedelta(seconds=next(_moments))
    return take_backup(target, at=at, say=said, **options)


def file_of(row: Attachment) -> Path:
    """Where the picture lies."""
    return Path(row.file.path)


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    """A small city whose rows are committed: the programs of PostgreSQL see nothing else."""
    forget_calendar()
    yield make_world()
    forget_calendar()


@contextmanager
def on_database(name: str, media: Path) -> Iterator[None]:
    """The portal on another database with other attachments, for the length of the block."""
    own = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        with override_settings(MEDIA_ROOT=media):
            yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = own


@pytest.fixture
def elsewhere(transactional_db: None, tmp_path: Path) -> Iterator[Elsewhere]:
    """A fresh instance: an empty database on the same server, and attachments in a folder yet to be made."""
    name = f"{connection.settings_dict['NAME']}_restored"
    _run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
    _run("CREATE DATABASE {}", name)
    yield lambda: on_database(name, tmp_path / "restored-media")
    _run("DROP DATABASE {} WITH (FORCE)", name)


def _run(statement: str, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(sql.Identifier(name)).as_string(cursor.cursor))


@pytest.fixture
def media() -> Path:
    """The attachments of this test."""
    return Path(settings.MEDIA_ROOT)
