"""Somebody leaves, with a real worker and a real beat: what they held is in others' lists within a minute."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.calendars import forget_calendar
from cases.models import Case
from cases.workflow import State
from partymembers.actions.keys import disable_user
from partymembers.actions.units import disable_unit
from partymembers.models import User
from tests.conftest import ROOT, wait_for
from tests.factories.cases import World, bring_to, make_world
from tests.factories.scene import signed_in

pytestmark = pytest.mark.django_db(transaction=True)

#: Seconds: what the portal promises, from the disabling to the list that shows the order.
PROMISED = 60.0


@pytest.fixture
def at_work(
    celery_worker: subprocess.Popen[bytes], program_env: dict[str, str], tmp_path: Path
) -> Iterator[World]:
    """A city with a worker and a beat."""
    forget_calendar()
    world = make_world()
    alive = tmp_path / "beat-alive"
    with (tmp_path / "beat.log").open("wb") as log:
        beat = subprocess.Popen(
            [sys.executable, "-m", "celery", "--quiet", "-A", "governance", "beat", "--loglevel", "WARNING"],
            cwd=ROOT, env={**program_env, "GEZHI_SIGN_OF_LIFE": str(alive)}, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        wait_for(alive.exists)
        yield world
    finally:
        beat.terminate()
        beat.wait(timeout=60)
        forget_calendar()


def shows(user: User, page: str, case: Case) -> bool:
    """Whether the person's own list has the order."""
    return case.number in signed_in(user).get(reverse(page)).content.decode()


def test_orders_of_a_disabled_person_and_unit_are_in_a_visible_list_within_a_minute(at_work: World) -> None:
    world, now = at_work, timezone.now()
    first, second = (bring_to(world, State.HANDLING, at=now) for _ in range(2))
    assert first.handler == second.handler == world.handler

    disable_user(user_id=world.handler.pk, actor=None, at=timezone.now())
    wait_for(lambda: not Case.objects.filter(handler__isnull=False).exists(), PROMISED)
    assert all(shows(world.head, "cases:handling", case) for case in (first, second))

    disable_unit(unit_id=world.unit.pk, actor=None, at=timezone.now())
    wait_for(lambda: not Case.objects.filter(unit__isnull=False).exists(), PROMISED)
    assert all(shows(world.desk, "cases:desk", case) for case in (first, second))
    assert set(Case.objects.values_list("state", flat=True)) == {State.ACCEPTED}
