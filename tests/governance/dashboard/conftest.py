"""The dashboard's tests begin on 20 November 2026, whenever they run, so that "this month" is known."""

from collections.abc import Iterator

import pytest
import time_machine

from tests.factories.cases import MINUTE, NOON


@pytest.fixture(autouse=True)
def _known_day() -> Iterator[None]:
    with time_machine.travel(NOON + 60 * MINUTE, tick=True):
        yield
