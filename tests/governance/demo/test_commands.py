"""The demo's commands: refused where somebody works, and silent where there is no demo."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from governance.celery import BEAT_SCHEDULE, DEMO_SCHEDULE, app
from governance.demo.staff import is_half_loaded, open_doors
from governance.demo.tasks import trickle_demo
from governance.demo.trickle import Round, trickle
from grids.models import Place
from partymembers.models import User
from tests.factories.people import make_user

pytestmark = pytest.mark.django_db


def test_the_demo_is_refused_where_there_are_users() -> None:
    make_user()
    with pytest.raises(CommandError, match="用户"):
        call_command("load_demo", scale=0.01, processes=1)
    assert Place.objects.count() == 0


def test_a_demo_that_was_interrupted_is_told_from_a_whole_one() -> None:
    User.objects.create_user("worker", name="半途", phone="19900000001")
    assert is_half_loaded()
    with pytest.raises(CommandError, match="make reset"):
        call_command("load_demo", scale=0.01, processes=1, anyway=True)
    open_doors()
    assert not is_half_loaded()
    assert Place.objects.count() == 0


def test_a_negative_scale_is_refused() -> None:
    with pytest.raises(CommandError, match="倍"):
        call_command("load_demo", scale=-1.0)
    assert User.objects.count() == 0


def test_production_never_has_a_demo(settings: LazySettings) -> None:
    settings.DEMO_ALLOWED = False
    for command in ("load_demo", "demo_trickle"):
        with pytest.raises(CommandError):
            call_command(command)
    out = StringIO()
    call_command("demo_signins", stdout=out)
    assert out.getvalue() == ""
    assert User.objects.count() == 0


def test_without_a_demo_there_is_nothing_to_sign_in_as_and_nothing_moves() -> None:
    make_user(username="worker")
    out = StringIO()
    call_command("demo_signins", stdout=out)
    assert out.getvalue() == ""
    assert trickle(at=datetime(2026, 11, 20, 2, tzinfo=UTC)) == Round(0, 0)


def test_beat_lets_the_demo_live_on_only_where_the_settings_say_so(settings: LazySettings) -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in DEMO_SCHEDULE.values()} <= set(app.tasks)
    assert not set(DEMO_SCHEDULE) & set(BEAT_SCHEDULE)
    assert settings.DEMO_TRICKLE is False
    trickle_demo()
