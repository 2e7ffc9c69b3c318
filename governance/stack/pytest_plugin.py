"""pytest's door to the services: started once a run, before Django reads its settings.

Loaded with `-p governance.stack.pytest_plugin`. Where DATABASE_URL and REDIS_URL are set, those serve.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from . import addresses, testing, translations
from .problems import StackError


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    """Start the services ahead of pytest-django, which loads the settings in this very hook."""
    try:
        os.environ.update(testing.start_services(addresses.CHECKOUT / "var"))
        translations.compile_catalogues(addresses.CHECKOUT / "locale")
    except StackError as error:
        testing.stop_services()
        raise pytest.UsageError(str(error)) from None
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop what was started."""
    testing.stop_services()
