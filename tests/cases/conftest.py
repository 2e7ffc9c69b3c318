"""What several tests of orders share."""

from collections.abc import Iterator

import pytest

from cases.calendars import forget_calendar


@pytest.fixture
def plain_calendar() -> Iterator[None]:
    """Working days as a fresh database has them: nothing that another test made a process remember."""
    forget_calendar()
    yield
    forget_calendar()
