"""What the tests of the pages of service share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from tests.factories.cases import NOON
from tests.factories.party import Party, make_party


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as coordinates:
        yield coordinates


@pytest.fixture
def party(db: None) -> Party:
    return make_party()
