"""What the tests of the actions share."""

from __future__ import annotations

import pytest

from tests.factories.party import Party, make_party
from tests.factories.shop import (
    Shop,
    make_shop,
)


@pytest.fixture
def party(db: None) -> Party:
    return make_party()


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop()
