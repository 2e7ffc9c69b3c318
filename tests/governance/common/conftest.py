"""Fixtures of the shared front-end's tests."""

import pytest

from governance.common.translations import compile_catalogs


@pytest.fixture(scope="session", autouse=True)
def _compiled_catalogs():
    """Chinese words are asserted here, so the catalogue is compiled first, as at every start."""
    compile_catalogs()
