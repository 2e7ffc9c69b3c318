"""The pages' tests begin at one and the same hour of a working day, whenever they run.

What the factories make happens on 20 November 2026, and clocks run in working hours: by the machine's clock
the same test would look at an order in its time, at a late one, or across a night or a holiday.
"""

from collections.abc import Iterator

import pytest
import time_machine

from cases.calendars import forget_calendar
from grids.models import QrCode
from tests.factories.cases import MINUTE, NOON
from tests.factories.party import Party, make_party


@pytest.fixture(autouse=True)
def _working_hours() -> Iterator[None]:
    with time_machine.travel(NOON + 60 * MINUTE, tick=True):
        yield


@pytest.fixture
def noon() -> Iterator[None]:
    """One o'clock stands still, as pages of wishes tell days and hours."""
    forget_calendar()
    with time_machine.travel(NOON + 60 * MINUTE, tick=False):
        yield
    forget_calendar()


@pytest.fixture
def party() -> Party:
    """The world's people with the Party's side."""
    return make_party()


@pytest.fixture
def code(party: Party) -> QrCode:
    """A QR code of the first building."""
    return party.world.city.qr_code()
