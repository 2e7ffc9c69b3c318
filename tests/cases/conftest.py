"""What several tests of orders share."""

from collections.abc import Iterator

import pytest

from cases.calendars import forget_calendar
from cases.defaults import seed_configuration
from cases.models import Matter, MatterClass
from governance.common.remembering import remembering


@pytest.fixture
def plain_calendar() -> Iterator[None]:
    """Working days as a fresh database has them: nothing that another test made a process remember."""
    forget_calendar()
    yield
    forget_calendar()


@pytest.fixture
def an_empty_catalogue(db: None) -> None:
    """Without the kinds of wishes that a migrated database has, so that a test counts what it wrote.

    With its limits and ladder, whichever test of this process emptied the tables before.
    """
    seed_configuration()
    Matter.objects.filter(matter_class__section=MatterClass.Section.WISH).delete()
    MatterClass.objects.filter(section=MatterClass.Section.WISH).delete()


@pytest.fixture
def answers_kept() -> Iterator[None]:
    """Who holds which post is read once, for tests that ask a rule thousands of times and change nothing."""
    with remembering():
        yield
