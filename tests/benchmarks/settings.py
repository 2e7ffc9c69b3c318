"""Settings of `make bench`: those of `make up`, with two bare views and a tally for requests that ask."""

import os

from governance.settings.local import *  # noqa: F403
from governance.settings.local import INSTALLED_APPS, MIDDLEWARE

DEBUG = False
INSTALLED_APPS = [*INSTALLED_APPS, "tests.benchmarks"]
MIDDLEWARE = ["tests.benchmarks.tally.TallyMiddleware", *MIDDLEWARE]
ROOT_URLCONF = "tests.benchmarks.urls"
SECRET_KEY = "bench-only-" + "x" * 50
MEDIA_ROOT = os.environ.get("STAND_MEDIA", "/nonexistent")
